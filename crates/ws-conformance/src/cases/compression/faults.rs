//! 26.2 and 26.3: compressed messages with faults.

use super::blocks::{FINAL_HELLO, stored};
use super::{
    ANYTHING_ELSE, HELLO, RSV1, UNDECODABLE, cut, expect_no_wrong_echo, open, rules, text,
};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Rule;
use crate::dialogue::{Act, Miss};
use crate::wire::Frame;

const BITS: &str = "Compression: reserved bits";
const DATA: &str = "Compression: bytes that cannot be inflated";
const TEXT: &str = "Compression: UTF-8";
const FAILS: &str = "The testee fails the connection: it sends Close 1002, or ends TCP.";
/// A length of 5, and a complement of 0.
const WRONG_COMPLEMENT: &[u8] = b"\x00\x05\x00\x00\x00Hello\x00";
/// The lengths of codes have 19 codes of one bit each. There are only two codes of one bit.
const TOO_MANY_CODES: &[u8] = b"\x04\xe0\x93\x24\x49\x92\x24\x49\x92\x00";
/// A byte, and then a reference to four bytes, five bytes back.
const BEFORE_THE_START: &[u8] = b"\xf2\x00\x11\x00\x00";
/// A stored block that announces 1000 bytes and has five.
const CUT_OFF: &[u8] = b"\x00\xe8\x03\x17\xfcHello";
/// The byte 82 in a block with fixed codes. The compressed bytes are UTF-8.
const TEXT_WHILE_COMPRESSED: &[u8] = b"\x6a\x02\x00";
const GARBAGE: &[u8] = b"\xff\xff\xff";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = compressed_bit();
    cases.push(compressed_close());
    cases.extend(reserved_bits());
    cases.push(declined());
    cases.extend(undecodable());
    cases.extend(invalid_texts());
    cases.push(garbage());
    cases
}

fn compressed_bit() -> Vec<Case> {
    let rule = &rules::COMPRESSED_BIT;
    vec![
        breach(
            "26.2.1",
            rule,
            "a compressed text with RSV1 in both of its fragments",
            || {
                let [first, second] = [&HELLO[..3], &HELLO[3..]];
                vec![
                    text(first).unfinished(),
                    Frame::continuation(second).with_rsv(RSV1),
                ]
            },
        ),
        breach("26.2.2", rule, "a Ping with RSV1", || {
            vec![Frame::ping(HELLO).with_rsv(RSV1)]
        }),
        breach("26.2.5", rule, "a Pong with RSV1", || {
            vec![Frame::pong(HELLO).with_rsv(RSV1)]
        }),
        breach(
            "26.2.9",
            rule,
            "an uncompressed text with RSV1 in its second fragment",
            || {
                let second = Frame::continuation("second").with_rsv(RSV1);
                vec![Frame::text("first").unfinished(), second]
            },
        ),
    ]
}

/// Returns a case with a compressed Close. A testee that answers with its code has taken it for a
/// valid one.
fn compressed_close() -> Case {
    const CODE: u16 = 3000;
    let case = Case::new("26.2.6", Both, BITS, &rules::COMPRESSED_BIT, |peer| {
        open(peer)?;
        peer.send(Frame::close(CODE, b"").with_rsv(RSV1))?;
        match peer.next(peer.reply_time())? {
            Some(Act::Close(close)) if matches!(close.code, Some(1000 | CODE)) => {
                Miss::must("The testee answered the Close as if it were legal.")
            }
            act => peer.judge_fail(act, &[1002]),
        }
    });
    case.does("Agrees to compress, then sends a Close with RSV1 and code 3000.")
        .wants(FAILS)
}

fn reserved_bits() -> Vec<Case> {
    let rule = &rules::RESERVED_BITS;
    vec![
        breach("26.2.3", rule, "a text with RSV2", || {
            vec![Frame::text(HELLO).with_rsv(2)]
        }),
        breach("26.2.7", rule, "a text with RSV3", || {
            vec![Frame::text(HELLO).with_rsv(1)]
        }),
        breach("26.2.8", rule, "a text with RSV1, RSV2 and RSV3", || {
            vec![Frame::text(HELLO).with_rsv(7)]
        }),
        breach(
            "26.2.10",
            rule,
            "a compressed text with RSV2 in its second fragment",
            || {
                let mut frames = cut(&text(HELLO), &[3]);
                frames[1].rsv = 2;
                frames
            },
        ),
    ]
}

/// Returns a case with frames for which the testee has to fail the connection.
fn breach(id: &str, rule: &'static Rule, what: &str, frames: fn() -> Vec<Frame>) -> Case {
    let case = Case::new(id, Both, BITS, rule, move |peer| {
        open(peer)?;
        peer.send_together(&frames())?;
        peer.expect_fail(&[1002])
    });
    case.does(format!("Agrees to compress, then sends {what}."))
        .wants(FAILS)
}

fn declined() -> Case {
    let case = Case::new("26.2.4", Both, BITS, &rules::RESERVED_BITS, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(text(HELLO))?;
        peer.expect_fail(&[1002])
    });
    case.does("Sends a compressed text on a connection without compression.")
        .wants(FAILS)
        .see(&["RFC 7692 §6"])
}

fn undecodable() -> Vec<Case> {
    let case = |id, what, compressed: &'static [u8]| {
        refused(id, DATA, &rules::RECEIVE, UNDECODABLE, compressed)
            .does(format!("Sends a compressed text {what}."))
            .see(&["RFC 7692 §7.2.2", "RFC 1951 §3.2.3", "RFC 1951 §3.2.4"])
    };
    vec![
        case(
            "26.3.1",
            "with a block of type 3, which is an error",
            b"\x06",
        ),
        case(
            "26.3.2",
            "with a stored block whose length does not fit its complement",
            WRONG_COMPLEMENT,
        ),
        case(
            "26.3.3",
            "with more codes of a length than exist",
            TOO_MANY_CODES,
        ),
        case(
            "26.3.4",
            "with a reference to bytes before the first one",
            BEFORE_THE_START,
        ),
        case("26.3.5", "that ends within a block", CUT_OFF),
    ]
}

fn invalid_texts() -> Vec<Case> {
    let case = |id, compressed| {
        refused(id, TEXT, &rules::UTF8, &[1007], compressed).see(&["RFC 7692 §6.1"])
    };
    vec![
        case("26.3.6", [&*stored(b"a\xff\xfeb"), b"\x00"].concat())
            .does("Sends a compressed text that is not UTF-8."),
        case("26.3.7", TEXT_WHILE_COMPRESSED.into())
            .does("Sends a compressed text that is not UTF-8, although its compressed bytes are."),
    ]
}

/// Returns a case with a text that the testee cannot accept.
fn refused(
    id: &str,
    title: &'static str,
    rule: &'static Rule,
    codes: &'static [u16],
    compressed: impl Into<Vec<u8>>,
) -> Case {
    let compressed = compressed.into();
    let case = Case::new(id, Both, title, rule, move |peer| {
        open(peer)?;
        peer.send(text(&*compressed))?;
        peer.expect_fail(codes)
    });
    let codes = match codes {
        [code] => code.to_string(),
        _ => "1002, 1003, 1007, 1008 or 1011".to_owned(),
    };
    case.wants(format!(
        "The testee fails the connection: it sends Close {codes}, or ends TCP."
    ))
}

/// Most decoders end with the final block, and ignore the bytes after it.
fn garbage() -> Case {
    let case = Case::new("26.3.8", Both, DATA, &rules::NEXT_BLOCK, |peer| {
        open(peer)?;
        peer.send(text([FINAL_HELLO, GARBAGE].concat()))?;
        expect_no_wrong_echo(peer, "Hello")
    });
    case.does("Sends the text `Hello`, compressed to a final block, with garbage after it.")
        .wants(ANYTHING_ELSE)
        .see(&["RFC 7692 §7.2.2"])
}
