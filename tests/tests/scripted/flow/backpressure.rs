//! A peer that reads late or never: the queue of Pongs and answers stays bounded.

use std::pin::pin;

use ws_driver::{Config, MessageRef};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, queued};
use ws_tests::steps::{echo, opcodes};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, PONG, TEXT};

use super::{BLOCK, reads};

#[test]
fn ten_pings_are_answered_in_order() {
    for end in End::BOTH {
        for one_by_one in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            if one_by_one {
                peer.pieces(1, 1);
            }
            let pings: Vec<u8> = (0..10_u8)
                .flat_map(|number| end.peer().frame(PING, &[number; 125]))
                .collect();
            peer.push([pings, end.peer().fragment(TEXT, b"a")].concat());
            peer.push(end.peer().frame(PING, b"between"));
            peer.push(end.peer().frame(CONTINUATION, b"b"));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("ab".into()));
            assert!(exec::attempt(ws.recv()).is_pending());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 11);
            for (number, frame) in frames[..10].iter().enumerate() {
                assert_eq!(frame.whole(), (PONG, &[number as u8; 125][..]));
            }
            assert_eq!(frames[10].whole(), (PONG, &b"between"[..]));
        }
    }
}

#[test]
fn pongs_for_a_peer_that_does_not_read_are_bounded_and_end_with_the_newest() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(100);
        let mut most = 0;
        let mut flooded = 0;
        let mut number = 0_u32;
        while flooded < 10 << 20 {
            let mut burst = Vec::new();
            while burst.len() < 60_000 {
                number += 1;
                let payload = [&number.to_be_bytes()[..], &[0; 100]].concat();
                burst.extend(end.peer().frame(PING, &payload));
            }
            flooded += burst.len();
            peer.push(burst);
            assert!(exec::attempt(ws.recv()).is_pending());
            most = most.max(queued(&ws));
        }
        assert!(most <= BLOCK + 131, "{most} bytes of Pongs are queued");
        assert_eq!(peer.unread(), 0);
        peer.window(usize::MAX);
        assert!(exec::attempt(ws.recv()).is_pending());
        let frames = peer.take_frames();
        let newest = frames.last().unwrap();
        assert_eq!(newest.opcode(), PONG);
        assert_eq!(newest.payload[..4], number.to_be_bytes());
        assert!(frames.len() < 700);
        // When the peer reads again, every Ping is answered.
        let pings = [end.peer().frame(PING, b"a"), end.peer().frame(PING, b"b")];
        peer.push(pings.concat());
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2);
    }
}

#[test]
fn messages_of_a_peer_that_does_not_read_are_no_longer_read() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let message = end.peer().frame(BINARY, &[3; 10_000]);
        // From the second message on, a read returns a whole message.
        peer.push(message.clone());
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        assert_eq!(peer.take_frames().len(), 1);
        let _ = peer.take_log();
        peer.window(0);
        peer.push_forever(&message);
        for _ in 0..10 {
            assert!(exec::attempt(echo(&mut ws)).is_pending());
        }
        let count = reads(&peer.take_log());
        assert!(
            queued(&ws) < BLOCK + 10_014,
            "{} bytes are queued",
            queued(&ws)
        );
        assert!(queued(&ws) >= BLOCK);
        // The connection reads the messages that it echoes, and at most one block more.
        assert!(count <= 2 * 8, "{count} messages read");
        // No message is lost: the echo continues when the peer reads again.
        peer.push_forever(&[]);
        peer.window(usize::MAX);
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        assert_eq!(peer.take_frames().len(), count);
    }
}

#[test]
fn an_echo_of_a_burst_keeps_the_queue_bounded() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(1000));
    peer.window(0);
    let burst: Vec<u8> = (0..1000)
        .flat_map(|_| wire::From::Client.frame(BINARY, &[1; 50]))
        .collect();
    peer.push(burst);
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    assert!(queued(&ws) < 1052, "{}", queued(&ws));
    peer.window(usize::MAX);
    assert!(exec::attempt(echo(&mut ws)).is_pending());
    assert_eq!(peer.take_frames().len(), 1000);
}

#[test]
fn recv_ref_waits_for_room_to_answer_the_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let from = end.peer();
        peer.push([from.text("1"), from.frame(PING, &[1; 125]), from.text("2")].concat());
        let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        // This message and the Pong together exceed the high-water mark.
        exec::run(out.feed(vec![0; BLOCK - 36])).unwrap();
        assert!(out.has_room());
        peer.window(0);
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        assert!(!ws.has_room());

        // The message that `recv_ref` had found before it waited for room is not lost.
        peer.window(usize::MAX);
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert_eq!(message, MessageRef::Text("2"));
        assert!(out.has_room());
        exec::run(out.feed("3")).unwrap();
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        assert_eq!(opcodes(&peer.take_frames()), [BINARY, PONG, TEXT]);
    }
}

#[test]
fn a_high_water_mark_of_zero_takes_one_message_at_a_time() {
    // Runs in another thread, because a failure of this test would be an endless loop.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(0));
        exec::run(ws.ready()).unwrap();
        exec::run(ws.send("one")).unwrap();
        exec::run(ws.send("two")).unwrap();
        let _ = sender.send(peer.take_frames().len());
    });
    let sent = receiver.recv_timeout(std::time::Duration::from_secs(2));
    assert_eq!(sent, Ok(2), "sending does not return");
}

#[test]
fn feed_waits_while_the_queue_exceeds_the_high_water_mark() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(100));
    peer.window(0);
    exec::expect_ready(exec::glance(ws.feed(&[1; 100]))).unwrap();
    let mut task = Task::new();
    {
        let mut feed = pin!(ws.feed("second"));
        assert!(exec::settle(&mut task, feed.as_mut()).is_pending());
        peer.window(usize::MAX);
        assert!(task.is_woken());
        assert!(exec::settle(&mut task, feed.as_mut()).is_ready());
    }
    exec::run(ws.flush()).unwrap();
    assert_eq!(peer.take_frames().len(), 2);
}

#[test]
fn there_is_room_as_soon_as_the_queue_is_below_the_high_water_mark() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(1000));
    peer.window(1500);
    exec::expect_ready(exec::glance(ws.feed(&[1; 2000]))).unwrap();
    // 504 bytes stay in the queue, which is below the high-water mark.
    let ready = exec::attempt(ws.ready());
    assert!(ready.is_ready(), "ready waits until everything is written");
}

#[test]
fn recv_ref_returns_as_soon_as_the_queue_is_below_the_high_water_mark() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(1000));
    peer.window(1500);
    exec::expect_ready(exec::glance(ws.feed(&[1; 2000]))).unwrap();
    peer.push(wire::From::Client.text("hello"));
    let received = exec::attempt(ws.recv_ref());
    assert!(
        received.is_ready(),
        "recv_ref waits until everything is written"
    );
}
