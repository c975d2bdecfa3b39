//! A message becomes a value, or an error that holds the message.

use std::error::Error as _;
use std::io;

use serde::Deserialize;
use ws_driver::{Config, JsonError, Message, MessageRef};
use ws_tests::exec;
use ws_tests::scripted::{self, End};
use ws_tests::steps::assert_works;
use ws_tests::wire::{BINARY, CONTINUATION, TEXT};

use super::{ORDER, Order};

#[derive(Debug, PartialEq, Deserialize)]
struct Borrowed<'a> {
    item: &'a str,
}

#[test]
fn messages_of_both_kinds_are_parsed() {
    for end in End::BOTH {
        for opcode in [TEXT, BINARY] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(end.peer().frame(opcode, ORDER.as_bytes()).repeat(2));
            let message = exec::run(ws.recv()).unwrap().unwrap();
            assert_eq!(message.json::<Order>().unwrap(), Order::new());
            let (message, _) = exec::run(ws.recv_ref()).unwrap().unwrap();
            assert_eq!(message.json::<Order>().unwrap(), Order::new());
        }
    }
}

#[test]
fn values_borrow_from_the_message() {
    let (mut ws, peer) = scripted::server(&Config::default());
    let text = format!(r#"{{"item":"{}"}}"#, "x".repeat(100));
    peer.push(End::Server.peer().text(&text).repeat(2));
    let (message, _) = exec::run(ws.recv_ref()).unwrap().unwrap();
    let value: Borrowed<'_> = message.json().unwrap();
    assert_eq!(value.item.as_ptr(), message.as_bytes()[9..].as_ptr());
    let message = exec::run(ws.recv()).unwrap().unwrap();
    let value: Borrowed<'_> = message.json().unwrap();
    assert_eq!(value.item.as_ptr(), message.as_bytes()[9..].as_ptr());
}

#[test]
fn a_value_does_not_depend_on_how_its_message_is_split() {
    for end in End::BOTH {
        for cut in 0..=ORDER.len() {
            let (first, last) = ORDER.as_bytes().split_at(cut);
            let first = end.peer().fragment(TEXT, first);
            let frames = [first, end.peer().frame(CONTINUATION, last)].concat();
            for piece in [1, 3, frames.len()] {
                let (mut ws, peer) = end.open(&Config::default());
                peer.hesitate();
                peer.pieces(piece, usize::MAX);
                peer.push(frames.clone());
                let (message, _) = exec::run(ws.recv_ref()).unwrap().unwrap();
                assert_eq!(
                    message.json::<Order>().unwrap(),
                    Order::new(),
                    "cut at {cut}"
                );
            }
        }
    }
}

#[test]
fn a_large_value_is_parsed() {
    let value = vec![Order::new(); 100_000];
    let text = serde_json::to_string(&value).unwrap();
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.pieces(10_000, usize::MAX);
        peer.push(end.peer().text(&text));
        let (message, _) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert!(message.json::<Vec<Order>>().unwrap() == value);
    }
}

/// Returns messages that are not an [`Order`], each with a part of its error.
fn faults() -> Vec<(Message, &'static str)> {
    let text = |text: &str| Message::from(text);
    let nested = format!(r#"{{"item":{}"#, "[".repeat(1_000_000));
    vec![
        (text(""), "EOF while parsing"),
        (text("{"), "EOF while parsing"),
        (text("tea"), "expected"),
        (text(r#"{"item":"tea"}"#), "missing field `count`"),
        (text(r#"{"item":1,"count":2}"#), "invalid type"),
        (text(r#"{"item":"tea","count":-2}"#), "invalid value"),
        (text(r#"{"item":"tea","count":1e99}"#), "invalid type"),
        (text(&[ORDER, ORDER].concat()), "trailing characters"),
        (text(&["\u{feff}", ORDER].concat()), "expected value"),
        (text(&nested), "invalid type"),
        (
            Message::from(&b"{\"item\":\"\xff\",\"count\":2}"[..]),
            "invalid unicode",
        ),
        (Message::from(&b"\xff"[..]), "expected value"),
        (Message::from(&b""[..]), "EOF while parsing"),
    ]
}

fn assert_fault(result: Result<Order, JsonError>, message: &Message, part: &str) {
    let error = result.expect_err("the message is no order");
    assert!(error.to_string().contains(part), "{error}");
    assert!(error.message == *message, "{error}");
    assert!(error.source().unwrap().is::<serde_json::Error>());
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let error = error.downcast::<JsonError>().unwrap();
    assert!(error.message == *message, "{error}");
}

#[test]
fn an_error_holds_the_message_and_the_connection_continues() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        for (sent, part) in faults() {
            let opcode = if sent.is_text() { TEXT } else { BINARY };
            peer.push(end.peer().frame(opcode, sent.as_bytes()).repeat(2));
            let message = exec::run(ws.recv()).unwrap().unwrap();
            assert_fault(message.json(), &sent, part);
            assert!(message == sent);
            let (message, _) = exec::run(ws.recv_ref()).unwrap().unwrap();
            assert_fault(message.json(), &sent, part);
        }
        assert_works(&mut ws, end, &peer);
    }
}

/// Lists in lists.
#[derive(Debug, Deserialize)]
struct Nested(#[expect(dead_code, reason = "only its depth counts")] Vec<Self>);

#[test]
fn the_depth_of_a_value_is_bounded() {
    let nested = |depth| Message::from(["[".repeat(depth), "]".repeat(depth)].concat());
    nested(127).json::<Nested>().unwrap();
    for depth in [128, 1_000_000] {
        let error = nested(depth).json::<Nested>().unwrap_err();
        assert!(error.to_string().contains("recursion limit"), "{error}");
    }
}

#[test]
fn the_debug_output_of_an_error_has_no_payload() {
    let secret = r#"{"item":"secret","count":"secret"}"#;
    let error = MessageRef::Text(secret).json::<Order>().unwrap_err();
    let debug = format!("{error:?}");
    assert!(!debug.contains("secret"), "{debug}");
    assert!(
        debug.contains("Text(34 bytes)") && debug.contains("line: 1"),
        "{debug}"
    );
}
