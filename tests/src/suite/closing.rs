//! The end of connections on real sockets.

use std::time::{Duration, Instant};

use ws_driver::{CloseCode, Config, End, Error, Initiator, Message, Timeout};

use super::roles::FAR;
use super::{Running, Suite, Ws, accept, accept_with, client, connect, server};
use crate::socket::{Ending, RawPeer};
use crate::steps::echo;
use crate::wire::{self, CONTINUATION, From, PING, TEXT};

/// The duration of a pause in which a peer does nothing.
const PAUSE: Duration = Duration::from_millis(100);

/// The outcome of receiving until the connection ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) messages: Vec<Message>,
    pub(super) fault: Option<Error>,
    pub(super) end: Option<End>,
    time: Duration,
}

/// Receives until the connection ends, and then drops the connection at once.
pub(super) async fn outcome<S: Suite>(mut ws: Ws<S>) -> Outcome {
    let start = Instant::now();
    let mut messages = Vec::new();
    let mut fault = None;
    loop {
        match ws.recv().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    Outcome {
        messages,
        fault,
        end: ws.end(),
        time: start.elapsed(),
    }
}

/// Returns a client and a server that receives until the connection ends. The server's timeouts are
/// so long that a test fails if the server waits for a timeout.
fn receiving<S: Suite>() -> (RawPeer, Running<Outcome>) {
    let config = Config::default().failure_timeout(FAR).close_timeout(FAR);
    receiving_with::<S>(config)
}

fn receiving_with<S: Suite>(config: Config) -> (RawPeer, Running<Outcome>) {
    let (address, running) = server::<S, _, _>(|stream| async move {
        outcome::<S>(accept_with::<S>(stream, config).await).await
    });
    (RawPeer::open(address), running)
}

fn code(outcome: &Outcome) -> Option<u16> {
    Some(outcome.fault.as_ref()?.violation_code()?.number())
}

/// The peer receives the Close and then the end of the stream, without a reset.
pub fn a_violation_is_answered_before_the_caller_can_drop_the_connection<S: Suite>() {
    let violations = [
        (1002, From::Server.text("not masked")),
        (1002, From::Client.frame(3, b"")),
        (1002, From::Client.close(999, "")),
        (1007, From::Client.frame(TEXT, b"\xff")),
        (
            1007,
            [
                From::Client.fragment(TEXT, b"\xc2"),
                From::Client.frame(CONTINUATION, b""),
            ]
            .concat(),
        ),
        (
            1009,
            wire::encode(0x82, Some(wire::KEY), &vec![0; (16 << 20) + 1])[..20].to_vec(),
        ),
    ];
    for (expected, bytes) in violations {
        let (mut peer, running) = receiving::<S>();
        peer.send(&[From::Client.text("good"), bytes].concat());
        peer.expect_close(expected);
        drop(peer);
        let outcome = running.finish();
        assert_eq!(outcome.messages, ["good".into()]);
        assert_eq!(code(&outcome), Some(expected));
    }
}

/// If our end dropped its socket with unread input, the kernel would reset the connection and
/// discard the Close.
pub fn a_violation_amid_unread_input_causes_no_reset<S: Suite>() {
    let (mut peer, running) = receiving::<S>();
    let junk = vec![0x55; 1 << 20];
    peer.send(&[From::Client.frame(3, b""), junk.clone()].concat());
    std::thread::sleep(PAUSE);
    peer.send(&junk);
    peer.expect_close(1002);
    drop(peer);
    assert_eq!(code(&running.finish()), Some(1002));
}

/// The violation is a masked frame.
pub fn a_violation_by_a_server_is_answered_with_a_close<S: Suite>() {
    let (mut peer, running) =
        client::<S, _, _>(|url| async move { outcome::<S>(connect::<S>(&url).await).await });
    peer.answer();
    peer.send(&[From::Server.text("good"), From::Client.text("masked")].concat());
    peer.expect_close(1002);
    drop(peer);
    let outcome = running.finish();
    assert_eq!(outcome.messages, ["good".into()]);
    assert_eq!(code(&outcome), Some(1002));
}

/// The peer keeps its direction open. In the second case, the peer does not read either.
pub fn a_peer_that_never_ends_is_dropped_within_the_failure_deadline<S: Suite>() {
    let (mut peer, running) = receiving_with::<S>(Config::default().close_timeout(FAR));
    peer.send(&From::Client.frame(3, b""));
    let outcome = running.finish();
    assert_eq!(code(&outcome), Some(1002));
    let time = outcome.time;
    assert!(time >= Duration::from_millis(900), "{time:?}");
    peer.expect_close(1002);

    // The peer does not read either.
    let config = Config::default().failure_timeout(Duration::from_millis(300));
    let config = config.close_timeout(FAR).write_stall_timeout(FAR);
    let (address, running) = server::<S, _, _>(|stream| async move {
        let mut ws = accept_with::<S>(stream, config).await;
        ws.feed(vec![1; 12 << 20]).await.expect("room in the queue");
        ws.recv().await
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.frame(3, b""));
    assert_eq!(
        running.finish().unwrap_err().violation_code(),
        Some(CloseCode::PROTOCOL_ERROR)
    );
}

/// A text, a frame with a reserved opcode, and a Ping arrive in one segment.
pub fn an_echo_and_the_close_arrive_but_no_pong<S: Suite>() {
    let (address, running) =
        server::<S, _, _>(|stream| async { echo(&mut accept::<S>(stream).await).await });
    let mut peer = RawPeer::open(address);
    let from = From::Client;
    peer.send(
        &[
            from.text("Hello World"),
            from.frame(12, b"payload"),
            from.frame(PING, b""),
        ]
        .concat(),
    );
    let echoed = peer.read_frame().expect("the echo");
    assert_eq!(echoed.whole(), (TEXT, &b"Hello World"[..]));
    peer.expect_close(1002);
    drop(peer);
    assert!(running.finish().is_err());
}

/// The peer never answers. If `full`, our Close is queued after a message that the peer does not
/// read.
pub fn close_against_a_silent_peer_times_out<S: Suite>() {
    for full in [false, true] {
        let config = Config::default().close_timeout(Duration::from_millis(200));
        let config = config.failure_timeout(FAR).write_stall_timeout(FAR);
        let (address, running) = server::<S, _, _>(move |stream| async move {
            let mut ws = accept_with::<S>(stream, config).await;
            if full {
                ws.feed(vec![1; 12 << 20]).await.expect("room in the queue");
            }
            let start = Instant::now();
            let result = ws.close(CloseCode::GOING_AWAY, "bye").await;
            (result, start.elapsed(), ws.end())
        });
        let _peer = RawPeer::open(address);
        let (result, time, end) = running.finish();
        assert!(
            matches!(result, Err(Error::Timeout(Timeout::Close))),
            "{result:?}"
        );
        assert!(time >= Duration::from_millis(150), "{time:?}");
        let end = end.expect("the end");
        let local = end.local.expect("our Close");
        assert_eq!((local.code, end.clean), (CloseCode::GOING_AWAY, false));
        assert_eq!(end.peer, None);
    }
}

/// The server ends the transport first (RFC 6455 §7.1.1).
pub fn a_close_by_the_peer_ends_with_the_server_first<S: Suite>() {
    let (mut peer, running) = receiving::<S>();
    peer.send(&[From::Client.text("last"), From::Client.close(1001, "bye")].concat());
    // The client ends its direction only after the server has ended the other direction.
    peer.expect_close(1001);
    drop(peer);
    let outcome = running.finish();
    assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
    assert_eq!(outcome.messages, ["last".into()]);
    let end = outcome.end.expect("the end");
    assert!(end.clean);
    assert_eq!(end.initiator, Initiator::Peer);
    assert_eq!((end.code(), end.reason()), (CloseCode::GOING_AWAY, "bye"));
}

/// A client waits until the server ends the transport (RFC 6455 §7.1.1).
pub fn a_client_waits_for_the_server_to_end_first<S: Suite>() {
    let (mut peer, running) = client::<S, _, _>(|url| async move {
        let mut ws = connect::<S>(&url).await;
        let start = Instant::now();
        let result = ws.close(CloseCode::NORMAL, "bye").await;
        (result, start.elapsed(), ws.end())
    });
    peer.answer();
    let close = peer.read_close(1000);
    assert_eq!(close.payload, wire::close_payload(1000, "bye"));
    assert!(close.key.is_some());
    peer.send(&From::Server.close(1000, ""));
    std::thread::sleep(PAUSE);
    peer.end();
    let (_, ending) = peer.read_to_end();
    assert_eq!(ending, Ending::Eof);
    let (result, time, end) = running.finish();
    result.expect("a clean end");
    assert!(time >= PAUSE / 2, "the client did not wait: {time:?}");
    assert!(end.expect("the end").clean);
}

/// Each end sends its Close before it receives the Close of the other end.
pub fn simultaneous_closes_are_clean<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = accept::<S>(stream).await;
        ws.start_close(CloseCode::NORMAL, "ours")
            .expect("an open connection");
        ws.flush().await.expect("the Close is written");
        let late = ws.recv().await;
        (late, ws.end())
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.close(1001, "theirs"));
    peer.expect_close(1000);
    drop(peer);
    let (late, end) = running.finish();
    assert!(matches!(late, Ok(None)), "{late:?}");
    let end = end.expect("the end");
    assert!(end.clean);
    assert_eq!(end.initiator, Initiator::Local);
    assert_eq!(&*end.local.expect("our Close").reason, "ours");
    assert_eq!(&*end.peer.expect("the peer's Close").reason, "theirs");
}

/// Receiving returns [`Error::Lost`], and the close code is 1006.
pub fn an_end_without_a_close_is_reported_as_lost<S: Suite>() {
    let (mut peer, running) = receiving::<S>();
    peer.send(&From::Client.text("last"));
    peer.end();
    let outcome = running.finish();
    assert_eq!(outcome.messages, ["last".into()]);
    assert!(matches!(outcome.fault, Some(Error::Lost)), "{outcome:?}");
    let end = outcome.end.expect("the end");
    assert_eq!((end.code(), end.clean), (CloseCode::ABNORMAL, false));
}

/// A reset by the peer after both Closes is no error.
pub fn a_reset_after_both_closes_is_clean<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let mut ws = accept::<S>(stream).await;
        ws.feed("not read by the peer")
            .await
            .expect("room in the queue");
        ws.start_close(CloseCode::NORMAL, "")
            .expect("an open connection");
        outcome::<S>(ws).await
    });
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.close(1000, ""));
    std::thread::sleep(PAUSE);
    // The socket has unread input, so dropping the socket resets the connection.
    drop(peer);
    let outcome = running.finish();
    assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
    assert!(outcome.end.expect("the end").clean);
}

/// No Close is sent, because no task is left to write a Close.
pub fn a_dropped_connection_ends_the_transport<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        drop(accept::<S>(stream).await);
    });
    let mut peer = RawPeer::open(address);
    let () = running.finish();
    let (bytes, ending) = peer.read_to_end();
    assert_eq!((bytes.len(), ending), (0, Ending::Eof));
}
