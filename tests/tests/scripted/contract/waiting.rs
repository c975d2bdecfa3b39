//! A connection that waits for room looks ahead: it answers Pings and keeps messages.

use std::task::Poll;

use futures_util::SinkExt;
use ws_driver::Message;
use ws_tests::exec;
use ws_tests::scripted::{End, Op};
use ws_tests::wire::{PING, PONG};

use super::{Framing, Place, fill, wait};

/// The length of the block that a connection reads into.
const BLOCK: usize = 64 * 1024;

/// The operations of a connection that wait for room, or until the queue has been written.
const WAITING: [&str; 10] = [
    "send",
    "feed",
    "flush",
    "ready",
    "send_ping",
    "send_pong",
    "ping",
    "write",
    "finish",
    "recv_ref",
];

#[test]
fn a_connection_that_waits_for_room_answers_pings_and_keeps_messages() {
    for end in End::BOTH {
        for operation in WAITING {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            let from = end.peer();
            peer.push(
                [
                    from.text("first"),
                    from.frame(PING, b"?"),
                    from.text("second"),
                ]
                .concat(),
            );
            assert!(wait(&mut ws, operation).is_pending(), "{operation}");
            assert_eq!(peer.unread(), 0, "{operation} did not read");
            peer.window(usize::MAX);
            exec::run(ws.flush()).unwrap();
            let frames = peer.take_frames();
            let pongs = frames.iter().filter(|frame| frame.opcode() == PONG);
            assert_eq!(pongs.count(), 1, "{operation}");
            for expected in ["first", "second"] {
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(expected.into()));
            }
            assert!(exec::attempt(ws.recv()).is_pending());
            assert!(peer.take_frames().is_empty(), "{operation}: answered twice");
        }
    }
}

#[test]
fn a_connection_that_waits_for_room_handles_a_close_only_if_no_message_precedes_it() {
    for end in End::BOTH {
        for operation in WAITING {
            let from = end.peer();
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push(from.close(1001, "gone"));
            match (operation, wait(&mut ws, operation)) {
                // `flush` and `recv_ref` return only after our Close has been written.
                ("flush" | "recv_ref", Poll::Pending) => {}
                (_, Poll::Ready(Err(error))) => {
                    assert_eq!(
                        error.peer_close().map(|close| close.code.number()),
                        Some(1001)
                    );
                }
                (_, other) => panic!("{operation}: {other:?}"),
            }
            assert_eq!(ws.end().unwrap().code().number(), 1001);

            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push([from.text("before"), from.close(1001, "gone")].concat());
            assert!(wait(&mut ws, operation).is_pending(), "{operation}");
            assert!(ws.end().is_none());
            assert_eq!(exec::run(ws.recv()).unwrap(), Some(Message::from("before")));
            assert!(exec::attempt(ws.recv()).is_pending());
            assert_eq!(ws.end().unwrap().code().number(), 1001);
        }
    }
}

#[test]
fn a_connection_that_waits_for_room_reads_one_block_of_messages_at_most() {
    for end in End::BOTH {
        for operation in WAITING {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            fill(&mut ws);
            peer.push_forever(&end.peer().frame(2, &[3; 10_000]));
            for _ in 0..5 {
                assert!(wait(&mut ws, operation).is_pending() || operation == "ping");
            }
            let read = |op: &Op| match op {
                Op::Read { got, .. } => *got,
                _ => 0,
            };
            let read: usize = peer.take_log().iter().map(read).sum();
            // The limit is a block and 14 bytes, because the header of the first message may have
            // left the block.
            assert!(read > 0 && read <= BLOCK + 14, "{operation}: {read} bytes");
        }
    }
}

#[test]
fn a_connection_that_sends_without_a_wait_looks_ahead_after_256_kib() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.push(end.peer().frame(PING, b"?"));
        for _ in 0..3 {
            exec::run(ws.send(vec![0; 65_000])).unwrap();
        }
        assert!(peer.unread() > 0, "input was read before 256 KiB were sent");
        for _ in 0..3 {
            exec::run(ws.send(vec![0; 65_000])).unwrap();
        }
        let frames = peer.take_frames();
        let pongs = frames.iter().filter(|frame| frame.opcode() == PONG);
        assert_eq!(pongs.count(), 1, "{end:?}");
    }
}

#[test]
fn an_outbox_a_sender_and_a_sink_read_nothing() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            while tx.has_room() {
                tx.try_feed(vec![0; 10_000]).unwrap();
            }
            peer.push(end.peer().frame(PING, b"?"));
            let unread = peer.unread();
            assert!(exec::attempt(tx.send("x")).is_pending());
            assert!(exec::attempt(tx.feed("x")).is_pending());
            assert!(exec::attempt(tx.flush()).is_pending());
            assert!(exec::attempt(tx.ready()).is_pending());
            match who {
                "WebSocket" => assert_eq!(peer.unread(), 0),
                _ => assert_eq!(peer.unread(), unread, "{who}"),
            }
        });
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.window(0);
        fill(&mut ws);
        peer.push(end.peer().frame(PING, b"?"));
        let unread = peer.unread();
        assert!(exec::attempt(SinkExt::feed(&mut ws, Message::from("x"))).is_pending());
        assert!(exec::attempt(SinkExt::flush(&mut ws)).is_pending());
        assert_eq!(peer.unread(), unread);
    }
}
