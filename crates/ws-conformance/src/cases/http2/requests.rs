//! 28.2: requests to a server.

use super::{begun, rules};
use crate::case::Roles::Server;
use crate::case::{Case, Level, Rule};
use crate::cases::fails::at;
use crate::dialogue::{Http2, Miss, Outcome, Soften, passed};
use crate::http::SAMPLE_KEY;
use crate::http2::{Fields, Frame, flag, kind};

const TITLE: &str = "HTTP/2: the request";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![answered()];
    cases.extend(REFUSED.iter().map(refused));
    cases.extend(OPENED.iter().map(opening));
    cases.extend([continued(), padded(), ended()]);
    cases
}

/// A change of the request: id, rule, description and change.
type Entry = (&'static str, &'static Rule, &'static str, fn(&mut Fields));

fn add(fields: &mut Fields, name: &str, value: &str) {
    fields.push((name.to_owned(), value.to_owned()));
}

fn remove(fields: &mut Fields, name: &str) {
    fields.retain(|(field, _)| field != name);
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    let mut named = fields.iter_mut().filter(|(field, _)| field == name);
    if let Some((_, old)) = named.next() {
        value.clone_into(old);
    }
}

/// Adds a pseudo-header field after the others of them.
fn add_pseudo(fields: &mut Fields, name: &str, value: &str) {
    fields.insert(1, (name.to_owned(), value.to_owned()));
}

/// The requests that a server has to refuse.
const REFUSED: &[Entry] = &[
    ("28.2.2", &rules::WEBSOCKET, "without :protocol", |it| {
        remove(it, ":protocol")
    }),
    (
        "28.2.3",
        &rules::WEBSOCKET,
        "with :protocol = unknown",
        |it| set(it, ":protocol", "unknown"),
    ),
    ("28.2.4", &rules::REPEATED, "with :protocol twice", |it| {
        add_pseudo(it, ":protocol", "websocket");
    }),
    (
        "28.2.5",
        &rules::WEBSOCKET,
        "with GET instead of CONNECT",
        |it| set(it, ":method", "GET"),
    ),
    ("28.2.6", &rules::SCHEME_AND_PATH, "without :scheme", |it| {
        remove(it, ":scheme")
    }),
    ("28.2.7", &rules::SCHEME_AND_PATH, "without :path", |it| {
        remove(it, ":path")
    }),
    ("28.2.8", &rules::EMPTY_PATH, "with an empty :path", |it| {
        set(it, ":path", "")
    }),
    ("28.2.9", &rules::AUTHORITY, "without :authority", |it| {
        remove(it, ":authority")
    }),
    (
        "28.2.10",
        &rules::CONNECTION_FIELDS,
        "with `connection: upgrade`",
        |it| {
            add(it, "connection", "upgrade");
        },
    ),
    (
        "28.2.11",
        &rules::CONNECTION_FIELDS,
        "with `upgrade: websocket`",
        |it| {
            add(it, "upgrade", "websocket");
        },
    ),
    (
        "28.2.12",
        &rules::CONNECTION_FIELDS,
        "with `transfer-encoding: chunked`",
        |it| {
            add(it, "transfer-encoding", "chunked");
        },
    ),
    (
        "28.2.13",
        &rules::LOWER_CASE,
        "with a name in capitals, `X-Name`",
        |it| {
            add(it, "X-Name", "a");
        },
    ),
    (
        "28.2.14",
        &rules::PSEUDO_FIRST,
        "with :protocol after other fields",
        |it| {
            remove(it, ":protocol");
            add(it, ":protocol", "websocket");
        },
    ),
    (
        "28.2.15",
        &rules::OTHER_HOST,
        "with `host` other than :authority",
        |it| {
            add(it, "host", "other.example");
        },
    ),
    (
        "28.2.16",
        &rules::SAME_FIELDS,
        "with `sec-websocket-version: 12`",
        |it| {
            set(it, "sec-websocket-version", "12");
        },
    ),
];

/// The requests that a server has to accept.
const OPENED: &[Entry] = &[
    ("28.2.17", &rules::NO_KEY, "with a key", |it| {
        add(it, "sec-websocket-key", SAMPLE_KEY)
    }),
    (
        "28.2.18",
        &rules::NO_KEY,
        "with a key that is no base64",
        |it| {
            add(it, "sec-websocket-key", "?");
        },
    ),
    (
        "28.2.19",
        &rules::SAME_FIELDS,
        "with an unknown extension and an unknown field",
        |it| {
            add(it, "sec-websocket-extensions", "unknown; a=b");
            add(it, "x-unknown", "a");
        },
    ),
];

fn refused(&(id, rule, what, change): &Entry) -> Case {
    let case = begun(id, Server, TITLE, rule, move |http2| {
        let stream = ask(http2, change)?;
        at(rule.level, http2.expect_refused(stream))
    });
    case.see(&["RFC 9113 §8.1.1"])
        .does(format!("Sends a request {what}."))
        .wants(
            "The server refuses the request: with an error status, or an error of the stream or \
             of the connection.",
        )
}

fn opening(&(id, rule, what, change): &Entry) -> Case {
    let case = begun(id, Server, TITLE, rule, move |http2| {
        let stream = ask(http2, change)?;
        let opened = http2.expect_opened(stream);
        let mut socket = match rule.level {
            Level::Must => opened?,
            Level::Should | Level::Informational => opened.or_should()?,
        };
        http2.expect_to_be_alive(&mut socket)?;
        passed("The server opened the stream, and echoed.")
    });
    case.does(format!("Sends a request {what}, and a message."))
        .wants("The server opens the stream, and sends the message back.")
}

fn ask(http2: &mut Http2<'_, '_>, change: fn(&mut Fields)) -> Result<u32, Miss> {
    http2.expect_settings()?;
    let mut request = http2.request();
    change(&mut request);
    http2.ask(&request)
}

fn answered() -> Case {
    let case = begun("28.2.1", Server, TITLE, &rules::SUCCESS, |http2| {
        let stream = ask(http2, |_| {})?;
        let head = http2.expect_head(stream)?;
        let has = |name: &str| head.iter().any(|(field, _)| field == name);
        for name in [
            "connection",
            "upgrade",
            "transfer-encoding",
            "content-length",
        ] {
            if has(name) {
                return Miss::must(format!("The answer of the server has `{name}`."));
            }
        }
        let mut socket = http2.expect_opened(stream)?;
        http2.expect_to_be_alive(&mut socket)?;
        match has("sec-websocket-accept") {
            true => Miss::should("The answer of the server has `sec-websocket-accept`."),
            false => passed("The server opened the stream, and echoed."),
        }
    });
    case.see(&["RFC 8441 §5", "RFC 9113 §8.2.2", "RFC 9110 §9.3.6"])
        .does("Sends a correct request, and a message.")
        .wants(
            "The server answers with status 200 and no field of HTTP/1.1, and sends the message \
             back.",
        )
}

/// Opens a stream with a head in this form, and expects an echo.
fn expect_echo_after(http2: &mut Http2<'_, '_>, form: impl Fn(Frame) -> Vec<Frame>) -> Outcome {
    http2.expect_settings()?;
    let request = http2.request();
    let stream = http2.new_stream(&request);
    http2.send_together(&form(Frame::headers(stream, &request)))?;
    let mut socket = http2.expect_opened(stream)?;
    http2.expect_to_be_alive(&mut socket)?;
    passed("The server opened the stream, and echoed.")
}

fn continued() -> Case {
    let case = begun("28.2.20", Server, TITLE, &rules::CONTINUED, |http2| {
        expect_echo_after(http2, in_continuations)
    });
    case.does("Sends a request in HEADERS and two CONTINUATION frames, and a message.")
        .wants("The server opens the stream, and sends the message back.")
}

/// Splits HEADERS into three frames. Servers limit the number of CONTINUATION frames.
pub(super) fn in_continuations(head: Frame) -> Vec<Frame> {
    let pieces = head.payload.chunks(head.payload.len() / 3 + 1).zip(0..);
    let kind = |number| {
        if number == 0 {
            kind::HEADERS
        } else {
            kind::CONTINUATION
        }
    };
    let mut frames: Vec<_> = pieces
        .map(|(piece, number)| Frame::new(kind(number), head.stream, piece))
        .collect();
    if let Some(last) = frames.last_mut() {
        last.flags |= flag::END_HEADERS;
    }
    frames
}

fn padded() -> Case {
    let case = begun("28.2.21", Server, TITLE, &rules::PADDED_HEAD, |http2| {
        expect_echo_after(http2, with_padding)
    });
    case.does("Sends a request in HEADERS with a priority and 255 bytes of padding, and a message.")
        .wants("The server opens the stream, and sends the message back.")
}

/// Adds a priority and padding to HEADERS.
pub(super) fn with_padding(mut head: Frame) -> Vec<Frame> {
    head.payload.splice(0..0, [0, 0, 0, 0, 15]);
    vec![head.with(flag::PRIORITY).padded(u8::MAX)]
}

fn ended() -> Case {
    let case = begun("28.2.22", Server, TITLE, &rules::ORDERLY_LOST, |http2| {
        http2.expect_settings()?;
        let request = http2.request();
        let stream = http2.new_stream(&request);
        http2.send(&Frame::headers(stream, &request).with(flag::END_STREAM))?;
        at(rules::ORDERLY_LOST.level, http2.expect_end(stream))
    });
    case.see(&["RFC 6455 §7.2.1"])
        .does("Sends a correct request with END_STREAM.")
        .wants("The server ends its direction of the stream, whatever its answer is.")
}
