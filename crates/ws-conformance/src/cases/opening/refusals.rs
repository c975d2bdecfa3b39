//! 20.2 to 20.4: requests that a server refuses because of the headers of RFC 6455.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::reactions::{ToRequest, expect_server_to_open, expect_server_to_refuse, to_request};
use super::rules;
use crate::case::Roles::Server;
use crate::case::{Case, Rule};
use crate::dialogue::{Miss, passed};
use crate::http::{Head, SAMPLE_KEY};

const KEYS: &str = "Opening handshake: wrong keys";
const UPGRADES: &str = "Opening handshake: requests for something else";
const VERSIONS: &str = "Opening handshake: wrong versions";
const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";

pub(super) fn cases() -> Vec<Case> {
    [keys(), upgrades(), versions()]
        .into_iter()
        .flatten()
        .collect()
}

fn keys() -> Vec<Case> {
    let mismatch = &rules::MISMATCH;
    let grammar = |id, sends, key: fn() -> String| {
        refused(id, KEYS, sends, mismatch, move |head| head.set(KEY, &key()))
            .see(&["RFC 6455 §4.3"])
    };
    let length = |id, sends, len| {
        let key = BASE64_STANDARD.encode(vec![7; len]);
        let rule = &rules::KEY_LENGTH;
        refused(id, KEYS, sends, rule, move |head| head.set(KEY, &key)).see(&["RFC 6455 §4.2.2"])
    };
    vec![
        refused(
            "20.2.1",
            KEYS,
            "without Sec-WebSocket-Key",
            mismatch,
            |head| head.without(KEY),
        ),
        length("20.2.2", "with a key of 15 bytes", 15),
        length("20.2.3", "with a key of 17 bytes", 17),
        grammar("20.2.4", "with an empty key", String::new),
        grammar(
            "20.2.5",
            "with a key that has a character outside base64",
            || SAMPLE_KEY.replace('G', "!"),
        ),
        grammar("20.2.6", "with a key without its padding", || {
            SAMPLE_KEY.replace('=', "")
        }),
        refused("20.2.7", KEYS, "with two keys", &rules::ONE_KEY, |head| {
            head.add(KEY, SAMPLE_KEY)
        }),
        pad_bits(),
    ]
}

fn pad_bits() -> Case {
    let rule = &rules::PAD_BITS;
    let case = Case::new("20.2.8", Server, KEYS, rule, |peer| {
        let key = SAMPLE_KEY.replace("Q==", "R==");
        let request = peer.request().with(|head| head.set(KEY, &key));
        peer.send_request(&request)?;
        expect_server_to_open(peer, &request, rule.level)
    });
    case.see(&["RFC 6455 §4.2.1"])
        .does("Sends a request whose key has bits after its last byte that are not zero.")
        .wants(
            "An error status, or status 101 with the answer to the key as it was sent, and the \
             echo of a message.",
        )
}

fn upgrades() -> Vec<Case> {
    let refused = |id, sends, change: fn(Head) -> Head| {
        refused(id, UPGRADES, sends, &rules::MISMATCH, change)
    };
    vec![
        refused("20.3.1", "without Upgrade", |head| head.without("Upgrade")),
        refused("20.3.2", "with `Upgrade: h2c`", |head| {
            head.set("Upgrade", "h2c")
        }),
        refused("20.3.3", "with `Upgrade: websocketx`", |head| {
            head.set("Upgrade", "websocketx")
        }),
        refused("20.3.4", "without Connection", |head| {
            head.without("Connection")
        }),
        refused("20.3.5", "with `Connection: close`", |head| {
            head.set("Connection", "close")
        }),
        refused("20.3.6", "with `Connection: upgraded`", |head| {
            head.set("Connection", "upgraded")
        }),
        refused("20.3.7", "with an empty Upgrade", |head| {
            head.set("Upgrade", "")
        }),
        refused("20.3.8", "with an empty Connection", |head| {
            head.set("Connection", "")
        }),
    ]
}

fn versions() -> Vec<Case> {
    let malformed = |id, sends, version: &'static str| {
        let change = move |head: Head| head.set(VERSION, version);
        refused(id, VERSIONS, sends, &rules::MISMATCH, change).see(&["RFC 6455 §4.3"])
    };
    vec![
        other_version("20.4.1", "12"),
        other_version("20.4.2", "14"),
        other_version("20.4.3", "0"),
        refused(
            "20.4.4",
            VERSIONS,
            "without Sec-WebSocket-Version",
            &rules::MISMATCH,
            |head| head.without(VERSION),
        ),
        malformed("20.4.5", "with version 013", "013"),
        malformed("20.4.6", "with version +13", "+13"),
        malformed("20.4.7", "with version 13a", "13a"),
        malformed("20.4.8", "with version 256", "256"),
        refused(
            "20.4.9",
            VERSIONS,
            "with two versions, 13 and 8, each in a line of its own",
            &rules::ONE_VERSION,
            |head| head.add(VERSION, "8"),
        ),
    ]
}

/// Returns a case with a request that a change makes wrong.
fn refused(
    id: &str,
    title: &'static str,
    sends: &str,
    rule: &'static Rule,
    change: impl Fn(Head) -> Head + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, Server, title, rule, move |peer| {
        let request = peer.request().with(&change);
        peer.send_request(&request)?;
        expect_server_to_refuse(peer, rule.level)
    });
    case.does(format!("Sends a request {sends}."))
        .wants("The server answers with an error status, not with 101.")
}

fn other_version(id: &str, version: &'static str) -> Case {
    let case = Case::new(id, Server, VERSIONS, &rules::OTHER_VERSION, move |peer| {
        let request = peer.request().with(|head| head.set(VERSION, version));
        peer.send_request(&request)?;
        let response = match to_request(peer)? {
            ToRequest::Refused(response) => response,
            ToRequest::Opened(_) => return Miss::must("The server opened the connection."),
            ToRequest::EndedTcp => return Miss::must("The server ended TCP without a response."),
        };
        let status = response.status;
        if !response.items(VERSION).iter().any(|known| known == "13") {
            return Miss::must(format!(
                "The server refused with status {status} and without `Sec-WebSocket-Version: 13`."
            ));
        }
        match status {
            400 | 426 => passed(format!(
                "The server refused with status {status} and `Sec-WebSocket-Version: 13`."
            )),
            _ => Miss::should(format!("The status is {status} instead of 426 or 400.")),
        }
    });
    case.see(&["RFC 6455 §4.4", "RFC 9110 §15.5.22"])
        .does(format!("Sends a request with version {version}."))
        .wants("The server answers with status 426 or 400 and lists 13 in Sec-WebSocket-Version.")
}
