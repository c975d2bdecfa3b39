//! 22.1: what a client asks for.

use crate::case::Case;
use crate::case::Roles::Client;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::passed;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::http::ReadRequest;

const TITLE: &str = "Opening handshake of a client: its request";

pub(super) fn cases() -> Vec<Case> {
    vec![request(), keys()]
}

fn request() -> Case {
    let rules = &["RFC 6455 §4.1", "RFC 9112 §3.2"];
    let case = Case::new("22.1.1", Client, TITLE, rules, |peer| {
        let request = ReadRequest::read(peer.client_head());
        let outcome = match request {
            Some(request) => judge(&request),
            None => Miss::must("The client's request is not HTTP."),
        };
        peer.open()?;
        outcome
    });
    case.does("Looks at the client's request.").wants(
        "GET, HTTP/1.1, no fragment, one Host, `websocket` in Upgrade, `Upgrade` in Connection, version 13 once, one key of 16 octets, each subprotocol once.",
    )
}

fn judge(request: &ReadRequest) -> Outcome {
    let one = |name| {
        <[&str; 1]>::try_from(request.all(name))
            .ok()
            .map(|[value]| value)
    };
    let lists = |name, token: &str| {
        request
            .items(name)
            .iter()
            .any(|item| item.eq_ignore_ascii_case(token))
    };
    let key = one("Sec-WebSocket-Key").and_then(|key| BASE64_STANDARD.decode(key).ok());
    let mut protocols = request.items("Sec-WebSocket-Protocol");
    let offered = protocols.len();
    protocols.sort();
    protocols.dedup();
    let checks = [
        (request.method == "GET", "the method is not GET"),
        (request.version == 1, "the version is not HTTP/1.1"),
        (!request.target.contains('#'), "the target has a fragment"),
        (
            one("Host").is_some_and(is_host),
            "there is not exactly one right Host",
        ),
        (
            lists("Upgrade", "websocket"),
            "Upgrade does not list websocket",
        ),
        (
            lists("Connection", "Upgrade"),
            "Connection does not list Upgrade",
        ),
        (
            one("Sec-WebSocket-Version") == Some("13"),
            "Sec-WebSocket-Version is not 13, once",
        ),
        (
            key.is_some_and(|key| key.len() == 16),
            "Sec-WebSocket-Key is not one base64 value of 16 octets",
        ),
        (
            request.all("Origin").len() < 2,
            "there is more than one Origin",
        ),
        (protocols.len() == offered, "a subprotocol is offered twice"),
    ];
    match checks.into_iter().find(|(right, _)| !right) {
        Some((_, fault)) => Miss::must(format!("The client's request is wrong: {fault}.")),
        None => passed("The client's request is right."),
    }
}

/// A name or address, with a port or without: which one is right is not known behind a port that
/// was mapped.
fn is_host(host: &str) -> bool {
    host.parse::<::http::uri::Authority>()
        .is_ok_and(|authority| !authority.host().is_empty() && !host.contains('@'))
}

fn keys() -> Case {
    let case = Case::new("22.1.2", Client, TITLE, &["RFC 6455 §4.1"], |peer| {
        peer.open()?;
        match peer.key_is_new() {
            true => passed("The client used this key for no other connection."),
            false => Miss::must("The client used this key for another connection before."),
        }
    });
    case.does("Compares the client's key with those of its other connections.")
        .wants("A new key for each connection.")
}
