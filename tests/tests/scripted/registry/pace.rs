//! The pace of a shutdown.

use std::num::NonZeroU32;
use std::time::Duration;

use ws_driver::{CloseCode, Config, Registry};
use ws_tests::clock;
use ws_tests::exec::{Job, Order, Tasks};
use ws_tests::scripted::{Manual, Peer};

use super::{answer, open};

const SECOND: Duration = Duration::from_secs(1);

/// Opens connections with handlers that receive.
fn crowd(tasks: &mut Tasks<'_>, registry: &Registry<Manual>, count: usize) -> Vec<Peer> {
    let start = |_| {
        let (mut ws, peer) = open(registry, &Config::default());
        let _: Job<()> = tasks.spawn(async move { while ws.recv().await.unwrap().is_some() {} });
        peer
    };
    (0..count).map(start).collect()
}

/// Returns the numbers of the peers that have received a Close, and lets them answer.
fn closed(tasks: &mut Tasks<'_>, peers: &[Peer]) -> Vec<usize> {
    tasks.settle();
    let has_close = |peer: &Peer| peer.take_frames().iter().any(|frame| frame.is_close(1001));
    let closed: Vec<_> = (0..peers.len()).filter(|&i| has_close(&peers[i])).collect();
    closed.iter().for_each(|&i| peers[i].push(answer()));
    tasks.settle();
    closed
}

#[test]
fn connections_close_at_the_pace_the_oldest_first() {
    let registry = Registry::new();
    let mut tasks = Tasks::new(Order::Oldest);
    let peers = crowd(&mut tasks, &registry, 5);
    tasks.settle();
    let pace = NonZeroU32::new(2).unwrap();
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", 10 * SECOND);
    let shutting = tasks.spawn(shutdown.paced(pace));
    for number in 0..5 {
        assert_eq!(closed(&mut tasks, &peers), [number]);
        clock::advance(SECOND / 2 - Duration::from_nanos(1));
        assert!(closed(&mut tasks, &peers).is_empty());
        clock::advance(Duration::from_nanos(1));
    }
    let report = shutting.output().unwrap().unwrap();
    assert_eq!((report.clean, report.took), (5, 2 * SECOND));
}

#[test]
fn a_pace_that_is_too_slow_is_raised() {
    let registry = Registry::new();
    let mut tasks = Tasks::new(Order::Oldest);
    let peers = crowd(&mut tasks, &registry, 10);
    tasks.settle();
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", 10 * SECOND);
    let shutting = tasks.spawn(shutdown.paced(NonZeroU32::MIN));
    let mut told = closed(&mut tasks, &peers).len();
    for _ in 0..10 {
        clock::advance(SECOND / 2);
        told += closed(&mut tasks, &peers).len();
    }
    assert_eq!(told, 10);
    assert_eq!(shutting.output().unwrap().unwrap().clean, 10);
}

#[test]
fn a_late_shutdown_task_catches_up() {
    let registry = Registry::new();
    let mut tasks = Tasks::new(Order::Oldest);
    let peers = crowd(&mut tasks, &registry, 20);
    tasks.settle();
    let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "", 100 * SECOND);
    let _shutting = tasks.spawn(shutdown.paced(NonZeroU32::new(10).unwrap()));
    assert_eq!(closed(&mut tasks, &peers).len(), 1);
    clock::advance(SECOND);
    assert_eq!(closed(&mut tasks, &peers).len(), 10);
}
