//! Group 2: Ping and Pong.

use super::build::{HELLO, close, close_after, fail_after, frames, then};
use crate::case::{Case, CaseId};
use crate::script::{Event, Frame, Pacing, Payload, Step};

const TITLE: &str = "Ping and pong";
const RULES: &[&str] = &["RFC 6455 §5.5.2", "RFC 6455 §5.5.3"];
const UNSOLICITED: Payload = Payload::text("unsolicited pong payload");
const ANSWERED: &str = "Pongs with the payloads of the Pings, in order.";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let longest = || Frame::ping(Payload::repeated(b"\xfe", 125));
    vec![
        answered(1, Frame::ping(Payload::EMPTY), "an empty Ping"),
        answered(2, Frame::ping(HELLO), "a Ping with a text as payload"),
        answered(
            3,
            Frame::ping(Payload::bytes(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")),
            "a Ping with a payload that is no UTF-8",
        ),
        answered(
            4,
            longest(),
            "a Ping of 125 bytes, the longest there may be",
        ),
        too_long(),
        chopped(6, vec![longest()], 2000).says(
            "Sends a Ping of 125 bytes in TCP writes of one byte.",
            ANSWERED,
        ),
        unsolicited(7, Payload::EMPTY),
        unsolicited(8, UNSOLICITED),
        unsolicited_then_ping(),
        many(10, Pacing::Plain).says("Sends ten Pings with different payloads.", ANSWERED),
        many(11, Pacing::Chop(1)).says(
            "Sends ten Pings with different payloads in TCP writes of one byte.",
            ANSWERED,
        ),
    ]
}

fn id(second: u8) -> CaseId {
    CaseId::two(2, second)
}

fn dialogue(second: u8, pacing: Pacing, sent: Vec<Frame>, millis: u64) -> Case {
    let pongs = sent.iter().filter(|frame| frame.opcode == 9);
    let pongs = pongs.map(|ping| Event::Pong(ping.payload.clone()));
    let expected = pongs.collect();
    let steps = then(frames(pacing, sent), close_after(millis));
    Case::steps(id(second), TITLE, steps)
        .see(RULES)
        .expects(expected)
}

fn answered(second: u8, sent: Frame, what: &str) -> Case {
    dialogue(second, Pacing::Plain, vec![sent], 1000).says(format!("Sends {what}."), ANSWERED)
}

fn chopped(second: u8, sent: Vec<Frame>, millis: u64) -> Case {
    dialogue(second, Pacing::Chop(1), sent, millis)
}

fn many(second: u8, pacing: Pacing) -> Case {
    let numbered = |n| Frame::ping(format!("payload-{n}"));
    dialogue(second, pacing, (0..10).map(numbered).collect(), 3000)
}

fn too_long() -> Case {
    let sent = Frame::ping(Payload::repeated(b"\xfe", 126));
    let steps = vec![Step::Frame(sent), fail_after(1000)];
    Case::violation(id(5), TITLE, 1002, steps)
        .see(RULES)
        .expects(vec![])
        .says(
            "Sends a Ping of 126 bytes, one more than a control frame may have.",
            "The connection is failed at once, without a Pong.",
        )
}

fn unsolicited(second: u8, payload: Payload) -> Case {
    let steps = vec![
        Step::Frame(Frame::pong(payload.clone())),
        close(1000, Payload::EMPTY),
        close_after(1000),
    ];
    let kind = if payload.is_empty() { "an empty" } else { "a" };
    Case::steps(id(second), TITLE, steps)
        .see(RULES)
        .without_automatic_close()
        .expects(vec![])
        .says(
            format!("Sends {kind} Pong that answers no Ping, then closes."),
            "No answer to the Pong; a clean close with code 1000.",
        )
}

fn unsolicited_then_ping() -> Case {
    let sent = vec![
        Frame::pong(UNSOLICITED),
        Frame::ping(Payload::text("ping payload")),
    ];
    dialogue(9, Pacing::Plain, sent, 1000).says(
        "Sends a Pong that answers no Ping, then a Ping.",
        "No answer to the Pong, a Pong for the Ping.",
    )
}
