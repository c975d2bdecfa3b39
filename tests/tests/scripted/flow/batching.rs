//! Few reads and writes, and a whole block for every read.

use ws_driver::{Config, Error};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Op, Ws};
use ws_tests::steps::echo;
use ws_tests::wire::{self, BINARY, TEXT};

use super::{BLOCK, reads, writes};

#[test]
fn a_burst_of_messages_in_one_read_is_echoed_in_one_write() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let burst: Vec<u8> = (0..100)
            .flat_map(|number| end.peer().text(&format!("message {number}")))
            .collect();
        peer.push(burst);
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        let log = peer.take_log();
        assert_eq!((reads(&log), writes(&log).len()), (1, 1), "{log:?}");
        assert_eq!(log.iter().filter(|op| **op == Op::Flush).count(), 1);
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 100);
        assert_eq!(frames[99].whole(), (TEXT, &b"message 99"[..]));
    }
}

#[test]
fn an_echo_by_recv_and_feed_is_one_read_and_one_write() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let burst: Vec<u8> = (0..100)
        .flat_map(|_| wire::From::Client.text("m"))
        .collect();
    peer.push(burst);
    let echo = async |ws: &mut Ws| {
        while let Some(message) = ws.recv().await? {
            ws.feed(message).await?;
        }
        Ok::<(), Error>(())
    };
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    let log = peer.take_log();
    assert_eq!((reads(&log), writes(&log).len()), (1, 1), "{log:?}");
}

#[test]
fn a_round_trip_is_one_read_and_one_write() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut echo = std::pin::pin!(echo(&mut ws));
        let mut task = exec::Task::new();
        assert!(exec::settle(&mut task, echo.as_mut()).is_pending());
        let _ = (peer.take_log(), peer.take_rooms());
        for _ in 0..50 {
            peer.push(end.peer().text("ping-pong"));
            let wakes = task.wakes();
            assert!(exec::settle(&mut task, echo.as_mut()).is_pending());
            assert_eq!(task.wakes(), wakes, "the task wakes itself");
            assert_eq!(peer.take_frames().len(), 1);
        }
        let log = peer.take_log();
        assert_eq!((reads(&log), writes(&log).len()), (50, 50));
        assert_eq!(
            peer.take_rooms().len(),
            100,
            "not one read and one pending read for each message"
        );
    }
}

#[test]
fn a_read_is_offered_a_whole_block_after_long_input() {
    const SHORT: usize = 4096;
    let (mut ws, peer) = scripted::server(&Config::default());
    let from = wire::From::Client;
    for _ in 0..20 {
        peer.push(from.text("short"));
        assert!(exec::run(ws.recv()).unwrap().is_some());
    }
    assert!(exec::attempt(ws.recv()).is_pending());
    assert_eq!(peer.take_rooms(), [SHORT; 21]);
    // The beginning of an incomplete message does not stay in the block.
    peer.push(&from.frame(BINARY, &[1; 60_000])[..30_000]);
    assert!(exec::attempt(ws.recv()).is_pending());
    assert!(exec::attempt(ws.recv()).is_pending());
    let rooms = peer.take_rooms();
    assert_eq!(*rooms.last().unwrap(), BLOCK, "{rooms:?}");
    peer.push(&from.frame(BINARY, &[1; 60_000])[30_000..]);
    assert!(exec::run(ws.recv()).unwrap().is_some());
    // Long input often repeats. After some waits without it, the blocks are short again.
    let _ = peer.take_rooms();
    for _ in 0..40 {
        peer.push(from.text("short"));
        assert!(exec::run(ws.recv()).unwrap().is_some());
        assert!(exec::attempt(ws.recv()).is_pending());
    }
    let rooms = peer.take_rooms();
    assert_eq!(rooms[..20], [BLOCK; 20]);
    assert_eq!(*rooms.last().unwrap(), SHORT, "{rooms:?}");
}
