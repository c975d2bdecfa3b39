//! Messages that take long to compress or decompress: the connection yields to other tasks, and no
//! message is lost.

use std::pin::pin;
use std::task::Poll;

use ws_driver::{CloseCode, Message, MessageKind};
use ws_tests::exec::{self, Task};
use ws_tests::pairs::{Place, compressing as open};
use ws_tests::scripted::{End, Peer};
use ws_tests::wire::PONG;

use super::{deflating, dense, length, sent_by};

/// The number of bytes that are compressed in one poll.
const TURN: usize = 256 * 1024;

/// Returns a message that is compressed in several polls.
fn long() -> String {
    "somebody said something; ".repeat(200_000)
}

/// Returns the number of polls that compress [`long`].
fn turns() -> usize {
    long().len().div_ceil(TURN)
}

/// Returns the messages that the other end decompresses from the bytes that were written since the
/// last call.
fn arrived(peer: &Peer, other: &mut Place) -> Vec<Message> {
    let (ws, transport) = other;
    transport.push(peer.take_output());
    let mut messages = Vec::new();
    while let Poll::Ready(Ok(Some(received))) = exec::attempt(ws.recv()) {
        messages.push(received);
    }
    messages
}

#[test]
fn decompressing_a_long_message_yields_to_other_tasks() {
    const LEN: usize = 8 << 20;
    for end in End::BOTH {
        for way in 0..3 {
            let (mut ours, mut theirs) = open(end, &deflating(), &dense());
            let bytes = sent_by(&mut theirs, &[Message::from(vec![0; LEN])]);
            assert!(bytes.len() < 10_000, "{}", bytes.len());
            let (ws, peer) = &mut ours;
            peer.push(bytes);
            let mut task = Task::new();
            let mut receiving = pin!(length(ws, way));
            let mut turns = 0;
            let len = loop {
                match task.poll(receiving.as_mut()) {
                    Poll::Ready(len) => break len.unwrap(),
                    Poll::Pending => {
                        assert!(task.is_woken(), "{end:?} {way}: the task is not woken");
                        turns += 1;
                    }
                }
            };
            assert_eq!(len, LEN);
            assert!((8..1000).contains(&turns), "{end:?} {way}: {turns} turns");
        }
    }
}

#[test]
fn the_other_half_can_send_while_a_long_message_is_decompressed() {
    for end in End::BOTH {
        let ((ws, peer), mut other) = open(end, &deflating(), &dense());
        let (mut tx, mut rx) = ws.split();
        peer.push(sent_by(&mut other, &[Message::from(vec![0; 8 << 20])]));
        let mut task = Task::new();
        let mut sent = 0;
        let message = {
            let mut receiving = pin!(rx.recv());
            loop {
                if let Poll::Ready(received) = task.poll(receiving.as_mut()) {
                    break received.unwrap().expect("a message");
                }
                assert!(task.is_woken(), "{end:?}: the task is not woken");
                let text = format!("between {sent}");
                exec::expect_ready(exec::glance(tx.send(&text))).unwrap();
                let (other_ws, other_peer) = &mut other;
                other_peer.push(peer.take_output());
                let arrived = exec::expect_ready(exec::attempt(other_ws.recv()));
                assert_eq!(arrived.unwrap(), Some(Message::from(text)));
                sent += 1;
            }
        };
        assert!(message.as_bytes() == vec![0; 8 << 20]);
        assert!(sent >= 8, "{end:?}: {sent}");
    }
}

#[test]
fn compressing_a_long_message_yields_to_other_tasks() {
    for end in End::BOTH {
        let ((mut ws, peer), mut other) = open(end, &deflating(), &deflating());
        let text = long();
        {
            let mut sending = pin!(ws.send(&text));
            let mut task = Task::new();
            for turn in 1..turns() {
                assert!(task.poll(sending.as_mut()).is_pending(), "{end:?}: {turn}");
                assert!(task.is_woken(), "{end:?}: {turn}");
            }
            exec::expect_ready(task.poll(sending.as_mut())).unwrap();
        }
        assert!(arrived(&peer, &mut other) == [Message::from(text)]);
    }
}

#[test]
fn a_long_message_whose_send_was_dropped_is_sent_by_the_next_operation() {
    for end in End::BOTH {
        for next in ["flush", "recv", "send", "close", "drive"] {
            let ((mut ws, peer), mut other) = open(end, &deflating(), &deflating());
            assert!(exec::glance(ws.send(&long())).is_pending());
            assert_eq!(peer.output_len(), 0);
            match next {
                "flush" => exec::expect_ready(exec::attempt(ws.flush())).unwrap(),
                "recv" => assert!(exec::attempt(ws.recv()).is_pending()),
                "send" => exec::expect_ready(exec::attempt(ws.send("next"))).unwrap(),
                "close" => assert!(exec::attempt(ws.close(CloseCode::NORMAL, "")).is_pending()),
                _ => assert!(exec::attempt(ws.drive()).is_pending()),
            }
            let messages = arrived(&peer, &mut other);
            assert!(messages[0] == Message::from(long()), "{end:?} {next}");
            assert_eq!(messages.len(), 1 + usize::from(next == "send"), "{next}");
        }
    }
}

#[test]
fn long_messages_keep_their_order() {
    for end in End::BOTH {
        let ((mut ws, peer), mut other) = open(end, &deflating(), &deflating());
        exec::run(async {
            ws.feed(&long()).await.unwrap();
            ws.feed("short").await.unwrap();
            let mut writer = ws.writer(MessageKind::Text).unwrap();
            writer.write(&long()).await.unwrap();
            writer.write(&long()).await.unwrap();
            writer.finish().await.unwrap();
            ws.send(Message::from(long())).await.unwrap();
        });
        let expected = [long(), "short".into(), long() + &long(), long()];
        assert!(
            arrived(&peer, &mut other) == expected.map(Message::from),
            "{end:?}"
        );
    }
}

#[test]
fn a_waiting_receiver_compresses_a_message_that_the_sender_fed() {
    for end in End::BOTH {
        let ((ws, peer), mut other) = open(end, &deflating(), &deflating());
        let (mut tx, mut rx) = ws.split();
        let mut task = Task::new();
        let mut receiving = pin!(rx.recv());
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        exec::expect_ready(exec::attempt(tx.feed(&long()))).unwrap();
        assert!(task.is_woken(), "{end:?}: the task is not woken");
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        assert!(arrived(&peer, &mut other) == [Message::from(long())]);
    }
}

#[test]
fn pings_are_answered_while_a_long_message_is_compressed() {
    let ((mut ws, peer), (mut other, transport)) = open(End::Server, &deflating(), &deflating());
    assert!(exec::glance(ws.send(&long())).is_pending());
    exec::expect_ready(exec::attempt(other.send("are you there?"))).unwrap();
    assert!(exec::attempt(other.ping()).is_pending());
    peer.push(transport.take_output());
    let received = exec::expect_ready(exec::glance(ws.recv())).unwrap();
    assert_eq!(received, Some(Message::from("are you there?")));
    assert!(exec::glance(ws.recv()).is_pending());
    let first = peer.take_frames().remove(0);
    assert_eq!(first.opcode(), PONG);
}
