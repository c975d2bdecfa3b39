//! The end of a connection gives everything back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ws_driver::{Budget, CloseCode, Error, Registry};
use ws_tests::clock;
use ws_tests::exec::{Order, Task, Tasks};
use ws_tests::scripted::{Manual, Peer, Ws};
use ws_tests::wire::{From, TEXT};

use super::super::{TIMEOUT, shutdown};
use super::{KIB, beginning, open_default, receive_all, send_and_receive, server};

/// Opens a connection that holds an incomplete message, a queue, or both.
fn holding(registry: &Registry<Manual>, message: bool, queue: bool) -> (Ws, Peer) {
    let (ws, peer) = open_default(registry);
    if message {
        peer.push(beginning(50 * KIB));
    }
    if queue {
        peer.window(0);
    }
    (ws, peer)
}

/// Handles a connection of [`holding`].
async fn handle(ws: Ws, queue: bool) -> Result<(), Error> {
    if !queue {
        return receive_all(ws).await.map(drop);
    }
    let (mut tx, mut rx) = ws.split();
    let sending = async { tx.send(vec![0; 50 * KIB]).await };
    let receiving = async {
        while rx.recv().await?.is_some() {}
        Ok(())
    };
    let (sent, received) = futures_util::future::join(sending, receiving).await;
    sent.and(received)
}

const HOLDINGS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

/// Ends connections that hold memory, each with `end`.
fn each(
    end: impl Fn(&Registry<Manual>, &mut Tasks<'_>, &ws_tests::exec::Job<Result<(), Error>>, &Peer),
) {
    for (message, queue) in HOLDINGS {
        let budget = Budget::new(1 << 30);
        let registry = server(&budget);
        let (ws, peer) = holding(&registry, message, queue);
        let mut tasks = Tasks::new(Order::Oldest);
        let handling = tasks.spawn(handle(ws, queue));
        tasks.settle();
        let least = 50 * KIB * (usize::from(message) + usize::from(queue));
        assert!(
            budget.used() >= least,
            "{message} {queue}: {}",
            budget.used()
        );
        end(&registry, &mut tasks, &handling, &peer);
        assert_eq!(budget.used(), 0, "{message} {queue}");
        assert_eq!(budget.ended(), 0);
    }
}

#[test]
fn a_dropped_connection() {
    each(|_, tasks, handling, _| tasks.abort(handling));
}

#[test]
fn a_lost_transport() {
    each(|_, tasks, handling, peer| {
        peer.reset();
        peer.break_writes();
        tasks.settle();
        assert!(handling.output().unwrap().is_err());
    });
}

#[test]
fn a_violation() {
    each(|_, tasks, handling, peer| {
        peer.push(From::Client.frame(3, b""));
        tasks.settle();
        // A peer that reads nothing has 1 s.
        clock::advance(std::time::Duration::from_secs(1));
        tasks.settle();
        assert!(handling.output().unwrap().is_err());
    });
}

#[test]
fn a_cut_of_a_shutdown() {
    each(|registry, tasks, handling, _| {
        let shutting = tasks.spawn(shutdown(registry));
        tasks.settle();
        clock::advance(TIMEOUT);
        tasks.settle();
        assert!(shutting.output().is_some());
        assert!(handling.output().unwrap().is_err());
    });
}

#[test]
fn a_panicking_handler() {
    let budget = Budget::new(1 << 30);
    let (mut ws, peer) = open_default(&server(&budget));
    peer.window(0);
    let mut handler = Box::pin(async move {
        let _ = ws.send(vec![0; 50 * KIB]).await;
        let _ = ws.recv().await;
        panic!("the handler");
    });
    let mut task = Task::new();
    assert!(task.poll(handler.as_mut()).is_pending());
    assert!(budget.used() >= 50 * KIB);
    peer.window(usize::MAX);
    peer.push(From::Client.text("boom"));
    let polled = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..10 {
            assert!(task.poll(handler.as_mut()).is_pending());
        }
    }));
    assert!(polled.is_err());
    drop(handler);
    assert_eq!(budget.used(), 0);
}

#[test]
fn halves_give_back_when_the_last_one_is_dropped() {
    for sender_first in [true, false] {
        let budget = Budget::new(1 << 30);
        let (ws, peer) = open_default(&server(&budget));
        let (mut tx, mut rx) = ws.split();
        peer.window(0);
        peer.push(beginning(50 * KIB));
        assert!(ws_tests::exec::attempt(tx.send(vec![0; 50 * KIB])).is_pending());
        assert!(ws_tests::exec::attempt(rx.recv()).is_pending());
        assert!(budget.used() >= 100 * KIB);
        if sender_first {
            drop(tx);
            assert!(budget.used() >= 100 * KIB);
            drop(rx);
        } else {
            drop(rx);
            assert!(budget.used() >= 100 * KIB);
            drop(tx);
        }
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn a_reader_that_is_dropped_inside_a_message() {
    let budget = Budget::new(1 << 30);
    let (mut ws, peer) = open_default(&server(&budget));
    peer.push(beginning(50 * KIB));
    {
        let read = ws_tests::exec::attempt(async {
            let mut reader = ws.recv_stream().await.unwrap().unwrap();
            reader.chunk().await.unwrap().unwrap().len()
        });
        assert!(read.is_ready());
    }
    peer.push(super::rest(10 * KIB));
    peer.push(From::Client.frame(TEXT, b"next"));
    let next = ws_tests::exec::run(ws.recv()).unwrap();
    assert_eq!(next, Some("next".into()));
    assert_eq!(budget.used(), 0);
    drop(ws);
}

#[test]
fn a_close_with_a_queue_gives_back_as_it_is_written() {
    let budget = Budget::new(1 << 30);
    let registry = server(&budget);
    let (mut ws, peer) = open_default(&registry);
    peer.window(0);
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(async move {
        ws.feed(vec![0; 50 * KIB]).await?;
        ws.close(CloseCode::NORMAL, "").await
    });
    tasks.settle();
    assert!(budget.used() >= 50 * KIB);
    peer.window(usize::MAX);
    tasks.settle();
    assert!(handling.output().is_none());
    assert_eq!(budget.used(), 0);
    peer.push(From::Client.close(1000, ""));
    tasks.settle();
    assert!(handling.output().unwrap().is_ok());
}

#[test]
fn an_opening_handshake_takes_nothing() {
    let budget = Budget::new(0);
    let registry = server(&budget);
    let (ws, _peer) = open_default(&registry);
    assert_eq!((budget.used(), budget.peak()), (0, 0));
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(send_and_receive(ws, 10));
    tasks.settle();
    assert!(handling.output().is_none());
    assert_eq!(budget.used(), 0);
}
