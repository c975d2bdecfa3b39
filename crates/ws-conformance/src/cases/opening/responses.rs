//! 22.2: responses that a client accepts or refuses because of the headers of RFC 6455.

use super::reactions::{expect_client_to_open, expect_client_to_refuse};
use super::rules;
use crate::case::Roles::Client;
use crate::case::{Case, Rule};
use crate::dialogue::{Miss, Outcome, Peer};
use crate::http::{Answer, Head, ReadRequest};
use crate::wire::Frame;

pub(super) const TITLE: &str = "Opening handshake of a client: responses";
const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
/// The accept value for the key that the standard shows.
const OTHER_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(super) fn cases() -> Vec<Case> {
    [accepts(), tokens(), statuses(), negotiated()]
        .into_iter()
        .flatten()
        .collect()
}

fn accepts() -> Vec<Case> {
    let rule = &rules::CHECKED_ACCEPT;
    vec![
        refused(
            "22.2.1",
            rule,
            "whose accept value is that of another key",
            |head| head.set(ACCEPT, OTHER_ACCEPT),
        ),
        refused("22.2.2", rule, "without Sec-WebSocket-Accept", |head| {
            head.without(ACCEPT)
        }),
        refused(
            "22.2.3",
            rule,
            "whose accept value has the wrong case",
            |head| {
                let flipped = flipped(head.value(ACCEPT).unwrap_or_default());
                head.set(ACCEPT, &flipped)
            },
        ),
        refused(
            "22.2.4",
            &rules::ONE_ACCEPT,
            "with a wrong accept value after the right one, in a line of its own",
            |head| head.add(ACCEPT, OTHER_ACCEPT),
        )
        .see(&["RFC 6455 §4.1"]),
        accepted(
            "22.2.5",
            rule,
            "whose accept value has spaces and tabs around it",
            |head| {
                let spaced = format!(" \t {} \t ", head.value(ACCEPT).unwrap_or_default());
                head.set(ACCEPT, &spaced)
            },
        ),
    ]
}

fn flipped(text: &str) -> String {
    let flip = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    text.chars().map(flip).collect()
}

fn tokens() -> Vec<Case> {
    let (upgrade, connection) = (&rules::CHECKED_UPGRADE, &rules::CHECKED_CONNECTION);
    vec![
        refused("22.2.6", upgrade, "without Upgrade", |head| {
            head.without("Upgrade")
        }),
        refused("22.2.7", upgrade, "with `Upgrade: foo`", |head| {
            head.set("Upgrade", "foo")
        }),
        refused("22.2.8", connection, "without Connection", |head| {
            head.without("Connection")
        }),
        refused(
            "22.2.9",
            connection,
            "with `Connection: keep-alive`",
            |head| head.set("Connection", "keep-alive"),
        ),
        accepted(
            "22.2.10",
            connection,
            "with `UpGrAdE: WebSocket` and `Connection: keep-alive, UPGRADE`",
            |head| {
                head.set("UpGrAdE", "WebSocket")
                    .set("Connection", "keep-alive, UPGRADE")
            },
        )
        .see(&["RFC 9110 §5.1", "RFC 9110 §7.6.1"]),
        refused("22.2.39", upgrade, "with an empty Upgrade", |head| {
            head.set("Upgrade", "")
        }),
        refused("22.2.40", connection, "with an empty Connection", |head| {
            head.set("Connection", "")
        }),
    ]
}

fn statuses() -> Vec<Case> {
    let status = |id, line: &'static str| {
        let sends = format!("that is right except for its first line, `{line}`, and closes,");
        let case = refused(id, &rules::STATUS, &sends, move |head| {
            head.first_line(line)
                .set("Connection", "Upgrade, close")
                .add("Content-Length", "0")
        });
        case.see(&["RFC 9112 §9.6"])
    };
    vec![
        status("22.2.11", "HTTP/1.1 200 OK"),
        status("22.2.12", "HTTP/1.1 400 Bad Request"),
        status("22.2.13", "HTTP/1.1 401 Unauthorized"),
        status("22.2.14", "HTTP/1.1 403 Forbidden"),
        status("22.2.15", "HTTP/1.1 426 Upgrade Required"),
        status("22.2.16", "HTTP/1.1 503 Service Unavailable"),
        status("22.2.17", "HTTP/1.1 302 Found"),
        refused("22.2.19", &rules::RESPONSE_VERSION, "of HTTP/1.0", |head| {
            head.first_line("HTTP/1.0 101 Switching Protocols")
        })
        .see(&["RFC 9110 §15.2", "RFC 6455 §4.2.2"]),
    ]
}

fn negotiated() -> Vec<Case> {
    vec![
        refused(
            "22.2.20",
            &rules::CHECKED_PROTOCOL,
            "with a subprotocol that was not offered",
            |head| head.add(PROTOCOL, "never-offered"),
        ),
        two_protocols(),
        near_miss(),
        refused(
            "22.2.23",
            &rules::CHECKED_EXTENSIONS,
            "with an extension that was not offered",
            |head| head.add(EXTENSIONS, "x-never-offered"),
        )
        .see(&["RFC 6455 §9.1"]),
    ]
}

fn offered_protocols(peer: &Peer<'_>) -> Vec<String> {
    let request = ReadRequest::read(peer.client_head());
    let offered = request.map(|request| request.items(PROTOCOL));
    offered.unwrap_or_default()
}

/// Two lines of Sec-WebSocket-Protocol. Each is right on its own where the client offered one.
fn two_protocols() -> Case {
    let rule = &rules::CONFORMING;
    let case = Case::new("22.2.21", Client, TITLE, rule, |peer| {
        let offered = offered_protocols(peer);
        let (first, last) = match (offered.first(), offered.last()) {
            (Some(first), Some(last)) => (first.as_str(), last.as_str()),
            _ => ("one", "two"),
        };
        refuses(peer, rule, &|head| {
            head.add(PROTOCOL, first).add(PROTOCOL, last)
        })
    });
    refuses_it(
        case.see(&["RFC 6455 §11.3.4", "RFC 6455 §4.2.2"]),
        "with two subprotocols, each in a line of its own, that were offered if any were,",
    )
}

/// Only a client that offers a subprotocol can be tested.
fn near_miss() -> Case {
    let rule = &rules::CHECKED_PROTOCOL;
    let case = Case::new("22.2.22", Client, TITLE, rule, |peer| {
        let offered = offered_protocols(peer);
        let mut flipped = offered.iter().map(|name| flipped(name));
        let Some(wrong) = flipped.find(|name| !offered.contains(name)) else {
            return not_applicable(peer, "The client offers no subprotocol that has letters.");
        };
        refuses(peer, rule, &|head| head.add(PROTOCOL, &wrong))
    });
    refuses_it(case, "with an offered subprotocol in the wrong case")
}

/// Ends a case that does not apply to the client. The connection has to work even so.
pub(super) fn not_applicable(peer: &mut Peer<'_>, why: &str) -> Outcome {
    peer.open()?;
    peer.expect_to_be_alive()?;
    Miss::not_applicable(why)
}

/// Returns a case with a response that must not open a connection.
fn refused(
    id: &str,
    rule: &'static Rule,
    sends: &str,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        refuses(peer, rule, &change)
    });
    refuses_it(case, sends)
}

pub(super) fn refuses_it(case: Case, sends: &str) -> Case {
    case.does(format!(
        "Sends a response {sends} and, in the same write, a message."
    ))
    .wants("The client sends nothing and ends TCP.")
}

pub(super) fn refuses(peer: &mut Peer<'_>, rule: &Rule, change: &dyn Fn(Head) -> Head) -> Outcome {
    let message = send_with_message(peer, change)?;
    expect_client_to_refuse(peer, &message, rule.level)
}

/// Sends a response and a message in one write.
pub(super) fn send_with_message(
    peer: &mut Peer<'_>,
    change: &dyn Fn(Head) -> Head,
) -> Result<Frame, Miss> {
    let answer: Answer = peer.answer().with(change);
    let message = Frame::text("Are you there?");
    let frame = peer.encoded(&message);
    peer.note_answer(&answer);
    peer.send_bytes(&[answer.head.bytes(), frame].concat())?;
    Ok(message)
}

/// Returns a case with a response whose change does not alter its meaning.
pub(super) fn accepted(
    id: &str,
    rule: &'static Rule,
    sends: &str,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        let answer = peer.answer().with(&change);
        peer.send_answer(&answer)?;
        expect_client_to_open(peer, rule.level)
    });
    accepts_it(case, sends)
}

pub(super) fn accepts_it(case: Case, sends: &str) -> Case {
    case.does(format!("Sends a response {sends}. Then sends a message."))
        .wants("The client opens the connection and echoes the message.")
}
