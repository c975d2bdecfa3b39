//! 28.3: the request of a client, and answers to it.

use super::requests::{in_continuations, with_padding};
use super::{begun, rules};
use crate::case::Roles::Client;
use crate::case::{Case, Rule};
use crate::dialogue::{Http2, Miss, answer, passed};
use crate::http2::{Fields, Frame, code, flag};
use crate::wire;

const TITLE: &str = "HTTP/2: the answer";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![asked(), switching()];
    cases.extend(REFUSED.iter().map(refused));
    cases.extend([
        not_opened(
            "28.3.9",
            &rules::AFTER_RESET,
            "RST_STREAM with REFUSED_STREAM",
            |http2, id| http2.send(&Frame::rst_stream(id, code::REFUSED_STREAM)),
        ),
        not_opened(
            "28.3.10",
            &rules::UNPROCESSED,
            "GOAWAY without the stream",
            |http2, _| http2.send(&Frame::go_away(0, code::NO_ERROR)),
        ),
        not_opened(
            "28.3.11",
            &rules::ORDERLY,
            "status 200 with END_STREAM",
            |http2, id| http2.send(&Frame::headers(id, &answer("200")).with(flag::END_STREAM)),
        ),
        opened("28.3.12", &rules::INTERIM, "status 103 before 200", |id| {
            vec![Frame::headers(id, &answer("103")), right(id)]
        }),
        opened(
            "28.3.13",
            &rules::CONTINUED,
            "an answer in CONTINUATION frames",
            |id| in_continuations(right(id)),
        ),
        opened(
            "28.3.14",
            &rules::PADDED_HEAD,
            "an answer with padding",
            |id| with_padding(right(id)),
        ),
        opened(
            "28.3.15",
            &rules::NO_KEY,
            "an answer with `sec-websocket-accept`",
            |id| vec![Frame::headers(id, &with("sec-websocket-accept", "?"))],
        ),
    ]);
    cases
}

fn asked() -> Case {
    let case = begun("28.3.1", Client, TITLE, &rules::WEBSOCKET, |http2| {
        let Some(request) = http2.client_request() else {
            return Miss::must("The request has not one :method.");
        };
        if let Some(fault) = request.fault() {
            return Miss::must(format!("The request is wrong: {fault}."));
        }
        for name in [
            "connection",
            "upgrade",
            "host",
            "transfer-encoding",
            "keep-alive",
        ] {
            if !request.all(name).is_empty() {
                return Miss::must(format!("The request has `{name}`."));
            }
        }
        let scheme = request.all(":scheme");
        if !matches!(scheme[..], ["http" | "https"]) {
            return Miss::must(format!("The :scheme is {scheme:?}, and not http or https."));
        }
        let has_key = !request.all("sec-websocket-key").is_empty();
        let mut socket = http2.open()?;
        http2.expect_to_be_alive(&mut socket)?;
        match has_key {
            true => Miss::should("The request has `sec-websocket-key`."),
            false => passed("The request is right, and the client echoed."),
        }
    });
    case.see(&["RFC 8441 §4", "RFC 9113 §8.2.2"])
        .does("Reads the request of the client, answers it, and sends a message.")
        .wants(
            "The request is an extended CONNECT for a WebSocket, without fields of HTTP/1.1. The \
             client sends the message back.",
        )
}

/// Returns a case in which a client may wait for another answer, as after any status of 1xx.
fn switching() -> Case {
    let case = begun("28.3.2", Client, TITLE, &rules::NO_101, |http2| {
        let stream = http2.request_stream();
        let mut socket = http2.opened();
        let message = socket.encoded(&wire::Frame::text("Hello"));
        let head = Frame::headers(stream, &answer("101"));
        http2.send_together(&[head, Frame::data(stream, message)])?;
        let ended = http2.expect_end(stream);
        match http2.unread(stream) {
            0 => {
                passed(ended.unwrap_or_else(|_| "The client waits for another answer.".to_owned()))
            }
            count => Miss::must(format!("The client sent {count} bytes on the stream.")),
        }
    });
    case.see(&["RFC 9110 §15.2"])
        .does("Answers the request of the client with status 101, and sends a message.")
        .wants("The client sends no data. It may wait for another answer.")
}

/// An answer that opens nothing: id, rule, description and fields.
type Entry = (&'static str, &'static Rule, &'static str, fn() -> Fields);

fn with(name: &str, value: &str) -> Fields {
    let mut fields = answer("200");
    fields.push((name.to_owned(), value.to_owned()));
    fields
}

const REFUSED: &[Entry] = &[
    ("28.3.3", &rules::SUCCESS, "status 403", || answer("403")),
    ("28.3.4", &rules::SUCCESS, "status 501", || answer("501")),
    ("28.3.5", &rules::STATUS, "no :status", || {
        let mut fields = answer("200");
        fields.remove(0);
        fields
    }),
    (
        "28.3.6",
        &rules::CONNECTION_FIELDS,
        "`connection: upgrade`",
        || with("connection", "upgrade"),
    ),
    (
        "28.3.7",
        &rules::NOT_OFFERED,
        "a subprotocol that was not offered",
        || with("sec-websocket-protocol", "not-offered"),
    ),
    (
        "28.3.8",
        &rules::SAME_FIELDS,
        "an extension that was not offered",
        || with("sec-websocket-extensions", "not-offered"),
    ),
];

fn refused(&(id, rule, what, fields): &Entry) -> Case {
    not_opened(id, rule, what, move |http2, stream| {
        http2.send(&Frame::headers(stream, &fields()))
    })
}

/// Creates a case of an answer after which a client sends nothing.
fn not_opened(
    id: &str,
    rule: &'static Rule,
    what: &str,
    answer: impl Fn(&mut Http2<'_, '_>, u32) -> Result<(), Miss> + Send + Sync + 'static,
) -> Case {
    let case = begun(id, Client, TITLE, rule, move |http2| {
        let stream = http2.request_stream();
        answer(http2, stream)?;
        let ended = http2.expect_end(stream);
        match http2.unread(stream) {
            0 => ended,
            count => Miss::must(format!("The client sent {count} bytes on the stream.")),
        }
    });
    case.see(&["RFC 9113 §8.1.1"])
        .does(format!("Answers the request of the client with {what}."))
        .wants("The client sends no data. It ends the stream or the connection.")
}

fn right(stream: u32) -> Frame {
    Frame::headers(stream, &answer("200"))
}

/// Creates a case of an answer that opens the stream.
fn opened(
    id: &str,
    rule: &'static Rule,
    what: &str,
    frames: impl Fn(u32) -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let case = begun(id, Client, TITLE, rule, move |http2| {
        let stream = http2.request_stream();
        http2.send_together(&frames(stream))?;
        let mut socket = http2.opened();
        http2.expect_to_be_alive(&mut socket)?;
        passed("The client opened the connection, and echoed.")
    });
    case.does(format!(
        "Answers the request of the client with {what}, and sends a message."
    ))
    .wants("The client sends the message back.")
}
