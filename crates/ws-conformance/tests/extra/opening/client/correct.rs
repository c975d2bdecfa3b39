//! Correct clients that use a freedom.

use std::time::Duration;

use super::Reaction;
use super::list::{Entry, PROTOCOL};
use crate::opening::extensions::HEADER;

pub(super) const ALL: &[Entry] = &[
    ("compresses", "offers to compress", |_| {}),
    (
        "offers-nothing",
        "offers no subprotocol and no extension",
        |it| {
            it.change = |it| {
                it.remove(HEADER);
                it.remove(PROTOCOL);
            };
        },
    ),
    (
        "offers-plain-deflate",
        "offers permessage-deflate without parameters",
        |it| {
            it.change = |it| it.set(HEADER, "permessage-deflate");
        },
    ),
    (
        "asks-for-small-window",
        "asks for a window of 10 bits",
        |it| {
            it.change = |it| it.set(HEADER, "permessage-deflate; server_max_window_bits=10");
        },
    ),
    (
        "sends-origin",
        "sends an Origin, and lists in Upgrade and Connection",
        |it| {
            it.change = |it| {
                it.add("Origin", "http://localhost");
                it.set("upgrade", "other, WebSocket");
                it.set("connection", "keep-alive, upgrade");
            };
        },
    ),
    (
        "asks-again",
        "follows a redirection, over the same connection",
        |it| {
            it.react = |reason| match reason {
                "status" => Reaction::Send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                _ => Reaction::End,
            };
        },
    ),
    (
        "waits-forever",
        "waits for a response without a limit",
        |it| it.reading.patience = Duration::MAX,
    ),
    (
        "upgrade-no-list",
        "compares all of Upgrade with `websocket`",
        |it| {
            it.checks.set("upgrade", |it| {
                let values = it.response.all("Upgrade");
                values.iter().any(|it| it.eq_ignore_ascii_case("websocket"))
            });
        },
    ),
];
