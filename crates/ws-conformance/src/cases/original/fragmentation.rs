//! Group 5: fragmented messages.

use std::time::Duration;

use super::build::{HELLO, close_after, fail_after, frames, text_echo, then};
use crate::case::{Case, CaseId};
use crate::script::{Event, Frame, Pacing, Payload, Step};

const TITLE: &str = "Fragmentation";
const RULES: &[&str] = &["RFC 6455 §5.4"];
const WITH_PINGS: &[&str] = &["RFC 6455 §5.4", "RFC 6455 §5.5.2"];
const F1: Payload = Payload::text("fragment1");
const F2: Payload = Payload::text("fragment2");
const F3: Payload = Payload::text("fragment3");
const F4: Payload = Payload::text("fragment4");
const F5: Payload = Payload::text("fragment5");
const F1_F2: Payload = Payload::text("fragment1fragment2");

/// The three ways in which most dialogues of this group are written.
const PACINGS: [(Pacing, &str); 3] = [
    (Pacing::Plain, ""),
    (Pacing::OwnWrite, ", each frame in a TCP write of its own"),
    (Pacing::Chop(1), ", in TCP writes of one byte"),
];

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = vec![
        control(1, Frame::ping(F1), "Ping"),
        control(2, Frame::pong(F1), "Pong"),
    ];
    for (n, (pacing, writes)) in (0..).zip(PACINGS) {
        cases.push(two_fragments(3 + n, pacing, writes));
    }
    for (n, (pacing, writes)) in (0..).zip(PACINGS) {
        cases.push(ping_between(6 + n, pacing, writes));
    }
    let stray = || Frame::continuation(Payload::text("non-continuation payload"));
    for (n, (pacing, writes)) in (0..).zip(PACINGS) {
        cases.push(stray_first(9 + n, pacing, stray(), writes));
    }
    for (n, (pacing, writes)) in (0..).zip(PACINGS) {
        cases.push(stray_first(12 + n, pacing, stray().unfinished(), writes));
    }
    cases.extend([
        stray_second(),
        stray_around(16, Frame::continuation(F1).unfinished()),
        stray_around(17, Frame::continuation(F1)),
        text_within_text(),
        pings_and_wait(19, Pacing::Plain, ""),
        pings_and_wait(
            20,
            Pacing::OwnWrite,
            ", each frame in a TCP write of its own",
        ),
    ]);
    cases
}

fn normal(second: u8, pacing: Pacing, sent: Vec<Frame>) -> Case {
    let steps = then(frames(pacing, sent), close_after(1000));
    Case::steps(CaseId::two(5, second), TITLE, steps).see(RULES)
}

fn violation(second: u8, pacing: Pacing, sent: Vec<Frame>) -> Case {
    let steps = then(frames(pacing, sent), fail_after(1000));
    Case::violation(CaseId::two(5, second), TITLE, 1002, steps).see(RULES)
}

fn control(second: u8, first: Frame, name: &str) -> Case {
    violation(
        second,
        Pacing::Plain,
        vec![first.unfinished(), Frame::continuation(F2)],
    )
    .see(&["RFC 6455 §5.4", "RFC 6455 §5.5"])
    .expects(vec![])
    .says(
        format!("Sends a {name} in two fragments."),
        "The connection is failed at once: control frames cannot be fragmented.",
    )
}

fn two_fragments(second: u8, pacing: Pacing, writes: &str) -> Case {
    normal(
        second,
        pacing,
        vec![Frame::text(F1).unfinished(), Frame::continuation(F2)],
    )
    .expects(vec![text_echo(F1_F2)])
    .says(
        format!("Sends a text message in two fragments{writes}."),
        "The message comes back; then a clean close with code 1000.",
    )
}

fn ping_between(second: u8, pacing: Pacing, writes: &str) -> Case {
    let payload = Payload::text("ping payload");
    let sent = vec![
        Frame::text(F1).unfinished(),
        Frame::ping(payload.clone()),
        Frame::continuation(F2),
    ];
    normal(second, pacing, sent)
        .see(WITH_PINGS)
        .expects(vec![Event::Pong(payload), text_echo(F1_F2)])
        .says(
            format!("Sends a text message in two fragments with a Ping between them{writes}."),
            "A Pong, then the message; then a clean close with code 1000.",
        )
}

fn stray_first(second: u8, pacing: Pacing, stray: Frame, writes: &str) -> Case {
    let fin = if stray.fin { "final" } else { "non-final" };
    violation(second, pacing, vec![stray, Frame::text(HELLO)])
        .expects(vec![])
        .says(
            format!(
                "Sends a {fin} continuation although no message has begun, then a text message{writes}."
            ),
            "The connection is failed at once.",
        )
}

fn stray_second() -> Case {
    let sent = vec![
        Frame::text(F1).unfinished(),
        Frame::continuation(F2),
        Frame::continuation(F3).unfinished(),
        Frame::text(F4),
    ];
    violation(15, Pacing::Plain, sent)
        .expects(vec![text_echo(F1_F2)])
        .tolerates_no_echo()
        .says(
            "Sends a text message in two fragments, then a non-final continuation without a message, \
             then a text message.",
            "The first message comes back, then the connection is failed. Not echoing the \
             message is tolerated.",
        )
}

fn stray_around(second: u8, stray: Frame) -> Case {
    let fin = if stray.fin { "final" } else { "non-final" };
    let once = vec![stray, Frame::text(F2).unfinished(), Frame::continuation(F3)];
    violation(second, Pacing::Plain, [once.clone(), once].concat())
        .expects(vec![])
        .says(
            format!(
                "Sends, twice: a {fin} continuation without a message, then a text message in two \
                 fragments."
            ),
            "The connection is failed at once.",
        )
}

fn text_within_text() -> Case {
    violation(
        18,
        Pacing::Plain,
        vec![Frame::text(F1).unfinished(), Frame::text(F2)],
    )
    .expects(vec![])
    .says(
        "Sends the first fragment of a text message, then a new text message instead of a \
             continuation.",
        "The connection is failed at once.",
    )
}

fn pings_and_wait(second: u8, pacing: Pacing, writes: &str) -> Case {
    let pings = [1, 2].map(|n| Payload::from(format!("pongme {n}!").into_bytes()));
    let [first, last] = pings;
    let before = vec![
        Frame::text(F1).unfinished(),
        Frame::continuation(F2).unfinished(),
        Frame::ping(first.clone()),
    ];
    let after = vec![
        Frame::continuation(F3).unfinished(),
        Frame::continuation(F4).unfinished(),
        Frame::ping(last.clone()),
        Frame::continuation(F5),
    ];
    let wait = Step::Wait {
        time: Duration::from_secs(1),
        tag: None,
    };
    let mut steps = then(frames(pacing, before), wait);
    steps.extend(then(frames(pacing, after), close_after(1000)));
    let whole = Payload::text("fragment1fragment2fragment3fragment4fragment5");
    Case::steps(CaseId::two(5, second), TITLE, steps)
        .see(WITH_PINGS)
        .expects(vec![
            Event::Pong(first),
            Event::Pong(last),
            text_echo(whole),
        ])
        .says(
            format!(
                "Sends a text message in five fragments, with a Ping after the second, a wait of \
                 one second, and a Ping after the fourth{writes}."
            ),
            "Two Pongs, then the message; then a clean close with code 1000.",
        )
}
