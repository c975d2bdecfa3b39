//! 20.1: requests that a server accepts, however they are written.

use std::time::Duration;

use super::odd::{as_latin1, in_bytes};
use super::reactions::{ToRequest, expect_right, expect_server_to_open, to_request};
use super::rules;
use crate::case::Roles::Server;
use crate::case::{Case, Rule};
use crate::dialogue::{Act, Miss, Outcome, Peer, REPLY, passed};
use crate::http::{Head, Request, SAMPLE_KEY};
use crate::wire::Frame;

const TITLE: &str = "Opening handshake: right requests";

pub(super) fn cases() -> Vec<Case> {
    [spelling(), lists(), fields(), pieces()]
        .into_iter()
        .flatten()
        .collect()
}

fn spelling() -> Vec<Case> {
    vec![
        opens(
            "20.1.1",
            "with the key that the standard shows",
            &rules::ACCEPT_VALUE,
            |head| head.set("Sec-WebSocket-Key", SAMPLE_KEY),
        )
        .see(&["RFC 6455 §1.3"]),
        opens(
            "20.1.2",
            "with spaces and tabs around the values of headers",
            &rules::WHITESPACE,
            |head| {
                head.set("Upgrade", " \t websocket \t ")
                    .set("Connection", "\tUpgrade  ")
                    .set("Sec-WebSocket-Version", " 13 ")
            },
        ),
        opens(
            "20.1.3",
            "with `Upgrade: WEBSOCKET`",
            &rules::UPGRADE_VALUE,
            |head| head.set("Upgrade", "WEBSOCKET"),
        ),
        opens(
            "20.1.7",
            "with `connection: upgrade`",
            &rules::CONNECTION_TOKEN,
            |head| head.set("connection", "upgrade"),
        )
        .see(&["RFC 9110 §7.6.1"]),
        opens(
            "20.1.9",
            "whose target is a whole URL",
            &rules::ABSOLUTE_FORM,
            Head::with_absolute_target,
        ),
        opens(
            "20.1.15",
            "whose header names have odd capitals",
            &rules::FIELD_NAMES,
            |head| {
                head.set("uPGRADE", "websocket")
                    .set("CONNECTION", "Upgrade")
                    .set("sec-websocket-VERSION", "13")
            },
        ),
    ]
}

fn lists() -> Vec<Case> {
    let several = |id, sends, rule, lines: &'static [(&'static str, &'static str)]| {
        opens(id, sends, rule, move |head| with_lines(head, lines))
    };
    vec![
        several(
            "20.1.4",
            "with `Upgrade: foo, websocket`",
            &rules::UPGRADE_LIST,
            &[("Upgrade", "foo, websocket")],
        )
        .see(&["RFC 6455 §4.2.1"]),
        several(
            "20.1.5",
            "with two Upgrade lines, the second of which has `websocket`",
            &rules::UPGRADE_LIST,
            &[("Upgrade", "foo"), ("Upgrade", "websocket")],
        )
        .see(&["RFC 9110 §5.2"]),
        several(
            "20.1.6",
            "with `Connection: keep-alive, Upgrade`",
            &rules::CONNECTION_TOKEN,
            &[("Connection", "keep-alive, Upgrade")],
        )
        .see(&["RFC 9110 §7.6.1"]),
        several(
            "20.1.8",
            "with two Connection lines, the second of which has `Upgrade`",
            &rules::REPEATED_FIELD,
            &[("Connection", "keep-alive"), ("Connection", "Upgrade")],
        ),
        several(
            "20.1.16",
            "with two Upgrade lines, the first of which has `websocket`",
            &rules::UPGRADE_LIST,
            &[("Upgrade", "websocket"), ("Upgrade", "foo")],
        )
        .see(&["RFC 9110 §5.2"]),
        several(
            "20.1.17",
            "with two Connection lines, the first of which has `Upgrade`",
            &rules::REPEATED_FIELD,
            &[("Connection", "Upgrade"), ("Connection", "keep-alive")],
        ),
        several(
            "20.1.18",
            "with `Connection: Upgrade,keep-alive,foo`",
            &rules::CONNECTION_TOKEN,
            &[("Connection", "Upgrade,keep-alive,foo")],
        )
        .see(&["RFC 9110 §7.6.1"]),
        several(
            "20.1.19",
            "with `Connection: , Upgrade ,,`",
            &rules::EMPTY_ELEMENTS,
            &[("Connection", ", Upgrade ,,")],
        ),
        several(
            "20.1.20",
            "with `Upgrade: , websocket ,,`",
            &rules::UPGRADE_LIST,
            &[("Upgrade", ", websocket ,,")],
        )
        .see(&["RFC 9110 §5.6.1.2"]),
        several(
            "20.1.21",
            "with two Connection lines, the first of which is empty",
            &rules::EMPTY_ELEMENTS,
            &[("Connection", ""), ("Connection", "Upgrade")],
        ),
    ]
}

fn with_lines(head: Head, lines: &[(&str, &str)]) -> Head {
    let head = lines
        .iter()
        .fold(head, |head, (name, _)| head.without(name));
    let add = |head: Head, (name, value): &(&str, &str)| head.add(name, value);
    lines.iter().fold(head, add)
}

fn fields() -> Vec<Case> {
    let note = |head: Head| head.add("X-Note", "Caf\u{e9} \u{ff}");
    vec![
        opens(
            "20.1.13",
            "with 8 KiB of unknown headers",
            &rules::UNKNOWN_FIELDS,
            |head| {
                let add = |head: Head, n| head.add(&format!("X-Unknown-{n}"), &"x".repeat(112));
                (0..64).fold(head, add)
            },
        )
        .see(&["RFC 9110 §5.4"]),
        opens_with(
            "20.1.22",
            "with the bytes e9 and ff in the value of an unknown header",
            &rules::OBS_TEXT,
            move |peer| {
                let request = peer.request().with(note);
                peer.note_request(&request.bytes());
                peer.send_bytes(&as_latin1(&request.head))?;
                Ok(request)
            },
        ),
    ]
}

fn pieces() -> Vec<Case> {
    vec![
        opens_with("20.1.10", "byte by byte", &rules::BYTES, |peer| {
            let request = peer.request();
            peer.note_request(&request.bytes());
            in_bytes(peer, &request.bytes())?;
            Ok(request)
        }),
        opens_with(
            "20.1.11",
            "and its last byte 50 ms later",
            &rules::BYTES,
            |peer| {
                let request = peer.request();
                let bytes = request.bytes();
                peer.note_request(&bytes);
                let (most, end) = bytes.split_at(bytes.len() - 1);
                peer.send_bytes(most)?;
                peer.pause(Duration::from_millis(50))?;
                peer.send_bytes(end)?;
                Ok(request)
            },
        ),
        opens_with(
            "20.1.14",
            "after an empty line",
            &rules::EMPTY_LINE,
            |peer| {
                let request = peer.request();
                peer.note_request(&request.bytes());
                peer.send_bytes(&[b"\r\n", &*request.bytes()].concat())?;
                Ok(request)
            },
        ),
        with_a_frame(),
    ]
}

/// Returns a case with a request whose change does not alter its meaning.
fn opens(
    id: &str,
    sends: &str,
    rule: &'static Rule,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    opens_with(id, sends, rule, move |peer| {
        let request = peer.request().with(&change);
        peer.send_request(&request)?;
        Ok(request)
    })
}

/// Returns a case with a request that is sent in another way.
fn opens_with(
    id: &str,
    sends: &str,
    rule: &'static Rule,
    send: impl Fn(&mut Peer<'_>) -> Result<Request, Miss> + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Server, TITLE, rule, move |peer| {
        let request = send(peer)?;
        expect_server_to_open(peer, &request, rule.level)
    });
    case.does(format!("Sends a request {sends}, and then a message."))
        .wants("The server answers with status 101 and echoes the message.")
}

fn with_a_frame() -> Case {
    let rule = &rules::EARLY_DATA;
    let case = Case::new("20.1.12", Server, TITLE, rule, |peer| {
        let request = peer.request();
        let early = Frame::text("Too early?");
        let frame = peer.encoded(&early);
        peer.note_request(&request.bytes());
        peer.send_bytes(&[request.bytes(), frame].concat())?;
        match to_request(peer)? {
            ToRequest::Opened(response) => {
                expect_right(&response, &request)?;
                judge_early(peer, &early)
            }
            ToRequest::Refused(response) => {
                let status = response.status;
                Miss::informs(format!("The server refused with status {status}."))
            }
            ToRequest::EndedTcp => Miss::informs("The server ended TCP without a response."),
        }
    });
    case.does(
        "Sends a request and, in the same write, a message that should wait for the response. \
         After the response, sends another message.",
    )
    .wants(
        "A clear reaction: the server echoes both messages, or only the second \
         one, or fails the connection.",
    )
}

fn judge_early(peer: &mut Peer<'_>, early: &Frame) -> Outcome {
    let later = Frame::text("Are you there?");
    peer.send(later.clone())?;
    match peer.next_within(REPLY)? {
        Some(Act::Message { payload, .. }) if payload == *early.payload.as_bytes() => {
            peer.expect_echo(&later)?;
            passed("The server opened the connection and echoed both messages.")
        }
        Some(Act::Message { payload, .. }) if payload == *later.payload.as_bytes() => {
            Miss::informs("The server opened the connection and lost the early message.")
        }
        Some(Act::Close(_) | Act::End) => Miss::informs("The server failed the connection."),
        _ => Miss::must("The server opened the connection and echoed neither message."),
    }
}
