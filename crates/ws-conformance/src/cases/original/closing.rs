//! Group 7: closing.

use super::build::{close, fail_after, text_echo, then};
use super::utf8_samples::KOSME;
use crate::case::{Case, CaseId};
use crate::script::{Frame, JudgedBy, Payload, Step};

const HELLO: Payload = Payload::text("Hello World!");
const ALLOWED: [u16; 13] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
];
const RESERVED: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const REFUSED: &str =
    "Close with code 1002, Close without a code, or the end of TCP; no other event.";
const CLEAN: &str = "A clean close with code 1000 or none; no other event.";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = basics();
    cases.extend(lengths());
    cases.push(invalid_reason());
    for (third, code) in (1..).zip(ALLOWED) {
        cases.push(allowed(third, code));
    }
    for (third, code) in (1..).zip(RESERVED) {
        cases.push(reserved(third, code));
    }
    cases.extend([beyond(1, 5000), beyond(2, 65535)]);
    cases
}

fn case(second: u8, third: u8, title: &'static str, steps: Vec<Step>) -> Case {
    let steps = then(steps, fail_after(1000));
    Case::steps(CaseId::three(7, second, third), title, steps)
        .see(sections(second))
        .without_automatic_close()
        .judged_by(JudgedBy::EventsAndCloseCode)
        .expects(vec![])
}

/// Returns the sections to read about a family.
fn sections(second: u8) -> &'static [&'static str] {
    match second {
        1 => &["RFC 6455 §5.5.1", "RFC 6455 §7.1.3"],
        3 => &["RFC 6455 §5.5", "RFC 6455 §5.5.1"],
        5 => &["RFC 6455 §5.5.1", "RFC 6455 §8.1"],
        _ => &["RFC 6455 §7.4.1", "RFC 6455 §7.4.2"],
    }
}

fn normal_close() -> Step {
    close(1000, Payload::EMPTY)
}

fn basics() -> Vec<Case> {
    let case = |third, steps| case(1, third, "Close basics", steps);
    let after = |third, frame, what| {
        let steps = vec![normal_close(), Step::Frame(frame)];
        case(third, steps).says(format!("Closes, then sends {what}."), CLEAN)
    };
    let within = vec![
        Step::Frame(Frame::text(Payload::text("fragment1")).unfinished()),
        normal_close(),
        Step::Frame(Frame::continuation(Payload::text("fragment2"))),
    ];
    vec![
        echo_first(),
        after(2, Frame::new(8, Payload::EMPTY), "another Close"),
        after(3, Frame::ping(Payload::EMPTY), "a Ping"),
        after(4, Frame::text(HELLO), "a text message"),
        case(5, within).says(
            "Sends the first fragment of a text message, closes, then sends the last fragment.",
            CLEAN,
        ),
        after_much_data(),
    ]
}

fn echo_first() -> Case {
    let steps = vec![Step::Frame(Frame::text(HELLO)), fail_after(1000)];
    Case::steps(CaseId::three(7, 1, 1), "Close basics", steps)
        .see(sections(1))
        .judged_by(JudgedBy::EventsAndCloseCode)
        .expects(vec![text_echo(HELLO)])
        .says(
            "Sends a text message and closes when it has come back.",
            "The message comes back; then a clean close with code 1000 or none.",
        )
}

/// Returns a case whose list for a correct testee lacks the long message. This has no effect,
/// because the case is not judged.
fn after_much_data() -> Case {
    let steps = vec![
        Step::Frame(Frame::text(Payload::repeated(b"BAsd7&jh23", 262_144))),
        Step::Frame(Frame::text(HELLO)),
        normal_close(),
        Step::Frame(Frame::ping(Payload::EMPTY)),
        fail_after(1000),
    ];
    Case::steps(CaseId::three(7, 1, 6), "Close basics", steps)
        .see(sections(1))
        .without_automatic_close()
        .judged_by(JudgedBy::Informational)
        .expects(vec![text_echo(HELLO)])
        .tolerates_no_echo()
        .says(
            "Sends a text message of 256 KiB, a short one, closes, then sends a Ping.",
            "Shows whether the messages still come back before the close.",
        )
}

fn lengths() -> Vec<Case> {
    let case = |third, step| case(3, third, "Close payload length", vec![step]);
    let raw = |payload| Step::RawClose { payload };
    let too_long = [&1000_u16.to_be_bytes()[..], &[b'*'; 124]].concat();
    vec![
        case(1, raw(Payload::EMPTY)).says("Sends a Close without payload.", CLEAN),
        case(2, raw(Payload::text("a")))
            .accepts_codes(vec![1002])
            .need_not_be_clean()
            .says("Sends a Close whose payload is one byte.", REFUSED),
        case(3, normal_close()).says("Sends a Close with code 1000.", CLEAN),
        case(4, close(1000, HELLO)).says("Sends a Close with code 1000 and a reason.", CLEAN),
        case(5, close(1000, Payload::repeated(b"*", 123))).says(
            "Sends a Close with code 1000 and a reason of 123 bytes, the longest there may be.",
            CLEAN,
        ),
        case(6, raw(Payload::from(too_long)))
            .accepts_codes(vec![1002])
            .need_not_be_clean()
            .says(
                "Sends a Close with code 1000 and a reason of 124 bytes, one too many.",
                REFUSED,
            ),
    ]
}

fn invalid_reason() -> Case {
    let reason = [KOSME.as_bytes(), b"\xed\xa0\x80", b"edited"].concat();
    let payload = [&1000_u16.to_be_bytes()[..], &reason].concat();
    let step = Step::RawClose {
        payload: Payload::from(payload),
    };
    case(5, 1, "Close reason invalid UTF-8", vec![step])
        .accepts_codes(vec![1002, 1007])
        .need_not_be_clean()
        .says(
            "Sends a Close with code 1000 and a reason that is no UTF-8.",
            "Close with code 1007 or 1002, Close without a code, or the end of TCP; no other event.",
        )
}

fn close_with(second: u8, third: u8, title: &'static str, code: u16) -> Case {
    let step = Step::RawClose {
        payload: Payload::from(code.to_be_bytes().to_vec()),
    };
    case(second, third, title, vec![step])
}

fn allowed(third: u8, code: u16) -> Case {
    close_with(7, third, "Close codes accepted", code)
        .accepts_codes(vec![1000, code])
        .says(
            format!("Sends a Close with code {code}, which is allowed."),
            "A clean close with the same code, 1000, or none; no other event.",
        )
}

fn reserved(third: u8, code: u16) -> Case {
    close_with(9, third, "Close codes rejected", code)
        .accepts_codes(vec![1002])
        .need_not_be_clean()
        .says(
            format!("Sends a Close with code {code}, which must not be sent."),
            REFUSED,
        )
}

fn beyond(third: u8, code: u16) -> Case {
    let title = "Close codes beyond 4999 (informational)";
    close_with(13, third, title, code)
        .accepts_codes(vec![1000, code, 1002])
        .need_not_be_clean()
        .judged_by(JudgedBy::Informational)
        .says(
            format!("Sends a Close with code {code}, which the standard does not mention."),
            "Shows what the testee does.",
        )
}
