//! Large borrowed answers: they are written without a copy, in order, whole and once, whatever
//! happens to the future.

use std::mem;
use std::pin::pin;
use std::time::Duration;

use allocation_counter::measure;
use ws_driver::{Config, Error, MessageRef, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, Peer, Ws, queued};
use ws_tests::wire::{self, BINARY, PING, TEXT};

const LEN: usize = 300_000;

/// Returns a server whose peer has sent a question, the peer, and an answer of [`LEN`] bytes.
fn asked(config: &Config) -> (Ws, Peer, Vec<u8>) {
    let (ws, peer) = scripted::server(config);
    peer.push(wire::From::Client.text("question"));
    let answer = (0..LEN).map(|at| at as u8).collect();
    (ws, peer, answer)
}

/// Returns the opcodes and the lengths of the frames that were written.
fn contents(peer: &Peer) -> Vec<(u8, usize)> {
    let frames = peer.take_frames();
    let content = |frame: &wire::Frame| (frame.whole().0, frame.payload.len());
    frames.iter().map(content).collect()
}

#[test]
fn a_large_answer_is_not_copied() {
    let (mut ws, peer, answer) = asked(&Config::default());
    let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
    let counted = measure(|| {
        exec::run(out.feed("small")).unwrap();
        exec::run(out.feed(&answer)).unwrap();
        exec::run(out.feed("behind")).unwrap();
    });
    // The measured memory includes the vector in which the peer stores the output. A vector that
    // grows may need twice the length of its content.
    assert!(counted.bytes_max <= 2 * LEN as u64 + 100_000, "{counted:?}");
    exec::run(ws.flush()).unwrap();
    assert_eq!(contents(&peer), [(TEXT, 5), (BINARY, LEN), (TEXT, 6)]);
}

#[test]
fn the_rest_of_an_answer_whose_feed_was_dropped_is_still_written() {
    for taken in [0, 1, 9, 10, 11, 100, LEN / 2, LEN + 9] {
        let (mut ws, peer, answer) = asked(&Config::default());
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        peer.window(taken);
        assert!(exec::attempt(out.feed(&answer)).is_pending());
        assert_eq!(message, MessageRef::Text("question"));
        drop(answer);
        assert_eq!(queued(&ws), LEN + 10 - taken);
        peer.window(usize::MAX);
        exec::run(ws.send("next")).unwrap();
        let frames = peer.take_frames();
        let payload: Vec<u8> = (0..LEN).map(|at| at as u8).collect();
        assert!(frames[0].payload == payload, "dropped after {taken} bytes");
        assert_eq!(frames[1].whole(), (TEXT, &b"next"[..]));
    }
}

#[test]
fn a_keepalive_ping_waits_for_the_end_of_a_feed() {
    let keepalive = Duration::from_secs(5);
    let (mut ws, peer, answer) = asked(&Config::default().keepalive(keepalive, keepalive));
    let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
    peer.window(100);
    {
        let mut feed = pin!(out.feed(&answer));
        let mut task = Task::new();
        assert!(exec::settle(&mut task, feed.as_mut()).is_pending());
        clock::advance(Duration::from_secs(6));
        peer.window(1000);
        assert!(exec::settle(&mut task, feed.as_mut()).is_pending());
        peer.window(usize::MAX);
        assert!(exec::settle(&mut task, feed.as_mut()).is_ready());
    }
    // `feed` sent no Ping, because an outbox does not read, so it would not receive the Pong.
    assert!(exec::attempt(ws.recv()).is_pending());
    clock::advance(Duration::from_secs(6));
    assert!(exec::attempt(ws.recv()).is_pending());
    let opcodes: Vec<u8> = contents(&peer).into_iter().map(|(it, _)| it).collect();
    assert_eq!(opcodes, [BINARY, PING]);
}

#[test]
fn an_answer_that_the_peer_does_not_read_ends_with_a_write_stall() {
    let (mut ws, peer, answer) = asked(&Config::default());
    let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
    peer.window(100);
    let fed = exec::run(out.feed(&answer));
    assert!(
        matches!(fed, Err(Error::Timeout(Timeout::WriteStall))),
        "{fed:?}"
    );
    let fed = exec::run(out.feed(&answer));
    assert!(matches!(fed, Err(Error::Closed(_))), "{fed:?}");
    assert!(ws.get_ref().is_none(), "the transport was not dropped");
}

#[test]
fn an_answer_to_a_broken_transport_is_an_error() {
    let (mut ws, peer, answer) = asked(&Config::default());
    let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
    peer.break_writes();
    assert!(matches!(exec::run(out.feed(&answer)), Err(Error::Io(_))));
    assert!(exec::run(out.feed(&answer)).is_err());
    assert_eq!(queued(&ws), 0);
}

/// The frame cannot be completed, because the rest of its payload is no longer borrowed. So nothing
/// more may be written.
#[test]
fn a_feed_that_is_forgotten_half_way_ends_sending() {
    let (mut ws, peer, answer) = asked(&Config::default());
    let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
    peer.window(1000);
    let mut feed = Box::pin(out.feed(&answer));
    assert!(Task::new().poll(feed.as_mut()).is_pending());
    mem::forget(feed);
    peer.window(usize::MAX);
    match exec::run(ws.send("next")) {
        Err(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::WriteZero),
        result => panic!("{result:?}"),
    }
    assert_eq!(peer.take_output().len(), 1000);
}
