//! The sums of a registry, over the scripted transport.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Registry, Stats};
use ws_tests::exec;
use ws_tests::http;
use ws_tests::scripted::{self, Manual, Peer, Ws};
use ws_tests::wire::From;

type Acceptor = ws_driver::Acceptor<Manual>;

fn open(registry: &Registry<Manual>) -> (Ws, Peer) {
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    let acceptor = Acceptor::new().config(Config::default()).registry(registry);
    let ws = exec::run(acceptor.accept_on(transport)).expect("the handshake");
    let _ = peer.take_output();
    (ws, peer)
}

/// The number of messages that were received and sent.
fn counts(stats: Stats) -> (u64, u64) {
    (stats.received.messages, stats.sent.messages)
}

fn text() -> Vec<u8> {
    From::Client.text("hello")
}

#[test]
fn open_connections_count_as_of_their_last_wait() {
    let registry = Registry::new();
    let (mut ws, peer) = open(&registry);
    peer.push(text().repeat(2));
    exec::run(ws.recv()).unwrap().unwrap();
    exec::run(ws.send("answer")).unwrap();
    assert_eq!(registry.stats(), Stats::default());
    exec::run(ws.recv()).unwrap().unwrap();
    assert!(exec::try_run(ws.recv()).is_none());
    assert_eq!(counts(registry.stats()), (2, 1));
    assert_eq!(registry.stats(), ws.stats());
}

#[test]
fn everything_counts_once_the_connection_has_ended() {
    let registry = Registry::new();
    let (mut ws, peer) = open(&registry);
    exec::run(ws.send("first")).unwrap();
    // The last messages and the Close arrive together, so there is no wait after them.
    peer.push([text().repeat(3), From::Client.close(1000, "")].concat());
    peer.end();
    while exec::run(ws.recv()).unwrap().is_some() {}
    assert_eq!(counts(registry.stats()), (3, 1));
    assert_eq!(registry.stats(), ws.stats());
    let stats = ws.stats();
    drop(ws);
    assert_eq!(registry.stats(), stats);
}

#[test]
fn a_dropped_connection_counts_what_it_has_done() {
    for split in [false, true] {
        let registry = Registry::new();
        let (mut ws, peer) = open(&registry);
        peer.push(text().repeat(5));
        exec::run(ws.recv()).unwrap().unwrap();
        exec::run(ws.send("answer")).unwrap();
        let stats = ws.stats();
        match split {
            false => drop(ws),
            true => drop(ws.split()),
        }
        assert_eq!(registry.stats(), stats, "split: {split}");
        assert_eq!(registry.counts().failed, 1);
    }
}

#[test]
fn a_receiver_that_outlives_the_connection_adds_its_messages() {
    let registry = Registry::new();
    let (ws, peer) = open(&registry);
    let (mut sender, mut receiver) = ws.split();
    peer.push(text().repeat(4));
    exec::run(receiver.recv()).unwrap().unwrap();
    // The order to cut reaches the sender, which ends the connection.
    peer.window(0);
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", Duration::ZERO);
    let _ = exec::attempt(shutdown);
    assert!(exec::run(sender.send("late")).is_err());
    assert_eq!(registry.counts().failed, 1);
    assert_eq!(counts(registry.stats()).0, 0);
    exec::run(receiver.recv()).unwrap().unwrap();
    let received = receiver.stats().received;
    assert_eq!(received.messages, 2);
    drop((sender, receiver));
    assert_eq!(registry.stats().received, received);
}

#[test]
fn the_sums_include_ended_and_open_connections() {
    let registry = Registry::new();
    let mut open_ones = Vec::new();
    for count in 1..=3 {
        let (mut ws, peer) = open(&registry);
        peer.push(text().repeat(count));
        for _ in 0..count {
            exec::run(ws.recv()).unwrap().unwrap();
        }
        assert!(exec::try_run(ws.recv()).is_none());
        open_ones.push((ws, peer));
    }
    assert_eq!(counts(registry.stats()), (6, 0));
    assert_eq!(registry.stats().received.payload_bytes, 30);
    let before = registry.stats();
    open_ones.truncate(1);
    assert_eq!(registry.stats(), before);
    drop(open_ones);
    assert_eq!(registry.stats(), before);
    assert_eq!(registry.stats().round_trip, None);
}
