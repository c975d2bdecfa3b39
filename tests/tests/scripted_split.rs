//! Halves of a connection: the contract of sending, and who is woken by what.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ws_driver::{Config, Error, Message, Receiver, SendError, Sender, TrySendError};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Op, Peer, Scripted, Shape};
use ws_tests::wire::{BINARY, CLOSE, Frame, PING, PONG, TEXT};

type Halves<T> = (Sender<T>, Receiver<T>, Peer);

ws_tests::both_shapes! {
    send_dropped_after_any_number_of_polls_has_sent_the_message_once,
    whoever_is_dropped_while_waiting_for_room_has_sent_nothing,
    ready_then_try_send_dropped_at_every_await_never_loses_a_message,
    feed_waits_for_room_and_is_woken_when_there_is_some,
    feed_to_an_empty_queue_wakes_a_receiver_that_waits_just_once,
    feed_wakes_nobody_who_does_not_wait,
    what_is_fed_without_a_receiver_leaves_with_flush,
    pongs_go_out_while_the_sender_is_blocked_in_flush,
    a_sender_that_waits_is_woken_also_if_the_receiver_wrote_for_it,
    a_sender_that_waits_is_woken_also_if_the_receiver_flushed_for_it,
    a_receiver_that_waits_does_not_keep_the_sender_from_sending,
    a_sender_that_waits_does_not_keep_the_receiver_from_receiving,
    wake_ups_are_few,
    an_idle_connection_wakes_nobody_and_has_no_timer,
    dropped_halves_keep_no_waker,
    halves_are_joined_again,
    halves_are_joined_again_in_the_middle_of_everything,
    halves_of_two_connections_come_back,
    halves_are_joined_after_the_end,
}

fn halves<T: Shape>(end: End) -> Halves<T> {
    scripted::halves(end, &Config::default())
}

/// Halves of a transport whose operations all hesitate and move little at a time.
fn reluctant<T: Shape>(end: End, piece: usize) -> Halves<T> {
    let halves = halves(end);
    halves.2.hesitate();
    halves.2.pieces(piece, piece);
    halves
}

fn payloads(frames: &[Frame], opcode: u8) -> Vec<&[u8]> {
    let of_kind = frames.iter().filter(|frame| frame.opcode() == opcode);
    of_kind.map(|frame| frame.whole().1).collect()
}

/// Queues messages until there is no room, and says how many.
fn fill<T: Shape>(tx: &mut Sender<T>) -> usize {
    for queued in 0.. {
        let has_room = tx.has_room();
        match tx.try_send(vec![0x55; 10_000]) {
            Ok(()) => assert!(has_room),
            Err(TrySendError::Full(message)) => {
                assert!(!has_room);
                assert_eq!(message, vec![0x55; 10_000]);
                return queued;
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}

fn send_dropped_after_any_number_of_polls_has_sent_the_message_once<T: Shape>() {
    let long = "long ".repeat(40);
    for end in End::BOTH {
        for receives in [false, true] {
            for polls in 1.. {
                let (mut tx, mut rx, peer) = reluctant::<T>(end, 3);
                let mut done = false;
                {
                    let mut send = pin!(tx.send(&long));
                    for _ in 0..polls {
                        done = Task::new().poll(send.as_mut()).is_ready();
                        if done {
                            break;
                        }
                        if receives {
                            assert!(exec::glance(rx.recv()).is_pending());
                        }
                    }
                }
                if !done {
                    exec::run(tx.send("next")).unwrap();
                }
                let frames = peer.take_frames();
                let mut expected = vec![long.as_bytes()];
                if !done {
                    expected.push(b"next");
                }
                assert_eq!(payloads(&frames, TEXT), expected, "after {polls} polls");
                if done {
                    assert!(polls > 10, "the send was never dropped half way");
                    break;
                }
            }
        }
    }
}

fn whoever_is_dropped_while_waiting_for_room_has_sent_nothing<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.window(0);
        let queued = fill(&mut tx);
        assert_eq!(queued, 7, "64 KiB and no more than one message over it");
        for _ in 0..3 {
            assert!(exec::glance(tx.send("not sent")).is_pending());
            assert!(exec::glance(rx.recv()).is_pending());
            assert!(exec::glance(tx.feed("not queued")).is_pending());
            assert!(exec::glance(tx.ready()).is_pending());
            assert!(exec::glance(tx.flush()).is_pending());
            assert!(exec::glance(rx.recv_ref()).is_pending());
            assert!(exec::glance(tx.send_ping("no ping")).is_pending());
            assert!(exec::glance(tx.send_pong("no pong")).is_pending());
        }
        peer.window(usize::MAX);
        // The receiver sends what the sender queued.
        assert!(exec::attempt(rx.recv()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(frames.len(), queued);
        assert_eq!(payloads(&frames, BINARY), vec![&[0x55; 10_000][..]; queued]);
    }
}

fn ready_then_try_send_dropped_at_every_await_never_loses_a_message<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = reluctant::<T>(end, 5000);
            let mut tasks = Tasks::new(order);
            let sends = tasks.spawn(async move {
                for number in 0..100_u8 {
                    exec::afresh(&mut tx, async |tx| tx.ready().await).await?;
                    let sent = tx.try_send(vec![number; 9000]);
                    assert!(sent.is_ok(), "no room for {number}");
                }
                exec::afresh(&mut tx, async |tx| tx.flush().await).await?;
                Ok::<_, Error>(tx)
            });
            let receives = tasks.spawn(exec::afresh(&mut rx, async |rx| rx.recv().await));
            tasks.settle();
            let _tx = sends.output().expect("the sender is done").unwrap();
            assert!(receives.output().is_none());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 100);
            for (number, frame) in frames.iter().enumerate() {
                assert_eq!(frame.whole(), (BINARY, &[number as u8; 9000][..]));
            }
        }
    }
}

fn feed_waits_for_room_and_is_woken_when_there_is_some<T: Shape>() {
    for order in Order::BOTH {
        for receives in [false, true] {
            let config = Config::default().high_water_mark(100);
            let (mut tx, mut rx, peer) = scripted::halves::<T>(End::Server, &config);
            peer.window(0);
            exec::expect_ready(exec::glance(tx.feed(&[1; 100]))).unwrap();
            let mut tasks = Tasks::new(order);
            if receives {
                let _ = tasks.spawn(async move { rx.recv().await });
            }
            let feeds = tasks.spawn(async move { tx.feed("second").await.map(|()| tx) });
            tasks.settle();
            assert!(feeds.output().is_none());
            peer.window(usize::MAX);
            tasks.settle();
            let mut tx = feeds.output().expect("there is room").unwrap();
            exec::run(tx.flush()).unwrap();
            assert_eq!(peer.take_frames().len(), 2);
        }
    }
}

fn feed_to_an_empty_queue_wakes_a_receiver_that_waits_just_once<T: Shape>() {
    type Queue<T> = fn(&mut Sender<T>);
    let ways: [(Queue<T>, u8); 3] = [
        (
            |tx| exec::expect_ready(exec::glance(tx.feed("fed"))).unwrap(),
            TEXT,
        ),
        (|tx| tx.try_send("fed").unwrap(), TEXT),
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
                assert_eq!(tasks.wakes(&receives), 1, "the queue was not empty");
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
                // The next time the queue is empty again.
                queue(&mut tx);
                assert_eq!(tasks.wakes(&receives), 2);
                tasks.settle();
                assert_eq!(peer.take_frames().len(), 1);
            }
            assert!(receives.output().is_none());
        }
    }
}

fn feed_wakes_nobody_who_does_not_wait<T: Shape>() {
    let (mut tx, mut rx, peer) = halves::<T>(End::Server);
    let from = End::Server.peer();
    // Its last call returned.
    peer.push(from.text("one"));
    let mut task = Task::new();
    {
        let mut recv = pin!(rx.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_ready());
    }
    let wakes = task.wakes();
    exec::run(tx.feed("a")).unwrap();
    assert_eq!(task.wakes(), wakes);
    assert_eq!(peer.output_len(), 0, "nobody was there to send it");

    // It waits, but the transport takes nothing: it will be woken when that changes.
    peer.window(0);
    let mut task = Task::new();
    let mut recv = pin!(rx.recv());
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    let wakes = task.wakes();
    for _ in 0..5 {
        exec::run(tx.feed("b")).unwrap();
    }
    assert_eq!(task.wakes(), wakes, "the queue was not empty");
    peer.window(usize::MAX);
    assert_eq!(task.wakes(), wakes + 1);
    assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
    assert_eq!(peer.take_frames().len(), 6);
}

fn what_is_fed_without_a_receiver_leaves_with_flush<T: Shape>() {
    for end in End::BOTH {
        for dropped in [false, true] {
            let (mut tx, rx, peer) = halves::<T>(end);
            let rx = (!dropped).then_some(rx);
            for _ in 0..3 {
                exec::run(tx.feed("fed")).unwrap();
                assert_eq!(peer.output_len(), 0);
            }
            exec::run(tx.flush()).unwrap();
            assert_eq!(payloads(&peer.take_frames(), TEXT), [b"fed"; 3]);
            exec::run(tx.send("sent")).unwrap();
            exec::run(tx.send_ping("ping")).unwrap();
            exec::run(tx.send_pong("pong")).unwrap();
            let opcodes: Vec<u8> = peer.take_frames().iter().map(Frame::opcode).collect();
            assert_eq!(opcodes, [TEXT, PING, PONG]);
            // Also what is more than the transport takes at once.
            peer.window(10);
            let mut tasks = Tasks::new(Order::Oldest);
            let sends = tasks.spawn(async move { tx.send(&[7; 100_000][..]).await.map(|()| tx) });
            tasks.settle();
            assert!(sends.output().is_none());
            peer.window(usize::MAX);
            tasks.settle();
            let _tx = sends.output().expect("it was woken").unwrap();
            assert_eq!(peer.take_frames().len(), 1);
            drop(rx);
        }
    }
}

fn pongs_go_out_while_the_sender_is_blocked_in_flush<T: Shape>() {
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
                // Octet by octet, and everybody goes on waiting for the next.
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
                let (received, _rx) = receives.output().expect("it was woken").unwrap();
                assert_eq!(received, Some("hi".into()));
                assert_eq!(clock::elapsed(), std::time::Duration::ZERO);
            }
        }
    }
}

/// A transport wakes only who called last, and nobody if that call had to wait no more.
fn a_sender_that_waits_is_woken_also_if_the_receiver_wrote_for_it<T: Shape>() {
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
            // There is room, and the receiver finds it before the wake-up is on its way.
            peer.delay_wakes();
            peer.window(usize::MAX);
            assert!(exec::attempt(rx.recv()).is_pending());
            peer.deliver_wakes();
            assert_eq!(peer.take_frames().len(), 7);
            tasks.settle();
            assert!(waits.output().is_some(), "{wait} waits for ever");
        }
    }
}

fn a_sender_that_waits_is_woken_also_if_the_receiver_flushed_for_it<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.block_flush(true);
        let mut tasks = Tasks::new(Order::Oldest);
        let sends = tasks.spawn(async move { tx.send("x").await.map(|()| tx) });
        tasks.settle();
        assert!(sends.output().is_none());
        assert_eq!(peer.take_frames().len(), 1, "written, and not flushed");
        peer.delay_wakes();
        peer.block_flush(false);
        assert!(exec::attempt(rx.recv()).is_pending());
        peer.deliver_wakes();
        tasks.settle();
        assert!(sends.output().is_some(), "send waits for ever");
    }
}

fn a_receiver_that_waits_does_not_keep_the_sender_from_sending<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        let mut task = Task::new();
        let mut recv = pin!(rx.recv());
        assert!(task.poll(recv.as_mut()).is_pending());
        for number in 0..100 {
            // In another thread, so that a lock that was kept shows.
            std::thread::scope(|scope| {
                let sent = scope.spawn(|| exec::expect_ready(exec::glance(tx.send("x"))));
                sent.join().unwrap().unwrap();
            });
            assert_eq!(peer.take_frames().len(), 1, "message {number}");
        }
        assert_eq!(tx.end(), None);
    }
}

fn a_sender_that_waits_does_not_keep_the_receiver_from_receiving<T: Shape>() {
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

        // The receiver waits, while the sender sends and the transport takes all of it.
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
        // It gives way to other tasks after every 128 writes, and is not woken otherwise.
        assert!(tasks.polls(&sends) <= 1 + TURNS / 128);

        // The sender waits for the end, while the peer has much to say before it.
        let (mut tx, mut rx, peer) = halves::<T>(End::Server);
        let mut tasks = Tasks::new(order);
        let receives = tasks.spawn(async move {
            while rx.recv().await?.is_some() {}
            Ok::<(), Error>(())
        });
        let closes = tasks.spawn(async move { tx.close(ws_driver::CloseCode::NORMAL, "").await });
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

fn an_idle_connection_wakes_nobody_and_has_no_timer<T: Shape>() {
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

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker keeps the memory of its task.
fn dropped_halves_keep_no_waker<T: Shape>() {
    let (mut tx, mut rx, _peer) = halves::<T>(End::Server);
    let count = Arc::new(Count::default());
    {
        let waker = Waker::from(Arc::clone(&count));
        let mut recv = pin!(rx.recv());
        let polled = std::future::Future::poll(recv.as_mut(), &mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(rx);
    assert_eq!(Arc::strong_count(&count), 1, "the task of the receiver");
    exec::run(tx.feed("x")).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);

    let (mut tx, _rx, peer) = halves::<T>(End::Server);
    peer.window(0);
    {
        let waker = Waker::from(Arc::clone(&count));
        let mut send = pin!(tx.send("x"));
        let polled = std::future::Future::poll(send.as_mut(), &mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    drop(tx);
    assert_eq!(Arc::strong_count(&count), 1, "the task of the sender");
}

fn halves_are_joined_again<T: Shape>() {
    for end in End::BOTH {
        for sender_first in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            exec::run(tx.feed("queued")).unwrap();
            peer.push(end.peer().text("one"));
            assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
            let mut ws = if sender_first {
                tx.reunite(rx).unwrap()
            } else {
                rx.reunite(tx).unwrap()
            };
            exec::run(ws.send("sent")).unwrap();
            assert_eq!(
                payloads(&peer.take_frames(), TEXT),
                [&b"queued"[..], b"sent"]
            );
            peer.push([end.peer().text("two"), end.peer().frame(PING, b"p")].concat());
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("two".into()));
            // Apart, and joined once more.
            let (tx, mut rx) = ws.split();
            assert!(exec::attempt(rx.recv()).is_pending());
            assert_eq!(payloads(&peer.take_frames(), PONG), [b"p"]);
            let mut ws = tx.reunite(rx).unwrap();
            assert!(ws.get_ref().is_some());
            peer.push(end.peer().close(1000, ""));
            peer.end();
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
            assert!(ws.end().unwrap().clean);
        }
    }
}

fn halves_are_joined_again_in_the_middle_of_everything<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        // A message half received, another half sent, a time limit that runs, and both halves waiting.
        peer.window(7);
        let large: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
        let octets = end.peer().frame(BINARY, &large);
        let (first, last) = octets.split_at(40_000);
        peer.push(first);
        let mut task = Task::new();
        {
            let mut recv = pin!(rx.recv());
            let mut send = pin!(tx.send(&large));
            assert!(exec::settle(&mut task, send.as_mut()).is_pending());
            assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        }
        assert!(clock::timers() <= 2, "one for each direction");
        let wakes = task.wakes();
        let mut ws = rx.reunite(tx).unwrap();
        let mut tasks = Tasks::new(Order::Oldest);
        let receives = tasks.spawn(async move {
            let message = ws.recv().await?;
            ws.flush().await?;
            Ok::<_, Error>((message, ws))
        });
        tasks.settle();
        assert!(receives.output().is_none());
        peer.window(usize::MAX);
        peer.push(last);
        tasks.settle();
        let (message, ws) = receives.output().expect("it was woken").unwrap();
        assert!(message.unwrap().as_bytes() == large);
        assert!(payloads(&peer.take_frames(), BINARY) == [&large[..]]);
        assert!(
            task.wakes() <= wakes + 1,
            "those who waited before are gone"
        );
        drop(ws);
        assert!(peer.is_dropped());
        assert_eq!(clock::timers(), 0);
    }
}

fn halves_of_two_connections_come_back<T: Shape>() {
    let (tx, rx, peer) = halves::<T>(End::Server);
    let (other_tx, other_rx, other_peer) = halves::<T>(End::Client);
    let error = tx.reunite(other_rx).unwrap_err();
    assert!(error.to_string().contains("two connections"));
    let (tx, other_rx) = (error.0, error.1);
    let error = rx.reunite(other_tx).unwrap_err();
    let (other_tx, rx) = (error.0, error.1);
    assert!(!peer.is_dropped() && !other_peer.is_dropped());
    let mut ws = tx.reunite(rx).unwrap();
    let mut other = other_rx.reunite(other_tx).unwrap();
    exec::run(ws.send("x")).unwrap();
    exec::run(other.send("x")).unwrap();
    assert_eq!(peer.take_frames()[0].key, None);
    assert!(other_peer.take_frames()[0].key.is_some());
}

fn halves_are_joined_after_the_end<T: Shape>() {
    for end in End::BOTH {
        for seen_by in ["receiver", "sender", "nobody"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            match seen_by {
                "receiver" => {
                    peer.push(end.peer().close(1000, ""));
                    peer.end();
                    assert_eq!(exec::run(rx.recv()).unwrap(), None);
                }
                "sender" => {
                    let closed = exec::run(tx.close(ws_driver::CloseCode::NORMAL, ""));
                    assert!(closed.unwrap_err().is_timeout());
                }
                _ => {
                    peer.push(end.peer().close(1000, ""));
                    peer.end();
                }
            }
            let ended = tx.end();
            assert_eq!(ended.is_none(), seen_by == "nobody");
            assert_eq!(ended, rx.end());
            let mut ws = tx.reunite(rx).unwrap();
            assert_eq!(ws.end(), ended);
            assert_eq!(peer.is_dropped(), seen_by != "nobody");
            match exec::run(ws.recv()) {
                Ok(None) => assert_ne!(seen_by, "sender"),
                Err(error) => assert!(error.is_timeout() && seen_by == "sender"),
                Ok(Some(_)) => panic!("a message"),
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
            let sent = exec::run(ws.send("late"));
            assert!(matches!(sent, Err(Error::Send(SendError::Closing))));
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn the_halves_know_what_was_agreed() {
    let (_tx, rx, _peer) = halves::<Scripted>(End::Client);
    assert_eq!(rx.protocol(), None);
    assert!(rx.extensions().is_empty());
    assert_eq!(rx.response().unwrap().status(), 101);
    let (_tx, rx, _peer) = halves::<Scripted>(End::Server);
    assert!(rx.response().is_none());
}

/// Pongs of the receiver may fill what the sender saw empty, so the room is a promise for one turn only.
#[test]
fn room_that_pongs_took_gives_the_message_back() {
    let config = Config::default().high_water_mark(100);
    let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(End::Server, &config);
    exec::run(tx.feed(&[0; 90])).unwrap();
    exec::run(tx.ready()).unwrap();
    peer.window(0);
    peer.push(
        [
            End::Server.peer().frame(PING, &[0; 125]),
            End::Server.peer().text("x"),
        ]
        .concat(),
    );
    let received = exec::run(rx.recv()).unwrap();
    assert_eq!(received, Some(Message::from("x")));
    match tx.try_send("back") {
        Ok(()) => {}
        Err(error @ TrySendError::Full(_)) => assert_eq!(error.into_message(), "back"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn polls_of_a_receiver_mean_what_recv_means() {
    let (_tx, mut rx, peer) = halves::<Scripted>(End::Server);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(rx.poll_recv(&mut cx).is_pending());
    peer.push(End::Server.peer().text("x"));
    match rx.poll_recv(&mut cx) {
        Poll::Ready(Ok(Some(message))) => assert_eq!(message, "x".into()),
        other => panic!("{other:?}"),
    }
}
