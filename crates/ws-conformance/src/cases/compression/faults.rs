//! 26.2 and 26.3: what is wrong with compressed messages.

use super::messages::{HELLO, compressed, open};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::role::Role;
use crate::wire::Frame;

const BITS: &str = "Compression: reserved bits";
const DATA: &str = "Compression: octets that cannot be inflated";
const FAILS: &str = "The connection fails: Close 1002 or the end of TCP, nothing else.";
/// No code is for this alone.
const UNDECODABLE: &[u16] = &[1002, 1003, 1007, 1011];
/// A length of 5, and a complement that is none.
const WRONG_COMPLEMENT: &[u8] = b"\x00\x05\x00\x00\x00Hello\x00";
/// 19 codes of one bit each for the lengths of codes, where there is room for two.
const TOO_MANY_CODES: &[u8] = b"\x04\xe0\x93\x24\x49\x92\x24\x49\x92\x00";
/// One octet, then four octets from five before them.
const BEFORE_THE_START: &[u8] = b"\xf2\x00\x11\x00\x00";
/// A stored block of 1000 octets, of which five are there.
const CUT: &[u8] = b"\x00\xe8\x03\x17\xfcHello";
/// `a`, FF, FE, `b` in a stored block.
const NO_TEXT: &[u8] = b"\x00\x04\x00\xfb\xffa\xff\xfeb\x00";
/// The octet 82 in a block with fixed codes: UTF-8 as long as it is compressed.
const TEXT_WHILE_COMPRESSED: &[u8] = b"\x6a\x02\x00";
const FINAL_THEN_GARBAGE: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\xff\xff\xff";

/// Messages, each as frames.
type Messages = Vec<Vec<Frame>>;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = bits();
    cases.push(declined());
    cases.extend(data());
    cases
}

#[rustfmt::skip]
fn bits() -> Vec<Case> {
    const FIRST_ONLY: &[&str] = &["RFC 7692 §6.1"];
    const RESERVED: &[&str] = &["RFC 6455 §5.2"];
    let wrong = |id, what: &str, rules, messages: fn() -> Messages| {
        let case = Case::new(id, Both, BITS, rules, move |peer| each_fails(peer, &messages(), &[1002]));
        case.does(format!("Agrees to compress, then sends {what}.")).wants(FAILS)
    };
    vec![
        wrong("26.2.1", "a compressed text with RSV1 in both of its fragments", FIRST_ONLY, || {
            vec![vec![compressed(&HELLO[..3]).unfinished(), Frame::continuation(&HELLO[3..]).with_rsv(4)]]
        }),
        wrong("26.2.2", "a Ping with RSV1; to a server, over other connections, also a Pong and a Close", FIRST_ONLY, || {
            let frames = [Frame::ping(HELLO), Frame::pong(HELLO), Frame::close(1000, b"")];
            frames.map(|frame| vec![frame.with_rsv(4)]).into()
        }),
        wrong("26.2.3", "a text with RSV2; to a server, over other connections, also with RSV3 and with all bits", RESERVED, || {
            [2, 1, 7].map(|rsv| vec![Frame::text(HELLO).with_rsv(rsv)]).into()
        }),
    ]
}

/// Each of these is to fail a connection; a client comes for the first only.
fn each_fails(peer: &mut Peer<'_>, messages: &Messages, codes: &[u16]) -> Outcome {
    let mut outcome = passed("");
    for (number, message) in messages.iter().enumerate() {
        if number > 0 && peer.testee == Role::Client {
            break;
        }
        if number > 0 {
            peer.reconnect()?;
        }
        open(peer)?;
        peer.send_together(message)?;
        outcome = peer.expect_fail(codes);
    }
    outcome
}

fn declined() -> Case {
    let case = Case::new("26.2.4", Both, BITS, &["RFC 6455 §5.2"], |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(compressed(HELLO))?;
        peer.expect_fail(&[1002])
    });
    case.does("Sends a compressed text although the extension was not agreed to.")
        .wants(FAILS)
}

#[rustfmt::skip]
fn data() -> Vec<Case> {
    const INFLATED: &[&str] = &["RFC 7692 §7.2.2"];
    const TEXT: &[&str] = &["RFC 6455 §8.1", "RFC 7692 §6.2"];
    vec![
        undecodable("26.3.1", "with a block of type 3", INFLATED, UNDECODABLE, b"\x06"),
        undecodable("26.3.2", "with a stored block whose length does not fit its complement", INFLATED, UNDECODABLE, WRONG_COMPLEMENT),
        undecodable("26.3.3", "with more codes than there is room for", INFLATED, UNDECODABLE, TOO_MANY_CODES),
        undecodable("26.3.4", "with a reference to what was never there", INFLATED, UNDECODABLE, BEFORE_THE_START),
        undecodable("26.3.5", "that ends within a block", INFLATED, UNDECODABLE, CUT),
        undecodable("26.3.6", "that is no UTF-8", TEXT, &[1007], NO_TEXT),
        undecodable("26.3.7", "that is no UTF-8, but compressed to octets that are", TEXT, &[1007], TEXT_WHILE_COMPRESSED),
        undecodable("26.3.8", "`Hello` with garbage behind the last block of its stream", INFLATED, UNDECODABLE, FINAL_THEN_GARBAGE)
            .wants("The connection fails, or the garbage is ignored.")
            .informational(),
    ]
}

fn undecodable(
    id: &str,
    what: &str,
    rules: &'static [&'static str],
    codes: &'static [u16],
    octets: &'static [u8],
) -> Case {
    let case = Case::new(id, Both, DATA, rules, move |peer| {
        open(peer)?;
        peer.send(compressed(octets))?;
        peer.expect_fail(codes)
    });
    let codes: Vec<_> = codes.iter().map(u16::to_string).collect();
    let codes = codes.join(" or ");
    case.does(format!("Sends a compressed text {what}."))
        .wants(format!(
            "The connection fails: Close {codes} or the end of TCP, nothing else."
        ))
}
