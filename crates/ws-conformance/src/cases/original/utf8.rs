//! Group 6: text that is UTF-8, and text that is not.

use std::time::Duration;

use super::build::{close_after, fail_after, frames, message, text_echo, then};
use super::utf8_samples::{KOSME, families};
use crate::case::{Case, CaseId};
use crate::script::{Event, Frame, Pacing, Payload, Step};

const INVALID: &[&str] = &["RFC 6455 §8.1", "RFC 3629 §3"];
const SAMPLES: &[&str] = &["RFC 6455 §5.6", "RFC 6455 §8.1", "RFC 3629 §4"];
const ECHOED: &str = "The message comes back; then a clean close with code 1000.";
const REFUSED: &str = "The connection is failed with code 1007, without an echo.";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = empty_fragments();
    cases.extend(fragmented());
    cases.extend(invalid_fragmented());
    cases.extend((1..=4).map(fail_fast));
    for (second, family) in (5..).zip(families()) {
        for (third, bytes) in (1..).zip(family.sequences) {
            let id = CaseId::three(6, second, third);
            cases.push(sample(id, family.title, bytes));
        }
    }
    cases
}

fn id(second: u8, third: u8) -> CaseId {
    CaseId::three(6, second, third)
}

fn empty_fragments() -> Vec<Case> {
    let middle = Payload::text("middle frame payload");
    let three = |middle| {
        vec![
            Frame::text(Payload::EMPTY).unfinished(),
            Frame::continuation(middle).unfinished(),
            Frame::continuation(Payload::EMPTY),
        ]
    };
    let case = |third, sent, echo, what| {
        let steps = then(frames(Pacing::Plain, sent), close_after(1000));
        Case::steps(id(1, third), "Text with empty fragments", steps)
            .see(&["RFC 6455 §5.4", "RFC 6455 §5.6"])
            .expects(vec![text_echo(echo)])
            .says(what, ECHOED)
    };
    vec![
        case(
            1,
            vec![Frame::text(Payload::EMPTY)],
            Payload::EMPTY,
            "Sends an empty text message.",
        ),
        case(
            2,
            three(Payload::EMPTY),
            Payload::EMPTY,
            "Sends an empty text message in three fragments.",
        ),
        case(
            3,
            three(middle.clone()),
            middle,
            "Sends a text message in three fragments of which the first and the last are empty.",
        ),
    ]
}

/// Returns a message in frames of one byte.
fn byte_by_byte(payload: Payload) -> Vec<Step> {
    vec![Step::Message {
        binary: false,
        payload,
        fragment: Some(1),
    }]
}

fn fragmented() -> Vec<Case> {
    const WHOLE: &str = "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!";
    let (first, last) = WHOLE.split_at(15);
    let whole = Payload::text(WHOLE);
    let halves = vec![
        Frame::text(Payload::from(first.as_bytes().to_vec())).unfinished(),
        Frame::continuation(Payload::from(last.as_bytes().to_vec())),
    ];
    let case = |third, steps, echo, how| {
        let title = "Valid text, several fragmentations";
        Case::steps(id(2, third), title, then(steps, close_after(1000)))
            .see(&["RFC 6455 §5.4", "RFC 6455 §5.6", "RFC 6455 §8.1"])
            .expects(vec![text_echo(echo)])
            .says(format!("Sends a valid text message {how}."), ECHOED)
    };
    vec![
        case(
            1,
            vec![message(false, whole.clone())],
            whole.clone(),
            "in one frame",
        ),
        case(
            2,
            frames(Pacing::Plain, halves),
            whole.clone(),
            "in two fragments, cut between two characters",
        ),
        case(
            3,
            byte_by_byte(whole.clone()),
            whole,
            "in fragments of one byte, which cut characters",
        ),
        case(
            4,
            byte_by_byte(Payload::text(KOSME)),
            Payload::text(KOSME),
            "of nothing but longer characters in fragments of one byte",
        ),
    ]
}

fn invalid_fragmented() -> Vec<Case> {
    let surrogate = [KOSME.as_bytes(), b"\xed\xa0\x80", b"edited"].concat();
    let payload = Payload::from(surrogate);
    let case = |third, steps, how| {
        let title = "Invalid text, several fragmentations";
        Case::violation(id(3, third), title, 1007, then(steps, fail_after(1000)))
            .see(INVALID)
            .expects(vec![])
            .says(
                format!("Sends a text message with a surrogate in it {how}."),
                REFUSED,
            )
    };
    vec![
        case(1, vec![message(false, payload.clone())], "in one frame"),
        case(2, byte_by_byte(payload), "in fragments of one byte"),
    ]
}

/// Returns the text with U+110000, one more than there is, cut into three parts: 6.4.1 and 6.4.3
/// cut before that character, 6.4.2 and 6.4.4 around the byte that makes it impossible.
fn fail_fast(third: u8) -> Case {
    let whole = [KOSME.as_bytes(), b"\xf4\x90\x80\x80", b"edited"].concat();
    let cuts = if third % 2 == 1 { [11, 15] } else { [12, 13] };
    let [first, second, last] = [
        &whole[..cuts[0]],
        &whole[cuts[0]..cuts[1]],
        &whole[cuts[1]..],
    ]
    .map(|part| Payload::from(part.to_vec()));
    let mut steps = if third <= 2 {
        vec![
            Step::Frame(Frame::text(first).unfinished()),
            wait("A"),
            Step::Frame(Frame::continuation(second).unfinished()),
            wait("B"),
            Step::Frame(Frame::continuation(last)),
        ]
    } else {
        vec![
            Step::TextHeader { len: whole.len() },
            Step::Streamed(first),
            wait("A"),
            Step::Streamed(second),
            wait("B"),
            Step::Streamed(last),
            Step::Frame(Frame::new(0, Payload::EMPTY)),
        ]
    };
    steps.push(fail_after(1000));
    let parts = if third <= 2 {
        "three fragments"
    } else {
        "three pieces of one frame"
    };
    let title = "Invalid text, fail-fast timing";
    Case::violation(id(4, third), title, 1007, steps)
        .see(INVALID)
        .expects(vec![Event::WaitOver("A")])
        .tolerates(vec![Event::WaitOver("A"), Event::WaitOver("B")])
        .says(
            format!(
                "Sends a text message in {parts}, one second apart; byte 12, in the second, \
                 makes it invalid."
            ),
            "The connection is failed with code 1007 as soon as the second part arrives. Failing \
             it when all has arrived is tolerated.",
        )
}

fn wait(tag: &'static str) -> Step {
    Step::Wait {
        time: Duration::from_secs(1),
        tag: Some(tag),
    }
}

fn sample(id: CaseId, title: &'static str, bytes: Vec<u8>) -> Case {
    let valid = std::str::from_utf8(&bytes).is_ok();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let payload = Payload::from(bytes);
    let steps = vec![message(false, payload.clone()), fail_after(500)];
    if valid {
        Case::steps(id, title, steps)
            .see(SAMPLES)
            .expects(vec![text_echo(payload)])
            .says(format!("Sends the valid text {hex} in one frame."), ECHOED)
    } else {
        Case::violation(id, title, 1007, steps)
            .see(SAMPLES)
            .expects(vec![])
            .says(
                format!("Sends the invalid text {hex} in one frame."),
                REFUSED,
            )
    }
}
