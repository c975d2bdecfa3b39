//! Pongs and answers for a peer that reads late or not at all: what is queued stays bounded.

use std::task::Poll;

use ws_driver::{Config, MessageRef};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{self, End, queued};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, PONG, TEXT};

use super::{BLOCK, echo, reads};

#[test]
fn pings_are_answered_in_order_ten_of_ten() {
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
fn a_peer_that_floods_pings_and_never_reads_costs_one_block_of_pongs_and_gets_the_newest() {
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
        assert!(most <= BLOCK + 131, "{most} octets of pongs");
        assert_eq!(peer.unread(), 0);
        peer.window(usize::MAX);
        assert!(exec::attempt(ws.recv()).is_pending());
        let frames = peer.take_frames();
        let newest = frames.last().unwrap();
        assert_eq!(newest.opcode(), PONG);
        assert_eq!(newest.payload[..4], number.to_be_bytes());
        assert!(frames.len() < 700);
        // Once it reads again, each ping is answered again.
        let pings = [end.peer().frame(PING, b"a"), end.peer().frame(PING, b"b")];
        peer.push(pings.concat());
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2);
    }
}

#[test]
fn a_peer_that_sends_messages_and_never_reads_is_no_longer_read() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        let message = end.peer().frame(BINARY, &[3; 10_000]);
        peer.push_for_ever(&message);
        for _ in 0..10 {
            assert!(exec::attempt(echo(&mut ws)).is_pending());
        }
        let count = reads(&peer.take_log());
        assert!(queued(&ws) < BLOCK + 10_014, "{} queued", queued(&ws));
        assert!(queued(&ws) >= BLOCK);
        // What was echoed, and a block of what may be before the next Ping.
        assert!(count <= 2 * 8, "{count} messages read");
        // Nothing was lost: it goes on when the peer reads.
        peer.push_for_ever(&[]);
        peer.window(usize::MAX);
        assert!(exec::attempt(echo(&mut ws)).is_pending());
        assert_eq!(peer.take_frames().len(), count);
    }
}

#[test]
fn a_burst_that_echoes_more_than_the_mark_stays_bounded() {
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
fn a_message_can_be_answered_at_once_although_a_ping_before_it_took_the_room() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let from = end.peer();
        peer.push([from.text("1"), from.frame(PING, &[1; 125]), from.text("2")].concat());
        let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        // With the Pong it is more than the mark.
        exec::run(out.feed(vec![0; BLOCK - 36])).unwrap();
        assert!(out.has_room());
        peer.window(0);
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        assert!(!ws.has_room());

        // It was found; giving up the wait for room has not lost it.
        peer.window(usize::MAX);
        let (message, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert_eq!(message, MessageRef::Text("2"));
        assert!(out.has_room());
        exec::run(out.feed("3")).unwrap();
        assert!(exec::attempt(ws.recv_ref()).is_pending());
        let opcodes: Vec<_> = peer
            .take_frames()
            .iter()
            .map(|frame| frame.opcode())
            .collect();
        assert_eq!(opcodes, [BINARY, PONG, TEXT]);
    }
}

#[test]
fn a_stalled_peer_costs_no_wake_ups() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(0);
    exec::expect_ready(exec::glance(ws.feed("x"))).unwrap();
    let mut task = exec::Task::new();
    let mut recv = std::pin::pin!(ws.recv());
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);
    assert_eq!(clock::timers(), 1);
    assert!(matches!(exec::settle(&mut task, recv), Poll::Pending));
}

#[test]
fn a_mark_of_zero_takes_one_message_at_a_time() {
    // In a thread of its own: what goes wrong here is a loop that nothing ends.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(0));
        exec::run(ws.ready()).unwrap();
        exec::run(ws.send("one")).unwrap();
        exec::run(ws.send("two")).unwrap();
        let _ = sender.send(peer.take_frames().len());
    });
    let sent = receiver.recv_timeout(std::time::Duration::from_secs(2));
    assert_eq!(sent, Ok(2), "it never returns");
}
