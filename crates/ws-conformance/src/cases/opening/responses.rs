//! 22.2: responses to a client.

use crate::case::Case;
use crate::case::Roles::Client;
use crate::deflate::{DEFLATE, Extension};
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::http::Head;
use crate::http::ReadRequest;
use crate::wire::Frame;

const TITLE: &str = "Opening handshake of a client: responses";
const RULES: &[&str] = &["RFC 6455 §4.1"];
const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

pub(super) fn cases() -> Vec<Case> {
    [accepts(), tokens(), statuses(), negotiated(), deflate()]
        .into_iter()
        .flatten()
        .chain([
            near_miss(),
            unoffered_client_bits(),
            larger_window(),
            early_hints(),
            content_length(),
        ])
        .collect()
}

#[rustfmt::skip]
fn accepts() -> Vec<Case> {
    const ONCE: &[&str] = &["RFC 6455 §4.1", "RFC 6455 §11.3.3"];
    vec![
        refused("22.2.1", RULES, "whose accept value is that of another key", |head| head.set(ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
        refused("22.2.2", RULES, "without Sec-WebSocket-Accept", |head| head.without(ACCEPT)),
        refused("22.2.3", RULES, "whose accept value has the wrong case", |head| {
            let flipped = flipped(head.value(ACCEPT).unwrap_or_default());
            head.set(ACCEPT, &flipped)
        }),
        refused("22.2.4", ONCE, "with a wrong accept value behind the right one, in a line of its own", |head| {
            head.add(ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        }),
        accepted("22.2.5", RULES, "whose accept value has spaces and tabs around it", |head| {
            let spaced = format!(" \t {} \t ", head.value(ACCEPT).unwrap_or_default());
            head.set(ACCEPT, &spaced)
        }),
    ]
}

fn flipped(text: &str) -> String {
    let flip = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    text.chars().map(flip).collect()
}

#[rustfmt::skip]
fn tokens() -> Vec<Case> {
    vec![
        refused("22.2.6", RULES, "without Upgrade", |head| head.without("Upgrade")),
        refused("22.2.7", RULES, "with `Upgrade: foo`", |head| head.set("Upgrade", "foo")),
        refused("22.2.8", RULES, "without Connection", |head| head.without("Connection")),
        refused("22.2.9", RULES, "with `Connection: keep-alive`", |head| head.set("Connection", "keep-alive")),
        accepted("22.2.10", RULES, "with `UpGrAdE: WebSocket` and `Connection: keep-alive, UPGRADE`", |head| {
            head.set("UpGrAdE", "WebSocket").set("Connection", "keep-alive, UPGRADE")
        }),
    ]
}

#[rustfmt::skip]
fn statuses() -> Vec<Case> {
    let status = |id, line: &'static str| {
        refused(id, RULES, &format!("that is right but for its first line, `{line}`,"), move |head| {
            head.first_line(line).add("Content-Length", "0")
        })
    };
    vec![
        status("22.2.11", "HTTP/1.1 200 OK"),
        status("22.2.12", "HTTP/1.1 400 Bad Request"),
        status("22.2.13", "HTTP/1.1 401 Unauthorized"),
        status("22.2.14", "HTTP/1.1 403 Forbidden"),
        status("22.2.15", "HTTP/1.1 426 Upgrade Required"),
        status("22.2.16", "HTTP/1.1 503 Service Unavailable"),
        status("22.2.17", "HTTP/1.1 302 Found"),
        refused("22.2.19", &["RFC 6455 §4.1", "RFC 9110 §15.2"], "of HTTP/1.0", |head| {
            head.first_line("HTTP/1.0 101 Switching Protocols")
        }),
    ]
}

#[rustfmt::skip]
fn negotiated() -> Vec<Case> {
    vec![
        refused("22.2.20", RULES, "with a subprotocol that was not offered", |head| head.add(PROTOCOL, "never-offered")),
        refused("22.2.21", RULES, "with two subprotocols", |head| head.add(PROTOCOL, "one").add(PROTOCOL, "two")),
        refused("22.2.23", &["RFC 6455 §4.1", "RFC 6455 §9.1"], "with an extension that was not offered", |head| head.add(EXTENSIONS, "x-never-offered")),
    ]
}

#[rustfmt::skip]
fn deflate() -> Vec<Case> {
    let wrong = |id, rules, list: &'static str| {
        refused(id, rules, &format!("with the extension `{list}`"), move |head| head.add(EXTENSIONS, list))
    };
    vec![
        wrong("22.2.24", &["RFC 7692 §5.1"], "permessage-deflate, permessage-deflate"),
        wrong("22.2.25", &["RFC 7692 §7.1"], "permessage-deflate; x_unknown"),
        wrong("22.2.26", &["RFC 7692 §7.1"], "permessage-deflate; server_no_context_takeover; server_no_context_takeover"),
        wrong("22.2.27", &["RFC 7692 §7.1.2.1"], "permessage-deflate; server_max_window_bits=16"),
        wrong("22.2.28", &["RFC 7692 §7.1.2.2"], "permessage-deflate; client_max_window_bits"),
        wrong("22.2.30", &["RFC 7692 §7.1.1.1"], "permessage-deflate; server_no_context_takeover=1"),
    ]
}

/// A response with a change that makes it one that opens no connection.
fn refused(
    id: &str,
    rules: &'static [&'static str],
    sends: &str,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Client, TITLE, rules, move |peer| refuses(peer, &change));
    refuses_it(case, sends)
}

fn refuses_it(case: Case, sends: &str) -> Case {
    case.does(format!("Sends a response {sends} and, with it, a message."))
        .wants("The client sends nothing and ends TCP.")
}

fn refuses(peer: &mut Peer<'_>, change: &impl Fn(Head) -> Head) -> Outcome {
    let answer = peer.answer().with(change);
    let message = peer.encoded(&Frame::text("Are you there?"));
    peer.note_answer(&answer);
    peer.send_octets(&[answer.head.octets(), message].concat())?;
    peer.expect_not_opened()
}

/// A response with a change that changes nothing in what it says.
fn accepted(
    id: &str,
    rules: &'static [&'static str],
    sends: &str,
    change: fn(Head) -> Head,
) -> Case {
    let case = Case::new(id, Client, TITLE, rules, move |peer| {
        let answer = peer.answer().with(change);
        peer.send_answer(&answer)?;
        peer.opened();
        peer.expect_to_be_alive()?;
        passed("The client opened the connection and echoed.")
    });
    accepts_it(case, sends)
}

fn accepts_it(case: Case, sends: &str) -> Case {
    case.does(format!("Sends a response {sends}, then a message."))
        .wants("The client opens the connection and echoes.")
}

/// Subprotocols have to be equal letter by letter.
fn near_miss() -> Case {
    let case = Case::new("22.2.22", Client, TITLE, RULES, |peer| {
        let request = ReadRequest::read(peer.client_head());
        let offered = request
            .map(|request| request.items(PROTOCOL))
            .unwrap_or_default();
        let chosen = offered
            .first()
            .map_or("chat".to_owned(), |name| flipped(name));
        refuses(peer, &|head| head.add(PROTOCOL, &chosen))
    });
    refuses_it(
        case,
        "with an offered subprotocol in the wrong case, or any if none was offered,",
    )
}

/// Only a client that did not offer this parameter can be tested.
fn unoffered_client_bits() -> Case {
    let case = Case::new("22.2.29", Client, TITLE, &["RFC 7692 §7.1.2.2"], |peer| {
        if offers(peer)
            .iter()
            .any(|offer| offer.has("client_max_window_bits"))
        {
            peer.open()?;
            return passed(
                "The client offers client_max_window_bits, so nothing is wrong with it.",
            );
        }
        let list = format!("{DEFLATE}; client_max_window_bits=15");
        refuses(peer, &|head| head.add(EXTENSIONS, &list))
    });
    refuses_it(
        case,
        "with client_max_window_bits, if that was not offered,",
    )
}

/// Only a client that asks for a small window can be tested.
fn larger_window() -> Case {
    let case = Case::new("22.2.31", Client, TITLE, &["RFC 7692 §7.1.2.1"], |peer| {
        let offers = offers(peer);
        let bits = offers
            .iter()
            .map(|offer| offer.number("server_max_window_bits").unwrap_or(15));
        let most = bits.max().unwrap_or(0);
        if most >= 15 {
            peer.open()?;
            return passed("The client asks for no smaller window, so nothing is too large.");
        }
        let list = format!("{DEFLATE}; server_max_window_bits={}", most.max(8) + 1);
        refuses(peer, &|head| head.add(EXTENSIONS, &list))
    });
    refuses_it(
        case,
        "with a larger server_max_window_bits than asked for, if any was,",
    )
}

fn offers(peer: &Peer<'_>) -> Vec<Extension> {
    let request = ReadRequest::read(peer.client_head());
    let lines = request.as_ref().map(|request| request.all(EXTENSIONS));
    let offers = Extension::list(&lines.unwrap_or_default());
    offers.into_iter().filter(Extension::is_deflate).collect()
}

fn early_hints() -> Case {
    let case = Case::new("22.2.18", Client, TITLE, &["RFC 9110 §15.2"], |peer| {
        peer.send_octets(b"HTTP/1.1 103 Early Hints\r\nX-Hint: a\r\n\r\n")?;
        peer.open()?;
        peer.expect_to_be_alive()?;
        passed("The client opened the connection and echoed.")
    });
    accepts_it(case, "with status 103 and then one with 101")
}

fn content_length() -> Case {
    let rules = &["RFC 9110 §8.6", "RFC 9110 §15.2.2"];
    let case = Case::new("22.2.38", Client, TITLE, rules, |peer| {
        let answer = peer.answer().with(|head| head.add("Content-Length", "10"));
        peer.send_answer(&answer)?;
        peer.opened();
        match peer.expect_to_be_alive() {
            Ok(()) => passed("The client opened the connection and echoed."),
            Err(Miss::CutOff) => Err(Miss::CutOff),
            Err(_) => Miss::should("The client refused, or took frames for a body."),
        }
    });
    accepts_it(case, "with `Content-Length: 10`").informational()
}
