//! The contract of sending: a message is sent once or not at all.

use std::pin::pin;

use ws_driver::{Config, Error, Message, TryFeedError};
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Scripted, Shape};
use ws_tests::steps::opcodes;
use ws_tests::wire::{BINARY, PING, PONG, TEXT};

use super::{Halves, fill, halves, payloads};

ws_tests::both_shapes! {
    send_dropped_after_any_number_of_polls_has_sent_the_message_once,
    a_future_dropped_while_it_waits_for_room_sends_nothing,
    ready_then_try_feed_dropped_at_every_await_never_loses_a_message,
    feed_waits_for_room_and_is_woken,
    messages_fed_without_a_receiver_are_written_by_flush,
}

/// Returns halves over a slow transport. Each operation is pending once, and then moves at most
/// `piece` bytes.
fn reluctant<T: Shape>(end: End, piece: usize) -> Halves<T> {
    let halves = halves(end);
    halves.2.hesitate();
    halves.2.pieces(piece, piece);
    halves
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

fn a_future_dropped_while_it_waits_for_room_sends_nothing<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.window(0);
        let queued = fill(&mut tx);
        assert_eq!(queued, 7, "room did not end at 64 KiB");
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
        // The receiver writes the messages that the sender queued.
        assert!(exec::attempt(rx.recv()).is_pending());
        let frames = peer.take_frames();
        assert_eq!(frames.len(), queued);
        assert_eq!(payloads(&frames, BINARY), vec![&[0x55; 10_000][..]; queued]);
    }
}

fn ready_then_try_feed_dropped_at_every_await_never_loses_a_message<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = reluctant::<T>(end, 5000);
            let mut tasks = Tasks::new(order);
            let sends = tasks.spawn(async move {
                for number in 0..100_u8 {
                    exec::afresh(&mut tx, async |tx| tx.ready().await).await?;
                    let sent = tx.try_feed(vec![number; 9000]);
                    assert!(sent.is_ok(), "no room for {number}");
                }
                exec::afresh(&mut tx, async |tx| tx.flush().await).await?;
                Ok::<_, Error>(tx)
            });
            let receives = tasks.spawn(exec::afresh(&mut rx, async |rx| rx.recv().await));
            tasks.settle();
            let _tx = sends.output().expect("a result of the sender").unwrap();
            assert!(receives.output().is_none());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 100);
            for (number, frame) in frames.iter().enumerate() {
                assert_eq!(frame.whole(), (BINARY, &[number as u8; 9000][..]));
            }
        }
    }
}

fn feed_waits_for_room_and_is_woken<T: Shape>() {
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

fn messages_fed_without_a_receiver_are_written_by_flush<T: Shape>() {
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
            assert_eq!(opcodes(&peer.take_frames()), [TEXT, PING, PONG]);
            // `send` also works for more bytes than the transport takes at once.
            peer.window(10);
            let mut tasks = Tasks::new(Order::Oldest);
            let sends = tasks.spawn(async move { tx.send(&[7; 100_000][..]).await.map(|()| tx) });
            tasks.settle();
            assert!(sends.output().is_none());
            peer.window(usize::MAX);
            tasks.settle();
            let _tx = sends.output().expect("the sender was woken").unwrap();
            assert_eq!(peer.take_frames().len(), 1);
            drop(rx);
        }
    }
}

/// The Pongs of the receiver may take the room between `ready` and `try_feed`.
#[test]
fn try_feed_returns_the_message_if_pongs_took_the_room() {
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
    match tx.try_feed("back") {
        Ok(()) => {}
        Err(error @ TryFeedError::Full(_)) => assert_eq!(error.into_message(), "back"),
        Err(error) => panic!("{error}"),
    }
}
