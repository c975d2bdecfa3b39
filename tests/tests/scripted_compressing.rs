//! Messages that take long to compress: others get their turn, and nothing is lost.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;

use ws_driver::{CloseCode, Config, DeflateConfig, Message, MessageKind};
use ws_tests::exec::{self, Task};
use ws_tests::pairs::{self, Place};
use ws_tests::scripted::{End, Peer};

/// Octets that are compressed in one turn.
const TURN: usize = 256 * 1024;

fn long() -> String {
    "somebody said something; ".repeat(200_000)
}

fn turns() -> usize {
    long().len().div_ceil(TURN)
}

fn open(end: End) -> (Place, Place) {
    let config = Config::default().deflate(DeflateConfig::default());
    pairs::compressing(end, &config, &config)
}

/// What the other end makes of all that has left.
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
fn a_long_message_gives_others_their_turn() {
    for end in End::BOTH {
        let ((mut ws, peer), mut other) = open(end);
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
fn a_long_message_whose_send_was_dropped_is_sent_by_what_comes_next() {
    for end in End::BOTH {
        for next in ["flush", "recv", "send", "close", "drive"] {
            let ((mut ws, peer), mut other) = open(end);
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
fn long_messages_one_after_the_other_keep_their_order() {
    for end in End::BOTH {
        let ((mut ws, peer), mut other) = open(end);
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
fn a_sender_that_gave_up_leaves_the_work_to_the_receiver() {
    for end in End::BOTH {
        let ((ws, peer), mut other) = open(end);
        let (mut tx, mut rx) = ws.split();
        let mut task = Task::new();
        let mut receiving = pin!(rx.recv());
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        exec::expect_ready(exec::attempt(tx.feed(&long()))).unwrap();
        assert!(task.is_woken(), "{end:?}: nobody goes on");
        assert!(exec::settle(&mut task, receiving.as_mut()).is_pending());
        assert!(arrived(&peer, &mut other) == [Message::from(long())]);
    }
}

#[test]
fn pings_are_answered_while_a_long_message_is_compressed() {
    let ((mut ws, peer), (mut other, transport)) = open(End::Server);
    assert!(exec::glance(ws.send(&long())).is_pending());
    exec::expect_ready(exec::attempt(other.send("are you there?"))).unwrap();
    assert!(exec::attempt(other.ping()).is_pending());
    peer.push(transport.take_output());
    let received = exec::expect_ready(exec::glance(ws.recv())).unwrap();
    assert_eq!(received, Some(Message::from("are you there?")));
    assert!(exec::glance(ws.recv()).is_pending());
    let first = peer.take_frames().remove(0);
    assert_eq!(first.opcode(), ws_tests::wire::PONG);
}
