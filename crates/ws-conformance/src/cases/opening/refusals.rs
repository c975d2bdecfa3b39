//! 20.2 to 20.5: requests that a server has to refuse.

use crate::case::Case;
use crate::case::Roles::Server;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::http::Head;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::http::SAMPLE_KEY;

const KEYS: &str = "Opening handshake: wrong keys";
const UPGRADES: &str = "Opening handshake: requests for something else";
const VERSIONS: &str = "Opening handshake: wrong versions";
const HTTP: &str = "Opening handshake: wrong HTTP";

/// With which status a request is to be refused.
type Statuses = &'static [u16];
/// Any that tells of an error.
const ANY: Statuses = &[];
const BAD_REQUEST: Statuses = &[400];

pub(super) fn cases() -> Vec<Case> {
    [keys(), upgrades(), versions(), http()]
        .into_iter()
        .flatten()
        .collect()
}

#[rustfmt::skip]
fn keys() -> Vec<Case> {
    const RULES: &[&str] = &["RFC 6455 §4.2.1"];
    let key = |id, sends, rules, key: fn() -> String| {
        refused(id, KEYS, sends, rules, ANY, move |head| head.set("Sec-WebSocket-Key", &key()))
    };
    vec![
        refused("20.2.1", KEYS, "without Sec-WebSocket-Key", RULES, ANY, |head| head.without("Sec-WebSocket-Key")),
        key("20.2.2", "with a key of 15 octets", RULES, || BASE64_STANDARD.encode([7; 15])),
        key("20.2.3", "with a key of 17 octets", RULES, || BASE64_STANDARD.encode([7; 17])),
        key("20.2.4", "with an empty key", RULES, String::new),
        key("20.2.5", "with a key that has a character outside base64", &["RFC 6455 §4.2.1", "RFC 6455 §4.3"], || SAMPLE_KEY.replace('G', "!")),
        key("20.2.6", "with a key without its padding", &["RFC 6455 §4.2.1", "RFC 6455 §4.3"], || SAMPLE_KEY.replace('=', "")),
        refused("20.2.7", KEYS, "with two keys", &["RFC 6455 §11.3.1"], ANY, |head| head.add("Sec-WebSocket-Key", SAMPLE_KEY)),
        trailing_bits(),
    ]
}

#[rustfmt::skip]
fn upgrades() -> Vec<Case> {
    let refused = |id, sends, change: fn(Head) -> Head| {
        refused(id, UPGRADES, sends, &["RFC 6455 §4.2.1"], ANY, change)
    };
    vec![
        refused("20.3.1", "without Upgrade", |head| head.without("Upgrade")),
        refused("20.3.2", "with `Upgrade: h2c`", |head| head.set("Upgrade", "h2c")),
        refused("20.3.3", "with `Upgrade: websocketx`", |head| head.set("Upgrade", "websocketx")),
        refused("20.3.4", "without Connection", |head| head.without("Connection")),
        refused("20.3.5", "with `Connection: close`", |head| head.set("Connection", "close")),
        refused("20.3.6", "with `Connection: upgraded`", |head| head.set("Connection", "upgraded")),
    ]
}

#[rustfmt::skip]
fn versions() -> Vec<Case> {
    let malformed = |id, sends, version: &'static str| {
        refused(id, VERSIONS, sends, &["RFC 6455 §4.3"], ANY, move |head| head.set("Sec-WebSocket-Version", version))
    };
    vec![
        other_version("20.4.1", "12"),
        other_version("20.4.2", "14"),
        other_version("20.4.3", "0"),
        refused("20.4.4", VERSIONS, "without Sec-WebSocket-Version", &["RFC 6455 §4.2.1"], ANY, |head| head.without("Sec-WebSocket-Version")),
        malformed("20.4.5", "with version 013", "013"),
        malformed("20.4.6", "with version +13", "+13"),
        malformed("20.4.7", "with version 13a", "13a"),
        malformed("20.4.8", "with version 256", "256"),
        refused("20.4.9", VERSIONS, "with two versions, 13 and 8, each in a line of its own", &["RFC 6455 §11.3.5"], ANY, |head| head.add("Sec-WebSocket-Version", "8")),
    ]
}

#[rustfmt::skip]
fn http() -> Vec<Case> {
    let bad = |id, sends, rules, change: fn(Head) -> Head| refused(id, HTTP, sends, rules, BAD_REQUEST, change);
    let refused = |id, sends, rules, change: fn(Head) -> Head| refused(id, HTTP, sends, rules, ANY, change);
    vec![
        bad("20.5.1", "without Host", &["RFC 9112 §3.2"], |head| head.without("Host")),
        bad("20.5.2", "with two Host lines", &["RFC 9112 §3.2"], |head| head.add("Host", "elsewhere")),
        bad("20.5.3", "with a space within its Host", &["RFC 9112 §3.2"], |head| head.set("Host", "some where")),
        refused("20.5.4", "with the method POST", &["RFC 6455 §4.1", "RFC 6455 §4.2.1"], |head| head.with_method("POST")),
        refused("20.5.5", "with the method HEAD", &["RFC 6455 §4.1", "RFC 6455 §4.2.1"], |head| head.with_method("HEAD")),
        refused("20.5.6", "of HTTP/1.0", &["RFC 6455 §4.2.1"], |head| head.with_version("HTTP/1.0")),
        refused("20.5.7", "that says HTTP/2.0", &["RFC 6455 §4.2.1"], |head| head.with_version("HTTP/2.0")),
        bad("20.5.10", "with a space before the colon of a header", &["RFC 9112 §5.1"], |head| head.add("X-Test ", "a")),
        refused("20.5.12", "in which websocket stands behind a lone CR within another header", &["RFC 9112 §2.2", "RFC 9110 §5.5"],
            |head| head.without("Upgrade").add("X-Test", "a\rUpgrade: websocket")),
        refused("20.5.13", "with a NUL within its Upgrade", &["RFC 9110 §5.5"], |head| head.set("Upgrade", "web\0socket")),
    ]
}

/// A request with a change that makes it wrong.
fn refused(
    id: &str,
    title: &'static str,
    sends: &str,
    rules: &'static [&'static str],
    statuses: Statuses,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Server, title, rules, move |peer| {
        send(peer, &change)?;
        match statuses {
            [] => passed(format!(
                "The server refused with {}.",
                peer.expect_refusal()?.status
            )),
            statuses => peer.expect_status(statuses),
        }
    });
    let wants = match statuses {
        [] => "An error status, not 101.".to_owned(),
        statuses => format!("Status {statuses:?}, not 101."),
    };
    case.does(format!("Sends a request {sends}.")).wants(wants)
}

fn send(peer: &mut Peer<'_>, change: &impl Fn(Head) -> Head) -> Result<(), Miss> {
    let request = peer.request().with(change);
    peer.send_request(&request)
}

fn other_version(id: &str, version: &'static str) -> Case {
    let rules = &["RFC 6455 §4.2.2", "RFC 6455 §4.4", "RFC 9110 §15.5.22"];
    let case = Case::new(id, Server, VERSIONS, rules, move |peer| {
        send(peer, &|head| head.set("Sec-WebSocket-Version", version))?;
        let response = peer.expect_refusal()?;
        let status = response.status;
        if !response
            .items("Sec-WebSocket-Version")
            .iter()
            .any(|known| known == "13")
        {
            return Miss::must(format!(
                "The server refused with {status}, but does not say that it knows version 13."
            ));
        }
        match status {
            400 | 426 => passed(format!(
                "The server refused with {status} and says that it knows version 13."
            )),
            _ => Miss::should(format!("The server refused with {status}; 426 says why.")),
        }
    });
    case.does(format!("Sends a request with version {version}."))
        .wants("Status 426, or 400, and `Sec-WebSocket-Version` with 13.")
}

fn trailing_bits() -> Case {
    let case = Case::new("20.2.8", Server, KEYS, &["RFC 4648 §3.5"], |peer| {
        let request = peer.request();
        let request =
            request.with(|head| head.set("Sec-WebSocket-Key", &SAMPLE_KEY.replace("Q==", "R==")));
        peer.send_request(&request)?;
        opened_or_refused(peer, &request)
    });
    case.does("Sends a request whose key has bits behind its last octet that are not zero.")
        .wants(
            "Nothing: 101 with the answer to the key as it was sent, and an error, are both fine.",
        )
        .informational()
}

/// For requests that may be accepted or refused.
pub(in crate::cases) fn opened_or_refused(
    peer: &mut Peer<'_>,
    request: &crate::http::Request,
) -> Outcome {
    match peer.expect_opened_or_refused(request)?.status {
        101 => {
            peer.expect_to_be_alive()?;
            passed("The server opened the connection and echoed.")
        }
        status => passed(format!("The server refused with {status}.")),
    }
}
