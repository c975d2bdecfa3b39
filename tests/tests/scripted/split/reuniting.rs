//! Reuniting halves, and the methods that a receiver shares with its connection.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ws_driver::Error;
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{End, Scripted, Shape};
use ws_tests::wire::{BINARY, PING, PONG, TEXT};

use super::{halves, payloads};

ws_tests::both_shapes! {
    halves_are_reunited,
    halves_that_wait_inside_messages_are_reunited,
    halves_of_two_connections_are_returned,
    halves_are_reunited_after_the_end,
}

fn halves_are_reunited<T: Shape>() {
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
            // The connection is split and reunited once more.
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

fn halves_that_wait_inside_messages_are_reunited<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        // One message is half received, and another message is half sent. A timeout runs, and both
        // halves wait.
        peer.window(7);
        let large: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
        let bytes = end.peer().frame(BINARY, &large);
        let (first, last) = bytes.split_at(40_000);
        peer.push(first);
        let mut task = Task::new();
        {
            let mut recv = pin!(rx.recv());
            let mut send = pin!(tx.send(&large));
            assert!(exec::settle(&mut task, send.as_mut()).is_pending());
            assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        }
        assert!(
            clock::timers() <= 2,
            "more than one timer for each direction"
        );
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
        let (message, ws) = receives.output().expect("the task was woken").unwrap();
        assert!(message.unwrap().as_bytes() == large);
        assert!(payloads(&peer.take_frames(), BINARY) == [&large[..]]);
        assert!(
            task.wakes() <= wakes + 1,
            "tasks that no longer wait are woken"
        );
        drop(ws);
        assert!(peer.is_dropped());
        assert_eq!(clock::timers(), 0);
    }
}

fn halves_of_two_connections_are_returned<T: Shape>() {
    let (tx, rx, peer) = halves::<T>(End::Server);
    let (other_tx, other_rx, other_peer) = halves::<T>(End::Client);
    let error = tx.reunite(other_rx).unwrap_err();
    assert!(error.to_string().contains("different connections"));
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

fn halves_are_reunited_after_the_end<T: Shape>() {
    for end in End::BOTH {
        for ended_by in ["receiver", "sender", "neither"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            match ended_by {
                "receiver" => {
                    peer.push(end.peer().close(1000, ""));
                    peer.end();
                    assert_eq!(exec::run(rx.recv()).unwrap(), None);
                }
                "sender" => {
                    let closed = exec::run(ws_tests::close_and_wait(
                        &mut tx,
                        ws_driver::CloseCode::NORMAL,
                        "",
                    ));
                    assert!(closed.unwrap_err().is_timeout());
                }
                _ => {
                    peer.push(end.peer().close(1000, ""));
                    peer.end();
                }
            }
            let ended = tx.end();
            // The timeout of a sender does not end the connection, because the peer's Close may
            // have arrived.
            assert_eq!(ended.is_some(), ended_by == "receiver");
            assert_eq!(ended, rx.end());
            let mut ws = tx.reunite(rx).unwrap();
            assert_eq!(ws.end(), ended);
            assert_eq!(peer.is_dropped(), ended_by == "receiver");
            match exec::run(ws.recv()) {
                Ok(None) => assert_ne!(ended_by, "sender"),
                Err(error) => assert!(error.is_timeout() && ended_by == "sender"),
                Ok(Some(_)) => panic!("a message was received"),
            }
            assert_eq!(exec::run(ws.recv()).unwrap(), None);
            let sent = exec::run(ws.send("late"));
            assert!(matches!(sent, Err(Error::Closed(_))));
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn a_receiver_returns_what_was_negotiated() {
    let (_tx, rx, _peer) = halves::<Scripted>(End::Client);
    assert_eq!(rx.protocol(), None);
    assert!(rx.extensions().is_empty());
    assert_eq!(rx.response().unwrap().status(), 101);
    let (_tx, rx, _peer) = halves::<Scripted>(End::Server);
    assert!(rx.response().is_none());
}

#[test]
fn poll_recv_of_a_receiver_behaves_like_recv() {
    let (_tx, mut rx, peer) = halves::<Scripted>(End::Server);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(rx.poll_recv(&mut cx).is_pending());
    peer.push(End::Server.peer().text("x"));
    match rx.poll_recv(&mut cx) {
        Poll::Ready(Ok(Some(message))) => assert_eq!(message, "x".into()),
        other => panic!("{other:?}"),
    }
}
