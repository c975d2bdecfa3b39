//! The budget is used up.

use std::time::Duration;

use ws_driver::{Budget, Error, Message, Registry};
use ws_tests::clock;
use ws_tests::exec::{Job, Order, Tasks};
use ws_tests::scripted::{Manual, Peer};
use ws_tests::wire::{From, PING, PONG};

use super::{
    KIB, assert_over_budget, beginning, echo, open_default, receive_all, rest, send_and_receive,
    server,
};

const LIMIT: usize = 256 * KIB;

/// The time for which a connection waits for memory.
const GRACE: Duration = Duration::from_secs(1);

/// Returns a budget that a registry uses, and the tasks of handlers.
fn start<'a>() -> (Budget, Registry<Manual>, Tasks<'a>) {
    let budget = Budget::new(LIMIT);
    let registry = server(&budget);
    (budget, registry, Tasks::new(Order::Oldest))
}

/// Opens a connection whose handler sends a message of this length to a peer that takes nothing.
fn hold(
    tasks: &mut Tasks<'_>,
    registry: &Registry<Manual>,
    len: usize,
) -> (Job<Result<Vec<Message>, Error>>, Peer) {
    let (ws, peer) = open_default(registry);
    peer.window(0);
    (tasks.spawn(send_and_receive(ws, len)), peer)
}

#[test]
fn reading_stops_while_the_budget_is_used_up_and_goes_on_with_room() {
    for wakes_late in [false, true] {
        let (budget, registry, mut tasks) = start();
        let (holding, holder_peer) = hold(&mut tasks, &registry, LIMIT);
        let (reader, reader_peer) = open_default(&registry);
        tasks.settle();
        assert!(budget.used() >= LIMIT);
        let reading = tasks.spawn(receive_all(reader));
        tasks.settle();
        reader_peer.push(beginning(100 * KIB));
        reader_peer.push(rest(0));
        tasks.settle();
        // Pressure on the peer, and no error.
        assert!(reader_peer.unread() > 90 * KIB, "{}", reader_peer.unread());
        assert_eq!((budget.waiting(), budget.ended()), (2, 0));
        if wakes_late {
            clock::advance(GRACE - Duration::from_nanos(1));
            tasks.settle();
            assert_eq!(budget.ended(), 0);
        }
        holder_peer.window(usize::MAX);
        tasks.settle();
        assert_eq!(reader_peer.unread(), 0);
        assert_eq!((budget.waiting(), budget.used()), (0, 0));
        reader_peer.push(From::Client.close(1000, ""));
        tasks.settle();
        let messages = reading.output().unwrap().unwrap();
        assert_eq!(messages[0].as_bytes().len(), 100 * KIB);
        assert!(holding.output().is_none());
        clock::advance(10 * GRACE);
        tasks.settle();
        assert_eq!(budget.ended(), 0);
    }
}

#[test]
fn the_greediest_ends_after_the_grace_with_1013() {
    let (budget, registry, mut tasks) = start();
    let (modest, _modest_peer) = hold(&mut tasks, &registry, LIMIT / 4);
    let (greedy, greedy_peer) = hold(&mut tasks, &registry, LIMIT);
    let (reader, reader_peer) = open_default(&registry);
    let reading = tasks.spawn(receive_all(reader));
    tasks.settle();
    reader_peer.push(beginning(50 * KIB));
    reader_peer.push(rest(0));
    tasks.settle();
    clock::advance(GRACE - Duration::from_nanos(1));
    tasks.settle();
    assert_eq!(budget.ended(), 0);
    clock::advance(Duration::from_nanos(1));
    tasks.settle();
    assert_eq!(budget.ended(), 1);
    // The Close follows the queue.
    greedy_peer.window(usize::MAX);
    tasks.settle();
    let frames = greedy_peer.take_frames();
    assert!(frames.last().unwrap().is_close(1013));
    greedy_peer.end();
    tasks.settle();
    assert_over_budget(greedy.output());
    assert_eq!(reader_peer.unread(), 0);
    assert!(modest.output().is_none() && reading.output().is_none());
    assert_eq!(budget.ended(), 1);
}

#[test]
fn a_peer_that_does_not_read_its_close_has_a_second() {
    let (budget, registry, mut tasks) = start();
    let (greedy, greedy_peer) = hold(&mut tasks, &registry, LIMIT + 1);
    tasks.settle();
    clock::advance(GRACE);
    tasks.settle();
    assert_eq!(budget.ended(), 1);
    assert!(budget.used() > LIMIT);
    clock::advance(Duration::from_secs(1));
    tasks.settle();
    assert_over_budget(greedy.output());
    assert!(greedy_peer.is_dropped());
    assert_eq!(budget.used(), 0);
}

#[test]
fn messages_that_nobody_can_complete_end_at_once() {
    let (budget, registry, mut tasks) = start();
    let mut all = Vec::new();
    for _ in 0..3 {
        let (ws, peer) = open_default(&registry);
        all.push((tasks.spawn(receive_all(ws)), peer));
    }
    for step in 0..10 {
        for (_, peer) in &all {
            peer.push(match step {
                0 => beginning(10 * KIB),
                _ => From::Client.fragment(0, &[0; 10 * KIB]),
            });
        }
        tasks.settle();
    }
    // No time has passed.
    assert!(
        budget.ended() >= 1 && budget.ended() < 3,
        "{}",
        budget.ended()
    );
    assert!(budget.used() <= LIMIT, "{}", budget.used());
    let mut ended = 0;
    for (handling, peer) in &all {
        if let Some(close) = peer.take_frames().first() {
            assert!(close.is_close(1013));
            ended += 1;
            peer.end();
            tasks.settle();
            assert_over_budget(handling.output());
        } else {
            peer.push(rest(0));
            tasks.settle();
            assert_eq!(peer.unread(), 0);
            peer.push(From::Client.close(1000, ""));
            tasks.settle();
            let messages = handling.output().unwrap().unwrap();
            assert_eq!(messages[0].as_bytes().len(), 100 * KIB);
        }
    }
    assert_eq!(ended, budget.ended());
    assert_eq!((budget.used(), budget.waiting()), (0, 0));
}

#[test]
fn a_message_for_which_the_whole_budget_is_too_small_ends_its_connection() {
    for limit in [0, 10 * KIB, 100 * KIB] {
        let budget = Budget::new(limit);
        let (ws, peer) = open_default(&server(&budget));
        let mut tasks = Tasks::new(Order::Oldest);
        let handling = tasks.spawn(receive_all(ws));
        peer.push(beginning(limit + 20 * KIB));
        tasks.settle();
        assert!(peer.take_frames()[0].is_close(1013), "{limit}");
        peer.end();
        tasks.settle();
        assert_over_budget(handling.output());
        assert!(
            budget.peak() <= limit + 9 * KIB,
            "{limit}: {}",
            budget.peak()
        );
    }
}

#[test]
fn short_messages_are_served_while_the_budget_is_used_up() {
    let (budget, registry, mut tasks) = start();
    let (_holding, _holder_peer) = hold(&mut tasks, &registry, LIMIT);
    let (ws, peer) = open_default(&registry);
    let _echoing = tasks.spawn(echo(ws));
    tasks.settle();
    for len in [0, 1, 100, 2000, 3000] {
        let frame = From::Client.frame(2, &vec![b'e'; len]);
        let (first, second) = frame.split_at(frame.len() / 2);
        for part in [first, second, &From::Client.frame(PING, b"?")] {
            peer.push(part);
            tasks.settle();
        }
        assert_eq!(peer.unread(), 0);
        let frames = peer.take_frames();
        assert_eq!(frames[0].payload.len(), len);
        assert_eq!(frames[1].opcode(), PONG);
    }
    assert_eq!(budget.ended(), 0);
}

#[test]
fn reads_are_short_while_the_budget_is_used_up() {
    let (budget, registry, mut tasks) = start();
    let (ws, peer) = open_default(&registry);
    let echoing = tasks.spawn(echo(ws));
    // After this, reads are long.
    peer.push(From::Client.frame(2, &[b'e'; 60 * KIB]));
    tasks.settle();
    peer.push(From::Client.frame(2, b"short"));
    tasks.settle();
    assert!(peer.take_rooms().into_iter().max() >= Some(60 * KIB));
    let (_holding, _holder_peer) = hold(&mut tasks, &registry, LIMIT);
    tasks.settle();
    let before = budget.used();
    peer.push(From::Client.frame(2, b"short"));
    tasks.settle();
    let _ = peer.take_rooms();
    peer.push(From::Client.frame(2, &[b'e'; 60 * KIB]));
    tasks.settle();
    let rooms = peer.take_rooms();
    assert!(rooms.iter().all(|room| *room <= 4 * KIB), "{rooms:?}");
    assert!(
        budget.used() - before <= 12 * KIB,
        "{}",
        budget.used() - before
    );
    assert!(echoing.output().is_none());
}

#[test]
fn queues_that_exceed_the_budget_end_after_the_grace() {
    let (budget, registry, mut tasks) = start();
    let mut all = Vec::new();
    for at in 0..4 {
        all.push(hold(&mut tasks, &registry, LIMIT / 2 + at));
    }
    tasks.settle();
    assert!(budget.used() >= 2 * LIMIT);
    clock::advance(GRACE);
    tasks.settle();
    clock::advance(Duration::from_secs(1));
    tasks.settle();
    // One half of the budget is left: with two, less than an eighth would be free.
    assert_eq!(budget.ended(), 3);
    assert!(budget.used() <= LIMIT * 7 / 8, "{}", budget.used());
    let left: Vec<_> = all.iter().map(|(job, _)| job.output()).collect();
    assert!(left[0].is_none());
    for ended in left.into_iter().skip(1) {
        assert_over_budget(ended);
    }
}

#[test]
fn a_handler_that_does_not_poll_is_passed_over_after_the_next_grace() {
    let (budget, registry, mut tasks) = start();
    let (mut asleep, asleep_peer) = open_default(&registry);
    asleep_peer.window(0);
    let _asleep = tasks.spawn(async move {
        asleep.feed(vec![0; LIMIT / 2]).await?;
        std::future::pending::<()>().await;
        drop(asleep);
        Ok::<_, Error>(())
    });
    let (other, _other_peer) = hold(&mut tasks, &registry, LIMIT / 2 - KIB);
    let (reader, reader_peer) = open_default(&registry);
    let _reading = tasks.spawn(receive_all(reader));
    tasks.settle();
    reader_peer.push(beginning(30 * KIB));
    tasks.settle();
    clock::advance(GRACE);
    tasks.settle();
    assert_eq!((budget.ended(), other.output().is_none()), (1, true));
    clock::advance(GRACE);
    tasks.settle();
    clock::advance(GRACE);
    tasks.settle();
    assert_over_budget(other.output());
    assert_eq!(reader_peer.unread(), 0);
}

#[test]
fn an_end_of_the_peer_is_found_when_reading_goes_on() {
    let (budget, registry, mut tasks) = start();
    let (holding, _holder_peer) = hold(&mut tasks, &registry, LIMIT);
    let (reader, reader_peer) = open_default(&registry);
    let reading = tasks.spawn(receive_all(reader));
    tasks.settle();
    reader_peer.push(beginning(100 * KIB));
    tasks.settle();
    reader_peer.end();
    tasks.settle();
    assert!(reading.output().is_none());
    tasks.abort(&holding);
    tasks.settle();
    assert!(matches!(reading.output(), Some(Err(Error::Lost))));
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_connection_that_has_waited_for_4_s_ends() {
    let (budget, registry, mut tasks) = start();
    let (reader, reader_peer) = open_default(&registry);
    let reading = tasks.spawn(receive_all(reader));
    let mut peers = Vec::new();
    for second in 0..4 {
        // It holds most, and is told to end. But it is not polled.
        let (mut asleep, peer) = open_default(&registry);
        peer.window(0);
        peers.push(peer);
        tasks.spawn(async move {
            asleep.feed(vec![0; LIMIT]).await?;
            std::future::pending::<()>().await;
            drop(asleep);
            Ok::<_, Error>(())
        });
        tasks.settle();
        if second == 0 {
            reader_peer.push(beginning(30 * KIB));
            tasks.settle();
        }
        assert!(reader_peer.take_frames().is_empty(), "{second}");
        clock::advance(GRACE);
        tasks.settle();
    }
    assert!(reader_peer.take_frames()[0].is_close(1013));
    reader_peer.end();
    tasks.settle();
    assert_over_budget(reading.output());
    assert_eq!(budget.ended(), 4);
}

/// The queue and the message together are too long, and the queue alone becomes shorter.
#[test]
fn a_connection_whose_queue_drains_reads_on() {
    for echoes in [1, 20, 40] {
        let (budget, registry, mut tasks) = start();
        let (_holding, _holder_peer) = hold(&mut tasks, &registry, LIMIT);
        let (ws, peer) = open_default(&registry);
        let _echoing = tasks.spawn(echo(ws));
        tasks.settle();
        peer.window(0);
        peer.push(From::Client.frame(2, &[b'e'; 100]).repeat(echoes));
        tasks.settle();
        peer.push(beginning(3 * KIB));
        tasks.settle();
        peer.push(rest(100));
        tasks.settle();
        peer.window(usize::MAX);
        tasks.settle();
        assert_eq!(peer.unread(), 0, "{echoes}");
        let frames = peer.take_frames();
        assert_eq!(frames.len(), echoes + 1);
        assert_eq!(frames[echoes].payload.len(), 3 * KIB + 100);
        assert_eq!(budget.ended(), 0);
    }
}
