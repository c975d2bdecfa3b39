//! 23.3: opcodes, fragmentation and reserved bits.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Rule;
use crate::cases::fails::{expect_failure, fails, fails_with};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: opcodes, fragments, reserved bits";
const RESERVED: [u8; 10] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

pub(super) fn cases() -> Vec<Case> {
    let alone = RESERVED.into_iter().zip(1..).map(|(opcode, number)| {
        let which = format!("a frame with opcode {opcode}");
        let frames = move || vec![Frame::new(opcode, "Hello")];
        wrong(number, &which, &rules::OPCODE, frames)
    });
    let between = RESERVED.into_iter().zip(11..).map(|(opcode, number)| {
        let which = format!("a frame with opcode {opcode} between two fragments of a text");
        let frames = move || between_fragments(Frame::new(opcode, "Hello"));
        wrong(number, &which, &rules::OPCODE, frames)
    });
    let mut cases: Vec<_> = alone.chain(between).collect();
    cases.extend(fragments());
    cases.extend(control_frames());
    cases
}

fn fragments() -> Vec<Case> {
    let binary = || between_fragments(Frame::binary("Hello"));
    let text = || {
        vec![
            Frame::binary("Hel").unfinished(),
            Frame::text("Hello"),
            Frame::continuation("lo"),
        ]
    };
    let rule = &rules::INTERLEAVED;
    vec![
        wrong(
            21,
            "a binary message between two fragments of a text",
            rule,
            binary,
        ),
        wrong(
            22,
            "a text between two fragments of a binary message",
            rule,
            text,
        ),
        first_continuation(),
        wrong(
            29,
            "a continuation frame, although that message is complete",
            &rules::FIRST_FRAGMENT,
            || vec![Frame::continuation("Hello")],
        ),
    ]
}

/// Returns a case without a message before the frame, so that a testee cannot append the frame to a
/// message.
fn first_continuation() -> Case {
    let rule = &rules::FIRST_FRAGMENT;
    let case = Case::new("23.3.23", Both, TITLE, rule, |peer| {
        peer.open()?;
        let frames = [Frame::continuation("Hello")];
        peer.send_together(&frames)?;
        expect_failure(peer, rule.level, &frames, &[1002])
    });
    case.does("Sends a continuation frame as the first frame of the connection.")
        .wants(fails_with(&[1002]))
}

fn control_frames() -> Vec<Case> {
    let wrong = |number, which, rule, frame: fn() -> Frame| {
        wrong(number, which, rule, move || vec![frame()]).see(&["RFC 6455 §6.2"])
    };
    let fragmented = &rules::CONTROL_FRAME;
    let bits = &rules::RESERVED_BIT;
    vec![
        wrong(24, "a Ping without FIN", fragmented, || {
            Frame::ping("Hello").unfinished()
        }),
        wrong(25, "a Close without FIN", fragmented, || {
            Frame::close(1000, b"").unfinished()
        }),
        wrong(26, "a Ping with RSV1", bits, || {
            Frame::ping("Hello").with_rsv(4)
        }),
        wrong(27, "a Pong with RSV1", bits, || {
            Frame::pong("Hello").with_rsv(4)
        }),
        wrong(28, "a Close with RSV1", bits, || {
            Frame::close(1000, b"").with_rsv(4)
        }),
    ]
}

fn wrong(
    number: u8,
    which: &str,
    rule: &'static Rule,
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let id = format!("23.3.{number}");
    fails(&id, Both, TITLE, rule, &[1002], frames).does(format!(
        "Sends a message and waits for its echo. Then sends {which}."
    ))
}

fn between_fragments(frame: Frame) -> Vec<Frame> {
    vec![
        Frame::text("Hel").unfinished(),
        frame,
        Frame::continuation("lo"),
    ]
}
