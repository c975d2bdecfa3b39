//! Clients that send a wrong request.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::list::{Entry, KEY, PROTOCOL, VERSION};
use super::new_nonce;

pub(super) const ALL: &[Entry] = &[
    ("asks-with-post", "asks with POST", |it| {
        it.change = |it| it.first = it.first.replacen("GET", "POST", 1);
    }),
    ("asks-with-1.0", "asks with HTTP/1.0", |it| {
        it.change = |it| it.first = it.first.replace("HTTP/1.1", "HTTP/1.0");
    }),
    (
        "asks-with-fragment",
        "sends a fragment in the target",
        |it| {
            it.change = |it| it.first = it.first.replace(" HTTP", "#fragment HTTP");
        },
    ),
    ("asks-without-host", "sends no Host", |it| {
        it.change = |it| it.remove("Host")
    }),
    ("asks-two-hosts", "sends two Host lines", |it| {
        it.change = |it| it.add("Host", "localhost")
    }),
    (
        "asks-with-userinfo",
        "sends a user name in the Host",
        |it| {
            it.change = |it| it.set("Host", "user@localhost");
        },
    ),
    ("asks-without-upgrade", "sends no Upgrade", |it| {
        it.change = |it| it.remove("Upgrade")
    }),
    ("asks-without-connection", "sends no Connection", |it| {
        it.change = |it| it.remove("Connection");
    }),
    ("asks-for-version-8", "asks for version 8", |it| {
        it.change = |it| it.set(VERSION, "8")
    }),
    (
        "asks-for-two-versions",
        "asks for versions 13 and 8",
        |it| {
            it.change = |it| it.add(VERSION, "8");
        },
    ),
    ("asks-with-short-key", "sends a key of 15 bytes", |it| {
        it.key = || BASE64_STANDARD.encode(&new_nonce()[1..]);
    }),
    ("asks-with-two-keys", "sends two keys", |it| {
        it.change = |it| it.add(KEY, "dGhlIHNhbXBsZSBub25jZQ==");
    }),
    ("asks-with-two-origins", "sends two Origin lines", |it| {
        it.change = |it| {
            it.add("Origin", "http://localhost");
            it.add("Origin", "http://localhost");
        };
    }),
    ("asks-for-chat-twice", "offers a subprotocol twice", |it| {
        it.change = |it| it.set(PROTOCOL, "chat, chat");
    }),
    (
        "repeats-its-key",
        "sends the same key in each request",
        |it| {
            it.key = || BASE64_STANDARD.encode([7; 16]);
        },
    ),
    (
        "asks-for-no-token",
        "offers a subprotocol with a space in its name",
        |it| {
            it.change = |it| it.set(PROTOCOL, "super chat");
        },
    ),
];
