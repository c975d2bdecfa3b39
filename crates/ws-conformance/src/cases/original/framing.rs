//! Group 1: frames of every length form.

use super::build::fail_after;
use crate::case::{Case, CaseId};
use crate::script::{Event, Frame, Pacing, Payload, Step};

/// Lengths around those at which the length field changes its form.
const LENGTHS: [usize; 8] = [0, 125, 126, 127, 128, 65535, 65536, 65536];

pub(in crate::cases) fn cases() -> Vec<Case> {
    let text = (1..=8).map(|x| case(1, x, "Text message sizes", b"*", Frame::text));
    let binary = (1..=8).map(|x| case(2, x, "Binary message sizes", b"\xfe", Frame::binary));
    text.chain(binary).collect()
}

fn case(
    second: u8,
    x: u8,
    title: &'static str,
    unit: &'static [u8],
    frame: fn(Payload) -> Frame,
) -> Case {
    let kind = if second == 1 { "text" } else { "binary" };
    let length = LENGTHS[usize::from(x) - 1];
    let payload = Payload::repeated(unit, length);
    let (pacing, writes) = match x {
        8 => (Pacing::Chop(997), " in TCP writes of 997 bytes"),
        _ => (Pacing::Plain, ""),
    };
    let limit = if x <= 5 { 1000 } else { 10_000 };
    let steps = vec![
        Step::Frame(frame(payload.clone()).paced(pacing)),
        fail_after(limit),
    ];
    let echo = Event::Message {
        binary: second == 2,
        payload,
    };
    Case::steps(CaseId::three(1, second, x), title, steps)
        .see(&["RFC 6455 §5.2", "RFC 6455 §5.6"])
        .expects(vec![echo])
        .says(
            format!("Sends a {kind} message of {length} bytes in one frame{writes}."),
            "The message comes back; then a clean close with code 1000.",
        )
}
