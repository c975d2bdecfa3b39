//! Halves of a connection that they drive: neither waits for an event that the other has seen.

use std::io::IoSlice;
use std::task::{Context, Poll};

use ws_driver::transport::{ReadHalf, Split, WriteHalf};
use ws_driver::{CloseCode, Message, Receiver, Sender};
use ws_h2::H2Transport;
use ws_tests::exec::{self, Order, Tasks, Wakes};
use ws_tests::http2::{self, MAX_WINDOW, Output, STREAM};
use ws_tests::scripted::{Fault, Scripted};

use super::{echoes, frames, open_alone, push_conversation};

type Transport = H2Transport<Scripted>;

async fn receive(rx: &mut Receiver<Transport>) -> Vec<Message> {
    let mut received = Vec::new();
    while let Ok(Some(message)) = rx.recv().await {
        received.push(message);
    }
    received
}

/// Sends messages until the connection closes. Returns the number of messages that were sent.
async fn send(tx: &mut Sender<Transport>, messages: Vec<Message>) -> usize {
    let mut sent = 0;
    for message in messages {
        if tx.send(message).await.is_err() {
            break;
        }
        sent += 1;
    }
    sent
}

#[test]
fn two_tasks_receive_and_send_at_the_same_time() {
    for order in Order::BOTH {
        for piece in [3, 100, 4096] {
            let (ws, peer) = open_alone(MAX_WINDOW);
            peer.hesitate();
            peer.pieces(piece, piece);
            let to_send = vec![Message::from("short"), vec![7; 50_000].into()];
            let (mut tx, mut rx) = ws.split();
            let messages = push_conversation(&peer);
            let mut tasks = Tasks::new(order);
            let sending = tasks.spawn(send(&mut tx, to_send.clone()));
            let receiving = tasks.spawn(receive(&mut rx));
            assert!(tasks.run(), "{order:?} in pieces of {piece}");
            assert!(receiving.output() == Some(messages));
            let sent = &to_send[..sending.output().unwrap()];
            drop(tasks);
            let mut ws = rx.reunite(tx).unwrap();
            exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
            let output = Output::parse(&peer.take_output());
            assert!(
                frames(&output) == echoes(sent),
                "{order:?} in pieces of {piece}"
            );
            assert_eq!((output.go_away, output.reset), (Some(0), None));
        }
    }
}

#[test]
fn two_tasks_survive_any_fault() {
    for order in Order::BOTH {
        for fault in [Fault::Fail, Fault::Shorten, Fault::Interrupt] {
            for at in 0.. {
                let context = format!("{order:?} {fault:?} {at}");
                let (ws, peer) = open_alone(MAX_WINDOW);
                let messages = push_conversation(&peer);
                peer.fault(at, fault);
                let (mut tx, mut rx) = ws.split();
                let mut tasks = Tasks::new(order);
                let receiving = tasks.spawn(receive(&mut rx));
                tasks.spawn(send(&mut tx, vec![vec![7; 50_000].into(); 3]));
                assert!(tasks.run(), "{context}: a task hangs");
                let received = receiving.output().unwrap();
                assert!(messages.starts_with(&received), "{context}");
                if fault != Fault::Fail {
                    assert!(received == messages, "{context}");
                }
                if peer.fault_waits() {
                    assert!(at > 10, "{context}");
                    break;
                }
            }
        }
    }
}

/// Returns the halves of a transport after the opening handshake.
fn halves(
    window: u32,
) -> (
    <Transport as Split>::ReadHalf,
    <Transport as Split>::WriteHalf,
    ws_tests::scripted::Peer,
) {
    let (ws, peer) = open_alone(window);
    let (transport, _) = ws.into_parts().expect("an idle connection");
    let (read, write) = transport.split();
    (read, write, peer)
}

fn poll_write<W: WriteHalf>(write: &mut W, cx: &mut Context<'_>, len: usize) -> Poll<usize> {
    let bytes = vec![7; len];
    let written = write.poll_write_vectored(cx, &[IoSlice::new(&bytes)]);
    written.map(|len| len.expect("a working transport"))
}

#[test]
fn a_blocked_writer_is_woken_if_a_read_sends_its_output() {
    let (mut read, mut write, peer) = halves(MAX_WINDOW);
    let (writes, writer) = Wakes::counter();
    let (_, reader) = Wakes::counter();
    let mut of_writer = Context::from_waker(&writer);
    peer.window(0);
    assert_eq!(poll_write(&mut write, &mut of_writer, 10), Poll::Ready(10));
    assert!(write.poll_flush(&mut of_writer).is_pending());
    // The transport forgets the waker of the writer, because the write of the reader succeeds.
    peer.delay_wakes();
    peer.window(usize::MAX);
    let mut of_reader = Context::from_waker(&reader);
    assert!(read.poll_read(&mut of_reader, &mut [0; 9]).is_pending());
    peer.deliver_wakes();
    assert_eq!(Output::parse(&peer.take_output()).data.len(), 10);
    assert!(writes.count() > 0, "the writer waits forever");
    assert!(write.poll_flush(&mut of_writer).is_ready());
}

#[test]
fn a_writer_is_woken_if_a_read_finds_its_window() {
    let (mut read, mut write, peer) = halves(0);
    let (writes, writer) = Wakes::counter();
    let (_, reader) = Wakes::counter();
    let mut of_writer = Context::from_waker(&writer);
    assert!(poll_write(&mut write, &mut of_writer, 10).is_pending());
    peer.delay_wakes();
    peer.push(http2::window_update(STREAM, 4));
    let mut of_reader = Context::from_waker(&reader);
    assert!(read.poll_read(&mut of_reader, &mut [0; 9]).is_pending());
    assert!(writes.count() > 0, "the writer waits forever");
    assert_eq!(poll_write(&mut write, &mut of_writer, 10), Poll::Ready(4));
}

#[test]
fn a_reader_is_woken_if_a_write_finds_its_data() {
    let (mut read, mut write, peer) = halves(MAX_WINDOW);
    let (reads, reader) = Wakes::counter();
    let (_, writer) = Wakes::counter();
    let mut of_reader = Context::from_waker(&reader);
    let mut buffer = [0; 9];
    assert!(read.poll_read(&mut of_reader, &mut buffer).is_pending());
    peer.delay_wakes();
    peer.push(http2::data(b"data"));
    let mut of_writer = Context::from_waker(&writer);
    assert!(poll_write(&mut write, &mut of_writer, 10).is_ready());
    assert!(write.poll_flush(&mut of_writer).is_ready());
    assert!(reads.count() > 0, "the reader waits forever");
    assert!(matches!(
        read.poll_read(&mut of_reader, &mut buffer),
        Poll::Ready(Ok(4))
    ));
}

#[test]
fn each_half_is_woken_if_the_other_finds_the_end() {
    let (mut read, mut write, peer) = halves(0);
    let (reads, reader) = Wakes::counter();
    let (writes, writer) = Wakes::counter();
    let mut of_reader = Context::from_waker(&reader);
    let mut of_writer = Context::from_waker(&writer);
    assert!(read.poll_read(&mut of_reader, &mut [0; 9]).is_pending());
    assert!(poll_write(&mut write, &mut of_writer, 10).is_pending());
    peer.end();
    let woken = (reads.count(), writes.count());
    assert!(woken.0 > 0 && woken.1 > 0, "{woken:?}");
    assert!(matches!(
        read.poll_read(&mut of_reader, &mut [0; 9]),
        Poll::Ready(Err(_))
    ));
    let slices = [IoSlice::new(b"late")];
    let written = write.poll_write_vectored(&mut of_writer, &slices);
    assert!(matches!(written, Poll::Ready(Err(_))), "{written:?}");
}

#[test]
fn a_task_is_not_woken_by_its_own_operations() {
    let (mut read, mut write, peer) = halves(MAX_WINDOW);
    let (wakes, waker) = Wakes::counter();
    let mut cx = Context::from_waker(&waker);
    let mut buffer = [0; 100];
    for round in 1..=5 {
        assert!(read.poll_read(&mut cx, &mut buffer).is_pending());
        peer.push(http2::data(b"ping"));
        assert_eq!(wakes.count(), round, "the input wakes the task once");
        assert!(matches!(
            read.poll_read(&mut cx, &mut buffer),
            Poll::Ready(Ok(4))
        ));
        assert_eq!(poll_write(&mut write, &mut cx, 4), Poll::Ready(4));
        assert!(write.poll_flush(&mut cx).is_ready());
    }
}
