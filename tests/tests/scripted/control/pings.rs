//! `ping`: Pings of the caller, and their round trips.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Peer, Shape};
use ws_tests::steps::opcodes;
use ws_tests::wire::{BINARY, CLOSE, PING, PONG};

const SECOND: Duration = Duration::from_secs(1);

ws_tests::both_shapes! {
    ping_of_a_sender_returns_the_round_trip_when_the_receiver_reads_the_pong,
    ping_of_a_sender_fails_when_the_connection_ends,
}

/// Asserts that exactly one Ping was written, and returns its payload.
fn pinged(peer: &Peer) -> Vec<u8> {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0].opcode(), PING);
    frames[0].payload.clone()
}

fn ping_of_a_sender_returns_the_round_trip_when_the_receiver_reads_the_pong<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
            let mut tasks = Tasks::new(order);
            let pings = tasks.spawn(async move { (tx.ping().await, tx) });
            let receives = tasks.spawn(async move { rx.recv().await });
            tasks.settle();
            let payload = pinged(&peer);
            clock::advance(SECOND);
            // An empty Pong and a Pong with half the payload do not answer the Ping.
            peer.push(end.peer().frame(PONG, b""));
            peer.push(end.peer().frame(PONG, &payload[..4]));
            tasks.settle();
            assert!(pings.output().is_none());
            clock::advance(SECOND);
            peer.push(end.peer().frame(PONG, &payload));
            tasks.settle();
            let (round_trip, tx) = pings.output().expect("the Pong has arrived");
            assert_eq!(round_trip.unwrap(), 2 * SECOND);
            assert!(receives.output().is_none());
            assert!(tx.end().is_none());
        }
    }
}

fn ping_of_a_sender_fails_when_the_connection_ends<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let mut tasks = Tasks::new(Order::Oldest);
        let pings = tasks.spawn(async move { tx.ping().await });
        let _ = tasks.spawn(async move { rx.recv().await });
        tasks.settle();
        assert!(pings.output().is_none());
        peer.push(end.peer().close(1000, ""));
        tasks.settle();
        let result = pings.output().expect("an error of the ping");
        assert!(matches!(result, Err(Error::Closed(_))));
    }
}

/// No send waits, and no message is received between the sends.
#[test]
fn a_loop_of_small_sends_answers_pings_and_keeps_messages() {
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
fn every_ping_has_its_own_payload() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let mut before = Vec::new();
        for _ in 0..5 {
            assert!(exec::attempt(ws.ping()).is_pending());
            let payload = pinged(&peer);
            assert!(!before.contains(&payload));
            before.push(payload);
        }
        // The Pong of a Ping whose future was dropped is ignored.
        peer.push(end.peer().frame(PONG, &before[3]));
        assert!(exec::attempt(ws.ping()).is_pending());
    }
}

#[test]
fn ping_of_a_connection_waits_for_its_pong_and_keeps_messages() {
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
            let round_trip = pings.output().expect("the Pong has arrived").unwrap();
            assert_eq!(round_trip, Some(SECOND));
        }
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("behind".into()));

        // Messages that arrive before the Pong are kept.
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

        // If messages fill the block before the Pong arrives, they must be received first. `ping`
        // then returns `None`.
        peer.push(end.peer().frame(BINARY, &vec![7; 1 << 20]));
        assert!(exec::run(ws.ping()).unwrap().is_none());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(vec![7; 1 << 20].into()));
    }
}

#[test]
fn ping_waits_for_room_and_fails_at_the_end_of_the_connection() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.window(0);
        while ws.try_feed(vec![1; 10_000]).is_ok() {}
        assert!(exec::attempt(ws.ping()).is_pending());
        peer.window(usize::MAX);
        exec::run(ws.flush()).unwrap();
        assert!(!opcodes(&peer.take_frames()).contains(&PING));

        peer.push(end.peer().close(1000, ""));
        peer.end();
        let result = exec::run(ws.ping());
        assert!(matches!(result, Err(Error::Closed(_))));
        assert!(exec::run(ws.recv()).unwrap().is_none());
        let end = ws.end().unwrap();
        assert!(end.clean && end.code() == CloseCode::NORMAL);
        assert_eq!(opcodes(&peer.take_frames()), [PING, CLOSE]);
        let result = exec::run(ws.ping());
        assert!(matches!(result, Err(Error::Closed(_))));
    }
}
