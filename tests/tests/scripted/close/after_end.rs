//! Sending after the end of the connection.

use ws_driver::{CloseCode, Config, Error, TryFeedError};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Peer, Scripted, Ws};
use ws_tests::steps::{is_closing, opcodes};
use ws_tests::wire::{CLOSE, TEXT};

/// Returns a connection that both ends have closed. With `fed`, a message was queued before the
/// Close.
fn closed(end: End, fed: bool, closer: &str) -> (Ws, Peer) {
    let (mut ws, peer) = end.open(&Config::default());
    if fed {
        exec::run(ws.feed("fed")).unwrap();
    }
    peer.push(end.peer().close(1000, ""));
    peer.end();
    if closer == "peer" {
        assert!(exec::run(ws.recv()).unwrap().is_none());
    } else {
        exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
    }
    assert!(ws.end().unwrap().clean);
    (ws, peer)
}

#[test]
fn after_a_clean_end_flush_succeeds_and_every_send_is_refused() {
    for end in End::BOTH {
        for fed in [false, true] {
            for closer in ["peer", "local"] {
                let (mut ws, peer) = closed(end, fed, closer);
                let sent = opcodes(&peer.take_frames());
                assert_eq!(sent, if fed { &[TEXT, CLOSE][..] } else { &[CLOSE] });
                for _ in 0..2 {
                    let flushed = exec::run(ws.flush());
                    assert!(flushed.is_ok(), "{end:?} {fed} {closer}: {flushed:?}");
                    for result in [
                        exec::run(ws.send("x")),
                        exec::run(ws.send(vec![0; 100_000])),
                        exec::run(ws.feed("x")),
                        exec::run(ws.ready()),
                        exec::run(ws.send_ping("x")),
                        exec::run(ws.send_pong("x")),
                        ws.start_close(CloseCode::NORMAL, ""),
                    ] {
                        assert!(is_closing(&result), "{end:?} {fed} {closer}: {result:?}");
                    }
                    assert_eq!(ws.try_feed("mine"), Err(TryFeedError::Closed("mine")));
                    exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
                }
                assert!(peer.take_output().is_empty());
            }
        }
    }
}

#[test]
fn after_a_clean_end_flush_of_a_sender_succeeds_and_its_sends_are_refused() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        exec::run(tx.feed("fed")).unwrap();
        peer.push(end.peer().close(1000, ""));
        peer.end();
        assert!(exec::run(rx.recv()).unwrap().is_none());
        assert_eq!(opcodes(&peer.take_frames()), [TEXT, CLOSE]);
        for _ in 0..2 {
            exec::run(tx.flush()).unwrap();
            let refused = exec::run(tx.send("x"));
            assert!(is_closing(&refused), "{end:?}: {refused:?}");
        }
        let mut ws = tx.reunite(rx).unwrap();
        exec::run(ws.flush()).unwrap();
        assert!(is_closing(&exec::run(ws.send("x"))));
    }
}

/// The obstacle that keeps the queue and our Close from being written after the peer's Close has
/// arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// The peer reads nothing until a timeout expires.
    Stall,
    /// Writing fails.
    Fault,
    /// The transport takes the bytes, and flushing fails.
    FlushFault,
}

impl Obstacle {
    /// Blocks all output.
    fn block(self, peer: &Peer) {
        if self == Self::FlushFault {
            peer.block_flush(true);
        } else {
            peer.window(0);
        }
    }

    /// Makes the blocked output fail. Does nothing for [`Stall`](Self::Stall), because a timeout
    /// ends it.
    fn break_blocked(self, peer: &Peer) {
        if self != Self::Stall {
            peer.break_writes();
            peer.block_flush(false);
        }
    }
}

/// Asserts that `flush` and `send` fail after both Closes if the obstacle has kept the queue from
/// being written.
fn assert_refuses(obstacle: Obstacle) {
    for end in End::BOTH {
        for fed in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            obstacle.block(&peer);
            if fed {
                exec::run(ws.feed("fed")).unwrap();
            }
            peer.push(end.peer().close(1000, ""));
            assert!(exec::attempt(ws.recv()).is_pending());
            obstacle.break_blocked(&peer);
            assert!(exec::run(ws.recv()).unwrap().is_none());
            assert!(peer.is_dropped());
            for _ in 0..2 {
                let flushed = exec::run(ws.flush());
                assert!(is_closing(&flushed), "{end:?} {fed}: {flushed:?}");
                assert!(is_closing(&exec::run(ws.send("x"))));
            }
        }
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        obstacle.block(&peer);
        exec::run(tx.feed("fed")).unwrap();
        peer.push(end.peer().close(1000, ""));
        assert!(exec::attempt(rx.recv()).is_pending());
        obstacle.break_blocked(&peer);
        assert!(exec::run(rx.recv()).unwrap().is_none());
        let flushed = exec::run(tx.flush());
        assert!(is_closing(&flushed), "{end:?}, halves: {flushed:?}");
        assert!(is_closing(&exec::run(tx.send("x"))));
    }
}

#[test]
fn after_both_closes_flush_is_refused_if_flushing_failed() {
    assert_refuses(Obstacle::FlushFault);
}

#[test]
fn after_both_closes_flush_is_refused_if_the_peer_read_nothing() {
    assert_refuses(Obstacle::Stall);
}

#[test]
fn after_both_closes_flush_is_refused_if_writing_failed() {
    assert_refuses(Obstacle::Fault);
}

/// The first flush waits until the timeout expires. When the later flushes begin, the connection
/// has ended.
#[test]
fn repeated_flushes_after_both_closes_return_the_same_error() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        exec::run(ws.feed("fed")).unwrap();
        peer.push(end.peer().close(1000, ""));
        assert!(exec::attempt(ws.recv()).is_pending());
        for _ in 0..3 {
            let flushed = exec::run(ws.flush());
            assert!(is_closing(&flushed), "{end:?}: {flushed:?}");
        }
        assert_eq!(peer.output_len(), 0);
    }
}

#[test]
fn after_a_loss_an_incomplete_message_is_neither_held_nor_received() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let whole = end.peer().text("whole");
        let cut = end.peer().text("cut off");
        peer.push([&whole[..], &cut[..cut.len() - 1]].concat());
        peer.end();
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("whole".into()));
        assert!(matches!(exec::run(ws.recv()), Err(Error::Lost)));
        for _ in 0..2 {
            assert!(exec::run(ws.recv_stream()).unwrap().is_none(), "{end:?}");
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
        }
        assert!(format!("{ws:?}").contains("held: 0"), "{ws:?}");
    }
}
