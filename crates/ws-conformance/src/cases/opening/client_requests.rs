//! 22.1: the request of a client.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::rules;
use crate::case::Roles::Client;
use crate::case::{Case, Rule};
use crate::dialogue::{Miss, passed};
use crate::http::ReadRequest;

const TITLE: &str = "Opening handshake of a client: its request";

pub(super) fn cases() -> Vec<Case> {
    vec![
        right(
            "22.1.1",
            "the first line",
            &rules::METHOD,
            "It has GET and HTTP/1.1.",
            |request| request.method == "GET" && request.version == 1,
        ),
        keys(),
        right(
            "22.1.3",
            "the target",
            &rules::TARGET,
            "It has no fragment.",
            |request| !request.target.contains('#'),
        )
        .see(&["RFC 9112 §3.2"]),
        right(
            "22.1.4",
            "Host",
            &rules::SENT_HOST,
            "It occurs once and is a host.",
            |request| only(request, "Host").is_some_and(is_host),
        )
        .see(&["RFC 9112 §3.2"]),
        right(
            "22.1.5",
            "Upgrade",
            &rules::SENT_UPGRADE,
            "It lists `websocket`.",
            |request| lists(request, "Upgrade", "websocket"),
        ),
        right(
            "22.1.6",
            "Connection",
            &rules::SENT_CONNECTION,
            "It lists `Upgrade`.",
            |request| lists(request, "Connection", "Upgrade"),
        ),
        right(
            "22.1.7",
            "Sec-WebSocket-Key",
            &rules::SENT_KEY,
            "It occurs once and is the base64 form of 16 bytes.",
            |request| {
                let key = only(request, "Sec-WebSocket-Key");
                let key = key.and_then(|key| BASE64_STANDARD.decode(key).ok());
                key.is_some_and(|key| key.len() == 16)
            },
        )
        .see(&["RFC 6455 §11.3.1"]),
        right(
            "22.1.8",
            "Sec-WebSocket-Version",
            &rules::SENT_VERSION,
            "It occurs once and is 13.",
            |request| only(request, "Sec-WebSocket-Version") == Some("13"),
        )
        .see(&["RFC 6455 §11.3.5"]),
        protocols(),
        right(
            "22.1.10",
            "Origin",
            &rules::ONE_ORIGIN,
            "It is there once, or not at all.",
            |request| request.all("Origin").len() <= 1,
        ),
    ]
}

fn keys() -> Case {
    let case = Case::new("22.1.2", Client, TITLE, &rules::NEW_KEY, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        match peer.key_is_new() {
            true => passed("The client used this key for no other connection."),
            false => Miss::must("The client used this key for another connection before."),
        }
    });
    case.does("Compares the client's key with those of its other connections.")
        .wants("The key is a new one.")
}

fn protocols() -> Case {
    let case = Case::new("22.1.9", Client, TITLE, &rules::SENT_PROTOCOLS, |peer| {
        let request = ReadRequest::read(peer.client_head());
        peer.open()?;
        peer.expect_to_be_alive()?;
        let Some(request) = request else {
            return Miss::must("The client's request is not HTTP.");
        };
        let mut names = request.items("Sec-WebSocket-Protocol");
        if request.all("Sec-WebSocket-Protocol").is_empty() {
            return Miss::not_applicable("The client offers no subprotocol.");
        }
        if names.is_empty() || !names.iter().all(|name| is_token(name)) {
            return Miss::must(format!(
                "The client offers {names:?}, which are not all tokens."
            ));
        }
        let offered = names.len();
        names.sort();
        names.dedup();
        match names.len() == offered {
            true => passed(format!("The client offers {names:?}.")),
            false => Miss::must("The client offers a subprotocol twice."),
        }
    });
    case.see(&["RFC 6455 §11.3.4"])
        .does("Checks Sec-WebSocket-Protocol in the client's request.")
        .wants("Each subprotocol is a token and occurs once.")
}

/// Returns a case that checks a part of the request and then sends a message, which the client
/// echoes.
fn right(
    id: &str,
    part: &'static str,
    rule: &'static Rule,
    wants: &str,
    is_right: fn(&ReadRequest) -> bool,
) -> Case {
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        let request = ReadRequest::read(peer.client_head());
        peer.open()?;
        peer.expect_to_be_alive()?;
        match request {
            Some(request) if is_right(&request) => {
                passed(format!("In the client's request, {part} is right."))
            }
            Some(_) => Miss::must(format!("In the client's request, {part} is wrong.")),
            None => Miss::must("The client's request is not HTTP."),
        }
    });
    case.does(format!(
        "Checks {part} in the client's request, opens the connection, and sends a message."
    ))
    .wants(format!("{wants} The client echoes the message."))
}

/// Returns the value of a header that is there once.
fn only<'a>(request: &'a ReadRequest, name: &str) -> Option<&'a str> {
    match request.all(name)[..] {
        [value] => Some(value),
        _ => None,
    }
}

fn lists(request: &ReadRequest, name: &str, token: &str) -> bool {
    let items = request.items(name);
    items.iter().any(|item| item.eq_ignore_ascii_case(token))
}

/// Returns `true` for a name or an address, with a port or without. The right one is unknown after
/// a port that was mapped.
fn is_host(host: &str) -> bool {
    host.parse::<::http::uri::Authority>()
        .is_ok_and(|authority| !authority.host().is_empty() && !host.contains('@'))
}

fn is_token(name: &str) -> bool {
    let separators = "()<>@,;:\\\"/[]?={}";
    name.bytes()
        .all(|byte| byte.is_ascii_graphic() && !separators.contains(char::from(byte)))
}
