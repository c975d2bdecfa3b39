//! The maximum age of connections.

use std::time::Duration;

use ws_driver::{Config, Registry};
use ws_tests::clock;
use ws_tests::exec::{Order, Tasks};
use ws_tests::scripted::Manual;

use super::{answer, open};

const AGE: Duration = Duration::from_secs(1000);

#[test]
fn connections_close_in_the_last_tenth_of_the_maximum_age() {
    let registry = Registry::<Manual>::new().max_age(AGE);
    let mut tasks = Tasks::new(Order::Oldest);
    let mut peers = Vec::new();
    for _ in 0..50 {
        let (mut ws, peer) = open(&registry, &Config::default());
        tasks.spawn(async move { assert_eq!(ws.recv().await.unwrap(), None) });
        peers.push(peer);
    }
    tasks.settle();
    clock::advance(AGE * 9 / 10 - Duration::from_nanos(1));
    tasks.settle();
    assert_eq!(registry.counts().open, 50);
    clock::advance(Duration::from_nanos(1));
    let mut open_after = Vec::new();
    for _ in 0..10 {
        clock::advance(AGE / 100);
        tasks.settle();
        for peer in &peers {
            if let Some(close) = peer.take_frames().first() {
                assert!(close.is_close(1001));
                peer.push(answer());
            }
        }
        tasks.settle();
        open_after.push(registry.counts().open);
    }
    // Each percent closes about a tenth of the connections.
    let mut before = 50;
    for open in open_after {
        assert!((2..10).contains(&(before - open)), "{before} then {open}");
        before = open;
    }
    assert_eq!(before, 0);
    assert_eq!(registry.counts().clean, 50);
}

#[test]
fn a_setting_of_the_age_applies_to_later_connections() {
    let registry = Registry::<Manual>::new();
    let (mut first, _first_peer) = open(&registry, &Config::default());
    let registry = registry.max_age(AGE);
    let (mut second, second_peer) = open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Oldest);
    let first = tasks.spawn(async move { first.recv().await });
    let second = tasks.spawn(async move { second.recv().await });
    tasks.settle();
    clock::advance(AGE * 2);
    second_peer.push(answer());
    tasks.settle();
    assert!(first.output().is_none());
    assert_eq!(second.output().unwrap().unwrap(), None);
}
