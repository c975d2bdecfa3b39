//! A value becomes one text message, or nothing is queued.

use std::cell::RefCell;
use std::error::Error as _;
use std::io;
use std::task::Poll;

use ws_driver::{CloseCode, Config, Error};
use ws_tests::exec::{self, attempt};
use ws_tests::pairs;
use ws_tests::scripted::{self, End, Op, Peer, Shape};
use ws_tests::steps::{assert_works, is_closing};
use ws_tests::wire::TEXT;

use super::{ORDER, Order, unserializable};

ws_tests::both_shapes! {
    senders_send_values,
    a_sender_queues_nothing_if_a_value_cannot_be_serialized,
}

/// Takes the frames that were written, as opcode and text.
fn written(peer: &Peer) -> Vec<(u8, String)> {
    let frames = peer.take_frames();
    let text = |payload: &[u8]| String::from_utf8(payload.into()).unwrap();
    frames
        .iter()
        .map(|frame| (frame.opcode(), text(frame.whole().1)))
        .collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<(u8, String)> {
    texts.map(|text| (TEXT, text.to_owned())).into()
}

#[test]
fn connections_send_values() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.send_json(&Order::new())).unwrap();
        assert_eq!(written(&peer), texts([ORDER]));
        exec::run(ws.feed_json(&Order::new())).unwrap();
        exec::run(ws.feed_json("text")).unwrap();
        exec::run(ws.feed_json(&[1, 2][..])).unwrap();
        assert_eq!(peer.output_len(), 0);
        exec::run(ws.flush()).unwrap();
        assert_eq!(written(&peer), texts([ORDER, r#""text""#, "[1,2]"]));
    }
}

#[test]
fn outboxes_send_values_that_borrow_from_the_message() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().text(r#""name""#));
        exec::run(async {
            let (message, out) = ws.recv_ref().await.unwrap().unwrap();
            let name: &str = message.json().unwrap();
            out.feed_json(&[name]).await.unwrap();
            out.send_json(&(name, 1)).await.unwrap();
        });
        assert_eq!(written(&peer), texts([r#"["name"]"#, r#"["name",1]"#]));
    }
}

fn senders_send_values<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        exec::run(tx.send_json(&Order::new())).unwrap();
        exec::run(tx.feed_json(&true)).unwrap();
        // The receiver writes what was fed.
        assert!(attempt(rx.recv()).is_pending());
        assert_eq!(written(&peer), texts([ORDER, "true"]));
    }
}

fn assert_serialize(result: Result<(), Error>) {
    let error = result.expect_err("the value has a key that is no string");
    assert!(matches!(error, Error::Serialize(_)), "{error:?}");
    assert!(error.to_string().contains("key must be a string"));
    assert!(error.source().unwrap().is::<serde_json::Error>());
    assert!(error.is_caller_fault() && !error.is_disconnect());
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn nothing_is_queued_if_a_value_cannot_be_serialized() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        let bad = unserializable();
        assert_serialize(exec::run(ws.send_json(&bad)));
        assert_serialize(exec::run(ws.feed_json(&bad)));
        // A part of this value could have been written.
        assert_serialize(exec::run(ws.send_json(&("x".repeat(100_000), &bad))));
        assert_eq!(scripted::queued(&ws), 0);
        assert_works(&mut ws, end, &peer);

        peer.push(end.peer().text("message"));
        exec::run(async {
            let (_, out) = ws.recv_ref().await.unwrap().unwrap();
            assert_serialize(out.send_json(&bad).await);
            assert_serialize(out.feed_json(&bad).await);
        });
        assert_works(&mut ws, end, &peer);
    }
}

fn a_sender_queues_nothing_if_a_value_cannot_be_serialized<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, _rx, peer) = scripted::halves::<T>(end, &Config::default());
        assert_serialize(exec::run(tx.send_json(&unserializable())));
        assert_serialize(exec::run(tx.feed_json(&unserializable())));
        exec::run(tx.send_json(&1)).unwrap();
        assert_eq!(written(&peer), texts(["1"]));
    }
}

#[test]
fn a_value_that_cannot_be_serialized_is_reported_without_waiting_for_room() {
    let (mut ws, peer) = scripted::server(&Config::default().high_water_mark(1));
    peer.window(0);
    exec::run(ws.feed("queued")).unwrap();
    assert!(attempt(ws.feed_json(&1)).is_pending());
    let Poll::Ready(refused) = attempt(ws.feed_json(&unserializable())) else {
        panic!("waits for room");
    };
    assert_serialize(refused);
}

#[test]
fn a_value_on_a_closing_connection_is_an_error() {
    for end in End::BOTH {
        let (mut ws, _peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        let results = [exec::run(ws.send_json(&1)), exec::run(ws.feed_json(&1))];
        for result in results {
            assert!(is_closing(&result), "{result:?}");
            assert!(!result.unwrap_err().is_caller_fault());
        }
    }
}

#[test]
fn a_future_that_is_dropped_before_there_is_room_sends_nothing() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default().high_water_mark(1));
        peer.window(0);
        exec::run(ws.feed_json("queued")).unwrap();
        assert!(attempt(ws.feed_json("dropped")).is_pending());
        assert!(attempt(ws.send_json("dropped")).is_pending());
        drop(ws.send_json("never polled"));
        peer.window(usize::MAX);
        exec::run(ws.send_json("last")).unwrap();
        assert_eq!(written(&peer), texts([r#""queued""#, r#""last""#]));
    }
}

#[test]
fn the_future_does_not_borrow_the_value() {
    fn require_send<F: Send>(future: F) -> F {
        future
    }

    let (mut ws, peer) = scripted::server(&Config::default());
    let value = Box::new(RefCell::new(1));
    let sending = require_send(ws.send_json(&value));
    *value.borrow_mut() = 2;
    drop(value);
    exec::run(sending).unwrap();
    assert_eq!(written(&peer), texts(["1"]));
}

#[test]
fn a_large_value_is_written_from_its_own_memory() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let value = vec!["long"; 100_000];
    exec::run(ws.send_json(&value)).unwrap();
    let log = peer.take_log();
    let len = 100_000 * 7 + 1 + 10;
    assert_eq!(log, [Op::Write { len, slices: 2 }, Op::Flush]);
    let frames = peer.take_frames();
    assert!(serde_json::from_slice::<Vec<&str>>(&frames[0].payload).unwrap() == value);
}

#[test]
fn a_value_is_sent_once_however_the_transport_splits_it() {
    for end in End::BOTH {
        for len in 1..40 {
            let (mut ws, peer) = end.open(&Config::default());
            peer.hesitate();
            peer.pieces(len, len);
            exec::run(async {
                ws.feed_json(&Order::new()).await.unwrap();
                ws.send_json(&Order::new()).await.unwrap();
            });
            assert_eq!(written(&peer), texts([ORDER, ORDER]));
        }
    }
}

#[test]
fn values_are_compressed_as_other_messages_are() {
    let config = Config::default().deflate(ws_driver::DeflateConfig::default());
    for end in End::BOTH {
        let (mut ours, mut theirs) = pairs::compressing(end, &config, &config);
        let value = vec![Order::new(); 1_000];
        exec::run(ours.0.send_json(&value)).unwrap();
        let sent = ours.1.take_output();
        assert!(sent.len() < 1_000, "{}", sent.len());
        theirs.1.push(sent);
        let message = exec::run(theirs.0.recv()).unwrap().unwrap();
        assert!(message.json::<Vec<Order>>().unwrap() == value);
    }
}
