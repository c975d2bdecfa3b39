//! Group 3: reserved bits without an extension.

use super::build::{HELLO, fail_after, frames, text_echo, then};
use crate::case::{Case, CaseId};
use crate::script::{Frame, Pacing, Payload};

const TITLE: &str = "RSV bits without extension";

pub(in crate::cases) fn cases() -> Vec<Case> {
    vec![
        alone(1, Frame::text(HELLO), "text"),
        between(2, Pacing::Plain, ""),
        between(3, Pacing::OwnWrite, ", each in a TCP write of its own"),
        between(4, Pacing::Chop(1), ", in TCP writes of one byte"),
        alone(
            5,
            Frame::binary(Payload::bytes(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")),
            "binary",
        ),
        alone(6, Frame::binary(HELLO), "binary"),
        alone(7, Frame::new(8, Payload::EMPTY), "Close"),
    ]
}

/// Returns a case: its number is also the value of the reserved bits.
fn case(rsv: u8, pacing: Pacing, sent: Vec<Frame>) -> Case {
    let steps = then(frames(pacing, sent), fail_after(1000));
    Case::violation(CaseId::two(3, rsv), TITLE, 1002, steps).see(&["RFC 6455 §5.2"])
}

fn alone(rsv: u8, frame: Frame, kind: &str) -> Case {
    case(rsv, Pacing::Plain, vec![frame.with_rsv(rsv)])
        .expects(vec![])
        .says(
            format!("Sends a {kind} frame whose reserved bits have the value {rsv}."),
            "The connection is failed at once: the bits are not zero and no extension was agreed on.",
        )
}

fn between(rsv: u8, pacing: Pacing, writes: &str) -> Case {
    let sent = vec![
        Frame::text(HELLO),
        Frame::text(HELLO).with_rsv(rsv),
        Frame::ping(Payload::EMPTY),
    ];
    case(rsv, pacing, sent)
        .expects(vec![text_echo(HELLO)])
        .tolerates_no_echo()
        .says(
            format!(
                "Sends a text message, then one whose reserved bits have the value {rsv}, then a \
                 Ping{writes}."
            ),
            "The first message comes back, then the connection is failed without a Pong. Not \
             echoing the first message is tolerated.",
        )
}
