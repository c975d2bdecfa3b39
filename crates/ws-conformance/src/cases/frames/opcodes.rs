//! 23.3: opcodes, fragmentation and reserved bits.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::wire::Frame;

const TITLE: &str = "Framing: opcodes, fragments, reserved bits";
const RESERVED: [u8; 10] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

pub(super) fn cases() -> Vec<Case> {
    let alone = RESERVED.into_iter().zip(1..).map(|(opcode, number)| {
        let frames = move || vec![Frame::new(opcode, "Hello")];
        wrong(
            &format!("23.3.{number}"),
            &format!("a frame with opcode {opcode}"),
            &["RFC 6455 §5.2"],
            frames,
        )
    });
    let between = RESERVED.into_iter().zip(11..).map(|(opcode, number)| {
        let frames = move || between_fragments(Frame::new(opcode, "Hello"));
        let sends = format!("a frame with opcode {opcode} between two fragments of a text");
        wrong(
            &format!("23.3.{number}"),
            &sends,
            &["RFC 6455 §5.2"],
            frames,
        )
    });
    let mut cases: Vec<_> = alone.chain(between).collect();
    cases.extend(fragments());
    cases.extend(control_frames());
    cases
}

#[rustfmt::skip]
fn fragments() -> Vec<Case> {
    const RULES: &[&str] = &["RFC 6455 §5.4"];
    vec![
        wrong("23.3.21", "a binary message between two fragments of a text", RULES, || between_fragments(Frame::binary("Hello"))),
        wrong("23.3.22", "a text between two fragments of a binary message", RULES, || {
            vec![Frame::binary("Hel").unfinished(), Frame::text("Hello"), Frame::continuation("lo")]
        }),
        first_continuation(),
    ]
}

#[rustfmt::skip]
fn control_frames() -> Vec<Case> {
    const FRAGMENTED: &[&str] = &["RFC 6455 §5.5"];
    const BITS: &[&str] = &["RFC 6455 §5.2"];
    vec![
        wrong("23.3.24", "a Ping without FIN", FRAGMENTED, || vec![Frame::ping("Hello").unfinished()]),
        wrong("23.3.25", "a Close without FIN", FRAGMENTED, || vec![Frame::close(1000, b"").unfinished()]),
        wrong("23.3.26", "a Ping with RSV1", BITS, || vec![Frame::ping("Hello").with_rsv(4)]),
        wrong("23.3.27", "a Pong with RSV1", BITS, || vec![Frame::pong("Hello").with_rsv(4)]),
        wrong("23.3.28", "a Close with RSV1", BITS, || vec![Frame::close(1000, b"").with_rsv(4)]),
    ]
}

fn wrong(
    id: &str,
    sends: &str,
    rules: &'static [&'static str],
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    fails(id, Both, TITLE, rules, &[1002], frames).does(format!(
        "Sends a message, which has to come back, then {sends}."
    ))
}

fn between_fragments(frame: Frame) -> Vec<Frame> {
    vec![
        Frame::text("Hel").unfinished(),
        frame,
        Frame::continuation("lo"),
    ]
}

/// No message goes before this one.
fn first_continuation() -> Case {
    let case = Case::new("23.3.23", Both, TITLE, &["RFC 6455 §5.4"], |peer| {
        peer.open()?;
        peer.send(Frame::continuation("Hello"))?;
        peer.expect_fail(&[1002])
    });
    case.does("Sends a continuation as the first frame of the connection.")
        .wants("The connection fails: Close 1002 or the end of TCP, nothing else.")
}
