//! A peer that says nothing: keepalive Pings, their Pongs, and the idle time limit, to the nanosecond.

#![forbid(unsafe_code)]

mod halves;
mod limits;
mod pings;
mod slow;
mod unpolled;

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

const INTERVAL: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(7);

fn keepalive() -> Config {
    Config::default().keepalive(INTERVAL, TIMEOUT)
}

fn idle() -> Config {
    Config::default().idle_timeout(INTERVAL)
}

/// What can wait for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Recv,
    RecvRef,
    RecvStream,
    Drive,
}

impl Wait {
    const ALL: [Self; 4] = [Self::Recv, Self::RecvRef, Self::RecvStream, Self::Drive];

    /// Whether there was a message.
    async fn wait(self, ws: &mut Ws) -> Result<bool, Error> {
        match self {
            Self::Recv => Ok(ws.recv().await?.is_some()),
            Self::RecvRef => Ok(ws.recv_ref().await?.is_some()),
            Self::RecvStream => Ok(ws.recv_stream().await?.is_some()),
            Self::Drive => ws.drive().await,
        }
    }
}

/// Polls only if woken.
fn stir<F: Future + ?Sized>(task: &mut Task, mut future: Pin<&mut F>) -> Poll<F::Output> {
    while task.is_woken() {
        let polled = task.poll(future.as_mut());
        if polled.is_ready() {
            return polled;
        }
    }
    Poll::Pending
}

/// The one keepalive Ping that was written; its payload.
fn one_ping(end: End, peer: &Peer) -> Vec<u8> {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    let (opcode, payload) = frames[0].whole();
    assert_eq!(opcode, PING);
    assert_eq!(frames[0].key.is_some(), end == End::Client, "masked");
    payload.to_vec()
}

/// Waits until the first keepalive Ping is written; its payload.
fn until_pinged(ws: &mut Ws, end: End, peer: &Peer) -> Vec<u8> {
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(INTERVAL);
    assert!(exec::attempt(ws.recv()).is_pending());
    one_ping(end, peer)
}

fn assert_timeout<R: std::fmt::Debug>(result: Result<R, Error>, phase: Timeout, context: &str) {
    match &result {
        Err(error @ Error::Timeout(which)) if *which == phase => {
            assert!(error.is_timeout() && error.violation_code().is_none());
        }
        _ => panic!("{context}: {result:?}"),
    }
}

/// Nothing comes any more, and the end was not clean.
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
    let end = ws.end().expect("it has ended");
    assert_eq!(end.code(), CloseCode::ABNORMAL);
    assert!(!end.clean);
    assert_eq!(end.initiator, Initiator::Peer);
    assert!(ws.get_ref().is_none() && peer.is_dropped());
    let sent = exec::expect_ready(exec::glance(ws.send("late")));
    assert!(matches!(sent, Err(Error::Closed(_))));
    assert_eq!(queued(ws), 0);
}
