//! Group 4: reserved opcodes.

use super::build::{HELLO, fail_after, frames, text_echo, then};
use crate::case::{Case, CaseId};
use crate::script::{Frame, Pacing, Payload};

pub(in crate::cases) fn cases() -> Vec<Case> {
    let data = (1..=5).map(|x| case(1, x, "Reserved data opcodes", 2 + x));
    let control = (1..=5).map(|x| case(2, x, "Reserved control opcodes", 10 + x));
    data.chain(control).collect()
}

fn case(second: u8, x: u8, title: &'static str, opcode: u8) -> Case {
    let payload = match x {
        1 | 3 => Payload::EMPTY,
        2 => Payload::text("reserved opcode payload"),
        _ => HELLO,
    };
    let alone = x <= 2;
    let pacing = if x == 5 {
        Pacing::Chop(1)
    } else {
        Pacing::Plain
    };
    let with = if payload.is_empty() {
        "without"
    } else {
        "with"
    };
    let frame = Frame::new(opcode, payload);
    let sent = match alone {
        true => vec![frame],
        false => vec![Frame::text(HELLO), frame, Frame::ping(Payload::EMPTY)],
    };
    let steps = then(frames(pacing, sent), fail_after(1000));
    let kinds: &[&str] = match second {
        1 => &["RFC 6455 §5.2", "RFC 6455 §5.6"],
        _ => &["RFC 6455 §5.2", "RFC 6455 §5.5"],
    };
    let case = Case::violation(CaseId::three(4, second, x), title, 1002, steps).see(kinds);
    let what = format!("a frame of the reserved opcode {opcode} {with} payload");
    if alone {
        case.expects(vec![]).says(
            format!("Sends {what}."),
            "The connection is failed at once.",
        )
    } else {
        let writes = if x == 5 {
            ", all in TCP writes of one byte"
        } else {
            ""
        };
        case.expects(vec![text_echo(HELLO)])
            .tolerates_no_echo()
            .says(
                format!("Sends a text message, then {what}, then a Ping{writes}."),
                "The text message comes back, then the connection is failed without a Pong. Not \
                 echoing the message is tolerated.",
            )
    }
}
