//! A silent peer: keepalive Pings, their Pongs, and the idle timeout, to the nanosecond.

mod halves;
mod limits;
mod pings;
mod slow;
mod unpolled;
mod unread;

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Initiator, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{End, Peer, Ws, queued};
use ws_tests::wire::PING;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const NANO: Duration = Duration::from_nanos(1);

/// The interval of keepalive, and the idle timeout.
const INTERVAL: Duration = Duration::from_secs(20);
/// The timeout for the Pong of the peer.
const TIMEOUT: Duration = Duration::from_secs(7);

fn keepalive() -> Config {
    Config::default().keepalive(INTERVAL, TIMEOUT)
}

fn idle() -> Config {
    Config::default().idle_timeout(INTERVAL)
}

/// An operation that waits for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Recv,
    RecvRef,
    RecvStream,
    Drive,
}

impl Wait {
    const ALL: [Self; 4] = [Self::Recv, Self::RecvRef, Self::RecvStream, Self::Drive];

    /// Awaits the operation. Returns `true` if a message was found.
    async fn wait(self, ws: &mut Ws) -> Result<bool, Error> {
        match self {
            Self::Recv => Ok(ws.recv().await?.is_some()),
            Self::RecvRef => Ok(ws.recv_ref().await?.is_some()),
            Self::RecvStream => Ok(ws.recv_stream().await?.is_some()),
            Self::Drive => ws.drive().await,
        }
    }
}

/// Polls the future until it is ready or its task is not woken.
fn stir<F: Future + ?Sized>(task: &mut Task, mut future: Pin<&mut F>) -> Poll<F::Output> {
    while task.is_woken() {
        let polled = task.poll(future.as_mut());
        if polled.is_ready() {
            return polled;
        }
    }
    Poll::Pending
}

/// Asserts that exactly one keepalive Ping was written, and returns its payload.
fn one_ping(end: End, peer: &Peer) -> Vec<u8> {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    let (opcode, payload) = frames[0].whole();
    assert_eq!(opcode, PING);
    assert_eq!(frames[0].key.is_some(), end == End::Client);
    payload.to_vec()
}

/// Receives until the first keepalive Ping is written, and returns its payload.
fn until_pinged(ws: &mut Ws, end: End, peer: &Peer) -> Vec<u8> {
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(INTERVAL);
    assert!(exec::attempt(ws.recv()).is_pending());
    one_ping(end, peer)
}

/// Asserts that the result is the error for this timeout.
fn assert_timeout<R: std::fmt::Debug>(result: Result<R, Error>, timeout: Timeout, context: &str) {
    match &result {
        Err(error @ Error::Timeout(which)) if *which == timeout => {
            assert!(error.is_timeout() && error.violation_code().is_none());
        }
        _ => panic!("{context}: {result:?}"),
    }
}

/// Asserts that the future waits without a wake-up until exactly `time` has passed, and then fails
/// with this timeout.
fn assert_times_out_after<F, R>(
    time: Duration,
    timeout: Timeout,
    task: &mut Task,
    future: Pin<&mut F>,
    context: &str,
) where
    F: Future<Output = Result<R, Error>> + ?Sized,
    R: std::fmt::Debug,
{
    clock::advance(time - NANO);
    assert!(!task.is_woken(), "{context}: woken too early");
    clock::advance(NANO);
    let result = exec::expect_ready(stir(task, future));
    assert_timeout(result, timeout, context);
}

/// Asserts that nothing more can be received or sent, and that the end was not clean.
fn assert_lost(ws: &mut Ws, peer: &Peer) {
    for _ in 0..2 {
        assert!(matches!(exec::glance(ws.recv()), Poll::Ready(Ok(None))));
        assert!(matches!(exec::glance(ws.recv_ref()), Poll::Ready(Ok(None))));
        assert!(matches!(exec::glance(ws.drive()), Poll::Ready(Ok(false))));
        assert!(matches!(
            exec::glance(ws.recv_stream()),
            Poll::Ready(Ok(None))
        ));
    }
    let end = ws.end().expect("an end");
    assert_eq!(end.code(), CloseCode::ABNORMAL);
    assert!(!end.clean);
    assert_eq!(end.initiator, Initiator::Peer);
    assert!(ws.get_ref().is_none() && peer.is_dropped());
    let sent = exec::expect_ready(exec::glance(ws.send("late")));
    assert!(matches!(sent, Err(Error::Closed(_))));
    assert_eq!(queued(ws), 0);
}
