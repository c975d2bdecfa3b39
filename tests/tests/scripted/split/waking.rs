//! Wake-ups between the halves. Neither half blocks the other.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use ws_driver::{Error, Sender};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks, Wakes};
use ws_tests::scripted::{End, Op, Shape};
use ws_tests::wire::{BINARY, CLOSE, PING, PONG, TEXT};

use super::{fill, halves, payloads};

ws_tests::both_shapes! {
    an_empty_queue_that_is_filled_wakes_a_waiting_receiver_once,
    feed_wakes_no_receiver_without_need,
    pongs_are_written_while_the_sender_waits_in_flush,
    a_waiting_sender_is_woken_even_if_the_receiver_wrote_its_bytes,
    a_waiting_sender_is_woken_even_if_the_receiver_flushed_its_bytes,
    a_waiting_receiver_does_not_block_the_sender,
    a_waiting_sender_does_not_block_the_receiver,
    wake_ups_are_few,
    an_idle_connection_causes_no_wake_ups_and_has_no_timer,
    dropped_halves_keep_no_waker,
}

fn an_empty_queue_that_is_filled_wakes_a_waiting_receiver_once<T: Shape>() {
    type Queue<T> = fn(&mut Sender<T>);
    let ways: [(Queue<T>, u8); 3] = [
        (
            |tx| exec::expect_ready(exec::glance(tx.feed("fed"))).unwrap(),
            TEXT,
        ),
        (|tx| tx.try_feed("fed").unwrap(), TEXT),
        (
            |tx| tx.start_close(ws_driver::CloseCode::NORMAL, "").unwrap(),
            CLOSE,
        ),
    ];
    for end in End::BOTH {
        for (queue, opcode) in ways {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let mut tasks = Tasks::new(Order::Oldest);
            let receives = tasks.spawn(async move { rx.recv().await });
            tasks.settle();
            assert_eq!((tasks.polls(&receives), tasks.wakes(&receives)), (1, 0));
            queue(&mut tx);
            assert_eq!(tasks.wakes(&receives), 1);
            if opcode != CLOSE {
                queue(&mut tx);
                assert_eq!(
                    tasks.wakes(&receives),
                    1,
                    "woken although the queue was not empty"
                );
            }
            tasks.settle();
            assert_eq!(tasks.polls(&receives), 2);
            let log = peer.take_log();
            let writes = log.iter().filter(|op| matches!(op, Op::Write { .. }));
            assert_eq!(writes.count(), 1, "{log:?}");
            assert!(log.contains(&Op::Flush));
            let frames = peer.take_frames();
            assert!(frames.iter().all(|frame| frame.opcode() == opcode));
            assert_eq!(frames.len(), if opcode == CLOSE { 1 } else { 2 });
            if opcode != CLOSE {
                // The queue is empty again.
                queue(&mut tx);
                assert_eq!(tasks.wakes(&receives), 2);
                tasks.settle();
                assert_eq!(peer.take_frames().len(), 1);
            }
            assert!(receives.output().is_none());
        }
    }
}

fn feed_wakes_no_receiver_without_need<T: Shape>() {
    let (mut tx, mut rx, peer) = halves::<T>(End::Server);
    let from = End::Server.peer();
    // The receiver does not wait: its last call has returned.
    peer.push(from.text("one"));
    let mut task = Task::new();
    {
        let mut recv = pin!(rx.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_ready());
    }
    let wakes = task.wakes();
    exec::run(tx.feed("a")).unwrap();
    assert_eq!(task.wakes(), wakes);
    assert_eq!(peer.output_len(), 0, "the message was written by `feed`");

    // The receiver waits, and the transport takes nothing. When the transport takes bytes again,
    // the transport wakes the receiver, so `feed` does not.
    peer.window(0);
    let mut task = Task::new();
    let mut recv = pin!(rx.recv());
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    let wakes = task.wakes();
    for _ in 0..5 {
        exec::run(tx.feed("b")).unwrap();
    }
    assert_eq!(
        task.wakes(),
        wakes,
        "woken although the queue was not empty"
    );
    peer.window(usize::MAX);
    assert_eq!(task.wakes(), wakes + 1);
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    assert_eq!(peer.take_frames().len(), 6);
}

fn pongs_are_written_while_the_sender_waits_in_flush<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for window in [0, 1, 5, 5000] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                peer.window(window);
                let mut tasks = Tasks::new(order);
                let receives = tasks.spawn(async move { rx.recv().await.map(|found| (found, rx)) });
                let sends = tasks.spawn(async move {
                    tx.send(vec![1; 20_000]).await?;
                    Ok::<_, Error>(tx)
                });
                tasks.settle();
                peer.push(end.peer().frame(PING, b"first"));
                tasks.settle();
                peer.push(end.peer().frame(PING, b"second"));
                tasks.settle();
                assert!(sends.output().is_none() && receives.output().is_none());
                // The transport takes one byte at a time, and both tasks wait after each byte.
                for _ in 0..10 {
                    peer.window(1);
                    tasks.settle();
                }
                peer.window(usize::MAX);
                tasks.settle();
                let _tx = sends.output().expect("the sender was woken").unwrap();
                let frames = peer.take_frames();
                assert_eq!(frames[0].whole(), (BINARY, &[1; 20_000][..]));
                assert_eq!(payloads(&frames, PONG), [&b"second"[..]]);
                assert_eq!(frames.len(), 2);
                // The receiver waits for input as before.
                peer.push(end.peer().text("hi"));
                tasks.settle();
                let (received, _rx) = receives.output().expect("the receiver was woken").unwrap();
                assert_eq!(received, Some("hi".into()));
                assert_eq!(clock::elapsed(), std::time::Duration::ZERO);
            }
        }
    }
}

/// A transport wakes only the task of the last call, and no task if this call was not pending.
fn a_waiting_sender_is_woken_even_if_the_receiver_wrote_its_bytes<T: Shape>() {
    for end in End::BOTH {
        for wait in ["send", "feed", "ready", "flush"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.window(0);
            fill(&mut tx);
            let mut tasks = Tasks::new(Order::Oldest);
            let waits = tasks.spawn(async move {
                match wait {
                    "send" => tx.send("x").await?,
                    "feed" => tx.feed("x").await?,
                    "ready" => tx.ready().await?,
                    _ => tx.flush().await?,
                }
                Ok::<_, Error>(tx)
            });
            tasks.settle();
            assert!(waits.output().is_none());
            // The transport takes bytes again, and the receiver writes before the wake-up is
            // delivered.
            peer.delay_wakes();
            peer.window(usize::MAX);
            assert!(exec::attempt(rx.recv()).is_pending());
            peer.deliver_wakes();
            assert_eq!(peer.take_frames().len(), 7);
            tasks.settle();
            assert!(waits.output().is_some(), "{wait} waits forever");
        }
    }
}

fn a_waiting_sender_is_woken_even_if_the_receiver_flushed_its_bytes<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.block_flush(true);
        let mut tasks = Tasks::new(Order::Oldest);
        let sends = tasks.spawn(async move { tx.send("x").await.map(|()| tx) });
        tasks.settle();
        assert!(sends.output().is_none());
        assert_eq!(peer.take_frames().len(), 1, "the message was not written");
        peer.delay_wakes();
        peer.block_flush(false);
        assert!(exec::attempt(rx.recv()).is_pending());
        peer.deliver_wakes();
        tasks.settle();
        assert!(sends.output().is_some(), "send waits forever");
    }
}

fn a_waiting_receiver_does_not_block_the_sender<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        let mut task = Task::new();
        let mut recv = pin!(rx.recv());
        assert!(task.poll(recv.as_mut()).is_pending());
        for number in 0..100 {
            // Sends in another thread. That thread blocks if the receiver holds a lock.
            std::thread::scope(|scope| {
                let sent = scope.spawn(|| exec::expect_ready(exec::glance(tx.send("x"))));
                sent.join().unwrap().unwrap();
            });
            assert_eq!(peer.take_frames().len(), 1, "message {number}");
        }
        assert_eq!(tx.end(), None);
    }
}

fn a_waiting_sender_does_not_block_the_receiver<T: Shape>() {
    for end in End::BOTH {
        for block in ["write", "flush"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            match block {
                "write" => peer.window(3),
                _ => peer.block_flush(true),
            }
            let mut task = Task::new();
            {
                let mut send = pin!(tx.send("stuck"));
                assert!(exec::settle(&mut task, send.as_mut()).is_pending());
                for number in 0..100 {
                    let text = format!("message {number}");
                    peer.push(end.peer().text(&text));
                    let received = exec::expect_ready(exec::attempt(rx.recv())).unwrap();
                    assert_eq!(received, Some(text.into()));
                    peer.push(end.peer().frame(BINARY, &[1; 10]));
                    let received = exec::expect_ready(exec::attempt(rx.recv_ref())).unwrap();
                    assert_eq!(received.unwrap().as_bytes(), [1; 10]);
                }
                peer.window(usize::MAX);
                peer.block_flush(false);
                let sent = exec::expect_ready(exec::settle(&mut task, send));
                sent.unwrap();
            }
            assert_eq!(peer.take_frames().len(), 1);
        }
    }
}

fn wake_ups_are_few<T: Shape>() {
    const TURNS: usize = 1000;
    for order in Order::BOTH {
        // The sender waits for room, while the receiver receives.
        let (mut tx, mut rx, peer) = halves::<T>(End::Server);
        peer.window(0);
        let mut tasks = Tasks::new(order);
        let receives = tasks.spawn(async move {
            while rx.recv().await?.is_some() {}
            Ok::<(), Error>(())
        });
        let sends = tasks.spawn(async move { tx.send("stuck").await });
        tasks.settle();
        for _ in 0..TURNS {
            peer.push(End::Server.peer().text("x"));
            tasks.settle();
        }
        assert!(tasks.polls(&receives) <= TURNS + 10);
        assert!(tasks.polls(&sends) <= TURNS + 10);
        assert!(sends.output().is_none());

        // The receiver waits, while the sender sends and the transport takes all bytes.
        let (mut tx, mut rx, _peer) = halves::<T>(End::Server);
        let mut tasks = Tasks::new(order);
        let receives = tasks.spawn(async move { rx.recv().await });
        let sends = tasks.spawn(async move {
            for _ in 0..TURNS {
                tx.send("x").await?;
            }
            Ok::<_, Error>(tx)
        });
        tasks.settle();
        assert!(sends.output().is_some());
        assert!(tasks.polls(&receives) <= TURNS + 10);
        // The sender yields to other tasks after every 128 writes, and is not woken otherwise.
        assert!(tasks.polls(&sends) <= 1 + TURNS / 128);

        // The sender waits for the end, while the peer sends many messages.
        let (mut tx, mut rx, peer) = halves::<T>(End::Server);
        let mut tasks = Tasks::new(order);
        let receives = tasks.spawn(async move {
            while rx.recv().await?.is_some() {}
            Ok::<(), Error>(())
        });
        let closes = tasks.spawn(async move {
            ws_tests::close_and_wait(&mut tx, ws_driver::CloseCode::NORMAL, "").await
        });
        for _ in 0..TURNS {
            peer.push(End::Server.peer().text("x"));
            tasks.settle();
        }
        peer.push(End::Server.peer().close(1000, ""));
        peer.end();
        tasks.settle();
        receives.output().expect("the end").unwrap();
        closes.output().expect("the end").unwrap();
        assert!(tasks.polls(&receives) <= TURNS + 10);
        assert!(tasks.polls(&closes) <= TURNS + 10);
    }
}

fn an_idle_connection_causes_no_wake_ups_and_has_no_timer<T: Shape>() {
    let (mut tx, mut rx, peer) = halves::<T>(End::Server);
    let mut task = Task::new();
    let mut recv = pin!(rx.recv());
    assert!(task.poll(recv.as_mut()).is_pending());
    assert_eq!((task.wakes(), clock::timers()), (0, 0));
    exec::run(tx.send("x")).unwrap();
    exec::run(tx.ready()).unwrap();
    assert_eq!((task.wakes(), clock::timers()), (0, 0));
    drop(peer);
}

/// A waker that is not dropped also keeps the memory of its task.
fn dropped_halves_keep_no_waker<T: Shape>() {
    let (mut tx, mut rx, _peer) = halves::<T>(End::Server);
    let wakes = Arc::new(Wakes::default());
    {
        let waker = Waker::from(Arc::clone(&wakes));
        let mut recv = pin!(rx.recv());
        let polled = std::future::Future::poll(recv.as_mut(), &mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(rx);
    assert_eq!(
        Arc::strong_count(&wakes),
        1,
        "a waker of the receiver is kept"
    );
    exec::run(tx.feed("x")).unwrap();
    assert_eq!(wakes.count(), 0);

    let (mut tx, _rx, peer) = halves::<T>(End::Server);
    peer.window(0);
    {
        let waker = Waker::from(Arc::clone(&wakes));
        let mut send = pin!(tx.send("x"));
        let polled = std::future::Future::poll(send.as_mut(), &mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(tx);
    assert_eq!(
        Arc::strong_count(&wakes),
        1,
        "a waker of the sender is kept"
    );
}
