//! Pings of the user's own, and how long they took.

#![forbid(unsafe_code)]

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Peer, Shape};
use ws_tests::wire::{BINARY, CLOSE, PING, PONG};

const SECOND: Duration = Duration::from_secs(1);

ws_tests::both_shapes! {
    a_sender_learns_the_round_trip_from_what_the_receiver_hears,
    the_end_of_the_connection_ends_the_wait_of_a_sender,
}

/// The payload of the one Ping that was written.
fn pinged(peer: &Peer) -> Vec<u8> {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0].opcode(), PING);
    frames[0].payload.clone()
}

fn a_sender_learns_the_round_trip_from_what_the_receiver_hears<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
            let mut tasks = Tasks::new(order);
            let pings = tasks.spawn(async move { (tx.ping().await, tx) });
            let receives = tasks.spawn(async move { rx.recv().await });
            tasks.settle();
            let payload = pinged(&peer);
            clock::advance(SECOND);
            // Neither an old Pong nor a foreign one.
            peer.push(end.peer().frame(PONG, b""));
            peer.push(end.peer().frame(PONG, &payload[..4]));
            tasks.settle();
            assert!(pings.output().is_none());
            clock::advance(SECOND);
            peer.push(end.peer().frame(PONG, &payload));
            tasks.settle();
            let (round_trip, tx) = pings.output().expect("the Pong is there");
            assert_eq!(round_trip.unwrap(), 2 * SECOND);
            assert!(receives.output().is_none());
            assert!(tx.end().is_none());
        }
    }
}

fn the_end_of_the_connection_ends_the_wait_of_a_sender<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let mut tasks = Tasks::new(Order::Oldest);
        let pings = tasks.spawn(async move { tx.ping().await });
        let _ = tasks.spawn(async move { rx.recv().await });
        tasks.settle();
        assert!(pings.output().is_none());
        peer.push(end.peer().close(1000, ""));
        tasks.settle();
        let result = pings.output().expect("no Pong will come");
        assert!(matches!(result, Err(Error::Closed(_))));
    }
}

/// Without a wait and without a receive.
#[test]
fn a_loop_of_small_sends_answers_pings_and_leaves_messages() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push([end.peer().text("waits"), end.peer().frame(PING, b"?")].concat());
        for _ in 0..20 {
            exec::expect_ready(exec::glance(ws.send("x"))).unwrap();
        }
        let frames = peer.take_frames();
        let pongs = frames.iter().filter(|frame| frame.opcode() == PONG).count();
        assert_eq!((pongs, frames.len()), (1, 21), "{end:?}");
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("waits".into()));
    }
}

#[test]
fn every_ping_is_another() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut before = Vec::new();
        for _ in 0..5 {
            assert!(exec::attempt(ws.ping()).is_pending());
            let payload = pinged(&peer);
            assert!(!before.contains(&payload));
            before.push(payload);
        }
        // The answer to a Ping whose future was dropped is nobody's.
        peer.push(end.peer().frame(PONG, &before[3]));
        assert!(exec::attempt(ws.ping()).is_pending());
    }
}

#[test]
fn a_connection_waits_for_the_pong_and_messages_wait_meanwhile() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        {
            let mut tasks = Tasks::new(Order::Oldest);
            let pings = tasks.spawn(ws.ping());
            tasks.settle();
            let payload = pinged(&peer);
            clock::advance(SECOND);
            peer.push([end.peer().frame(PONG, &payload), end.peer().text("behind")].concat());
            tasks.settle();
            let round_trip = pings.output().expect("the Pong is there").unwrap();
            assert_eq!(round_trip, Some(SECOND));
        }
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("behind".into()));

        // Messages in front of the Pong wait.
        {
            let mut tasks = Tasks::new(Order::Oldest);
            let pings = tasks.spawn(ws.ping());
            tasks.settle();
            let payload = pinged(&peer);
            peer.push([end.peer().text("first"), end.peer().frame(PONG, &payload)].concat());
            tasks.settle();
            assert!(matches!(pings.output(), Some(Ok(Some(_)))));
        }
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("first".into()));

        // So many that the Pong is not in sight have to be received first.
        peer.push(end.peer().frame(BINARY, &vec![7; 1 << 20]));
        assert!(exec::run(ws.ping()).unwrap().is_none());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![7; 1 << 20].into()));
    }
}

#[test]
fn a_ping_goes_through_the_room_of_the_queue_and_the_end_is_told() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        while ws.try_feed(vec![1; 10_000]).is_ok() {}
        assert!(exec::attempt(ws.ping()).is_pending());
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert!(
            peer.take_frames()
                .iter()
                .all(|frame| frame.opcode() != PING)
        );

        peer.push(end.peer().close(1000, ""));
        peer.end();
        let result = exec::run(ws.ping());
        assert!(matches!(result, Err(Error::Closed(_))));
        assert!(exec::run(ws.recv()).unwrap().is_none());
        let end = ws.end().unwrap();
        assert!(end.clean && end.code() == CloseCode::NORMAL);
        let opcodes: Vec<_> = peer
            .take_frames()
            .iter()
            .map(|frame| frame.opcode())
            .collect();
        assert_eq!(opcodes, [PING, CLOSE]);
        let result = exec::run(ws.ping());
        assert!(matches!(result, Err(Error::Closed(_))));
    }
}
