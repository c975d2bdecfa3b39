//! 23.1: lengths.

use crate::case::Roles::Both;
use crate::case::{Case, Rule};
use crate::cases::fails::{fails, fails_with};
use crate::dialogue::{Act, Miss};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: lengths";
const PING: u8 = 9;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = longer_forms();
    cases.extend([highest_bit(), longest()]);
    cases.extend(long_control_frames());
    cases
}

fn longer_forms() -> Vec<Case> {
    let hello = || Frame::text("Hello");
    let ping = || Frame::ping("Hello");
    vec![
        longer_form("23.1.1", "a text of 5 bytes", 16, hello),
        longer_form("23.1.2", "a text of 125 bytes", 16, || text(125)),
        longer_form("23.1.3", "a text of 5 bytes", 64, hello),
        longer_form("23.1.4", "a text of 65,535 bytes", 64, || text(65_535)),
        longer_form("23.1.7", "a Ping of 5 bytes", 16, ping),
        longer_form("23.1.10", "a Ping of 5 bytes", 64, ping),
    ]
}

/// The testee may accept the frame, because the rule binds the sender. It then has to read the
/// frame correctly.
fn longer_form(id: &str, which: &str, bits: u8, frame: fn() -> Frame) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::SHORTEST_LENGTH, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let frame = frame();
        let payload = frame.payload.as_bytes().to_vec();
        let accepted = match frame.opcode {
            PING => Act::Pong(payload),
            _ => Act::Message {
                binary: false,
                payload,
            },
        };
        peer.send(match bits {
            16 => frame.length_in_16_bits(),
            _ => frame.length_in_64_bits(),
        })?;
        let limit = peer.reply_time();
        match peer.next(limit)? {
            Some(act) if act == accepted => Miss::should("The testee accepted the frame."),
            act => peer.judge_fail(act, &[1002]),
        }
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends {which} with the length in {bits} bits."
    ))
    .wants(format!(
        "{} A testee that accepts the frame answers it correctly.",
        fails_with(&[1002])
    ))
}

/// Returns a case with the highest bit. A testee that ignores the rule finds the frame too long.
fn highest_bit() -> Case {
    announced("23.1.5", &rules::HIGHEST_BIT, 1 << 63).does(
        "Sends a message and waits for its echo. Then sends the header of a binary message with a \
         64-bit length whose highest bit is 1.",
    )
}

/// Returns a case with a valid length that exceeds the memory of every testee.
fn longest() -> Case {
    let case = announced("23.1.6", &rules::LIMIT, (1 << 63) - 1);
    case.see(&["RFC 6455 §5.2"]).does(
        "Sends a message and waits for its echo. Then sends the header of a binary message of \
         2^63-1 bytes.",
    )
}

fn announced(id: &str, rule: &'static Rule, len: u64) -> Case {
    let codes = &[1002, 1009];
    let case = Case::new(id, Both, TITLE, rule, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::binary("").announcing(len))?;
        let limit = peer.reply_time();
        match peer.next(limit)? {
            None => {
                // A Close would be a part of the payload.
                peer.shutdown();
                Miss::should("The testee waits for the rest.")
            }
            act => peer.judge_fail(act, codes),
        }
    });
    case.wants(fails_with(codes))
}

fn long_control_frames() -> Vec<Case> {
    let long = |id, which, frame: fn() -> Frame| {
        let frames = move || vec![frame()];
        let rule = &rules::CONTROL_FRAME;
        let case = fails(id, Both, TITLE, rule, &[1002], frames);
        case.see(&["RFC 6455 §6.2"]).does(format!(
            "Sends a message and waits for its echo. Then sends a {which} with a payload of 126 \
             bytes."
        ))
    };
    vec![
        long("23.1.8", "Ping", || Frame::ping([b'*'; 126])),
        long("23.1.9", "Close", || Frame::close(1000, &[b'*'; 124])),
    ]
}

fn text(len: usize) -> Frame {
    Frame::text(vec![b'*'; len])
}
