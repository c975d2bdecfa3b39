//! 22.2, the rest: responses in pieces, after other responses, and without an end.

use std::time::Duration;

use super::odd::in_bytes;
use super::reactions::{Echo, echo, expect_client_to_echo, expect_client_to_open};
use super::responses::{accepts_it, send_with_message};
use super::rules;
use crate::case::Case;
use crate::case::Roles::Client;
use crate::dialogue::{Act, Miss, REPLY, Soften, passed};
use crate::wire::Frame;

const TITLE: &str = "Opening handshake of a client: pieces of responses";
/// The time after which the case ends, if the client still waits for a response.
const WAIT: Duration = Duration::from_secs(15);

pub(super) fn cases() -> Vec<Case> {
    vec![
        after(
            "22.2.18",
            "with status 103",
            &["103 Early Hints\r\nX-Hint: a"],
        ),
        byte_by_byte(),
        with_a_frame(),
        cut(),
        endless(),
        garbage(),
        nothing(),
        content_length(),
        bytes_with_a_frame(),
        after("22.2.43", "with status 100", &["100 Continue"]),
        after(
            "22.2.44",
            "with the statuses 100, 102, 103, 103 and 199",
            &[
                "100 Continue",
                "102 Processing",
                "103 Early Hints\r\nX-Hint: a",
                "103 Early Hints\r\nX-Hint: b",
                "199 Unknown",
            ],
        ),
    ]
}

fn byte_by_byte() -> Case {
    let rule = &rules::BYTES;
    let case = Case::new("22.2.32", Client, TITLE, rule, |peer| {
        let answer = peer.answer();
        peer.note_answer(&answer);
        in_bytes(peer, &answer.head.bytes())?;
        expect_client_to_open(peer, rule.level)
    });
    accepts_it(case, "byte by byte")
}

fn with_a_frame() -> Case {
    let rule = &rules::ESTABLISHED;
    let case = Case::new("22.2.33", Client, TITLE, rule, |peer| {
        let message = send_with_message(peer, &|head| head)?;
        expect_client_to_echo(peer, &message, rule.level)
    });
    case.does("Sends a response and a message in one write.")
        .wants("The client opens the connection and echoes the message.")
}

fn bytes_with_a_frame() -> Case {
    let rule = &rules::ESTABLISHED;
    let case = Case::new("22.2.42", Client, TITLE, rule, |peer| {
        let answer = peer.answer();
        peer.note_answer(&answer);
        let message = Frame::text("Are you there?");
        let frame = peer.encoded(&message);
        in_bytes(peer, &[answer.head.bytes(), frame].concat())?;
        expect_client_to_echo(peer, &message, rule.level)
    });
    case.does("Sends a response and a message, byte by byte, without a pause between them.")
        .wants("The client opens the connection and echoes the message.")
}

/// Returns a case with a response after others, all in one write.
fn after(id: &str, statuses: &str, interim: &'static [&'static str]) -> Case {
    let rule = &rules::INTERIM;
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        let answer = peer.answer();
        peer.note_answer(&answer);
        let heads: String = interim
            .iter()
            .map(|head| format!("HTTP/1.1 {head}\r\n\r\n"))
            .collect();
        peer.send_bytes(&[heads.into_bytes(), answer.head.bytes()].concat())?;
        expect_client_to_open(peer, rule.level)
    });
    let others = match interim.len() {
        1 => "a response",
        _ => "responses",
    };
    accepts_it(case, &format!("in one write after {others} {statuses}"))
}

fn cut() -> Case {
    let case = Case::new("22.2.34", Client, TITLE, &rules::LOST_CONNECTION, |peer| {
        let bytes = peer.answer().head.bytes();
        peer.send_bytes(&bytes[..bytes.len() / 2])?;
        peer.end_sending();
        peer.expect_not_opened()
    });
    case.see(&["RFC 9112 §8"])
        .does("Sends half a response and ends its direction of TCP.")
        .wants("The client sends nothing and ends TCP.")
}

fn endless() -> Case {
    let case = Case::new("22.2.35", Client, TITLE, &rules::LIMITS, |peer| {
        let bytes = peer.answer().head.bytes();
        peer.send_bytes(&bytes[..bytes.len() - 2])?;
        let line = format!("X-Endless: {}\r\n", "x".repeat(1011));
        for _ in 0..1024 {
            peer.send_bytes(line.as_bytes()).or_should()?;
        }
        match peer.next_within(REPLY * 2)? {
            Some(Act::End) => passed("The client ended TCP."),
            Some(_) => Miss::must("The client sent frames before the end of the response."),
            None => Miss::should("The client still waited for the end of the response."),
        }
    });
    case.see(&["RFC 9110 §5.4", "RFC 6455 §10.4"])
        .does("Sends a response with 1 MiB of headers and without an end.")
        .wants("The client sends nothing and ends TCP.")
}

fn garbage() -> Case {
    let case = Case::new("22.2.36", Client, TITLE, &rules::CONFORMING, |peer| {
        let mut rng = fastrand::Rng::with_seed(22);
        let mut bytes: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
        bytes.extend(b"\r\n\r\n");
        peer.send_bytes(&bytes)?;
        peer.expect_not_opened()
    });
    case.does("Sends 1,000 random bytes and an empty line instead of a response.")
        .wants("The client sends nothing and ends TCP.")
}

fn nothing() -> Case {
    let case = Case::new("22.2.37", Client, TITLE, &rules::WAIT, |peer| {
        match peer.next_within(WAIT)? {
            None => Miss::informs("The client still waited after 15 s."),
            Some(Act::End) => passed("The client stopped waiting and ended TCP."),
            Some(_) => Miss::must("The client sent frames before the response."),
        }
    });
    case.does("Sends nothing for 15 s.")
        .wants("The client sends nothing, and ends TCP before that.")
}

/// Returns a case with a Content-Length. A client may refuse the response. If it opens the
/// connection, the bytes that follow are a message.
fn content_length() -> Case {
    let case = Case::new("22.2.38", Client, TITLE, &rules::NO_BODY, |peer| {
        let answer = peer.answer().with(|head| head.add("Content-Length", "10"));
        peer.send_answer(&answer)?;
        let message = Frame::text("Are you there?");
        peer.send(message.clone())?;
        match echo(peer, &message)? {
            Echo::Right => passed("The client opened the connection and echoed."),
            Echo::Failed => Miss::informs("The client refused the response."),
            Echo::None => Miss::must("The client treated the message as a body."),
        }
    });
    case.see(&["RFC 9110 §8.6", "RFC 9110 §15.2.2"])
        .does("Sends a response with `Content-Length: 10`, and then a message.")
        .wants("The client opens the connection and echoes the message, or ends TCP.")
}
