//! Clients that take responses that they have to refuse, or refuse them in a wrong way.

use std::time::Duration;

use super::Reaction;
use super::checks::status;
use super::list::{Entry, KEY, PROTOCOL};
use crate::opening::extensions::HEADER;
use crate::opening::head::accept;

/// Clients that take a wrong response.
pub(super) const TAKING: &[Entry] = &[
    ("nothing-checked", "checks nothing in a response", |it| {
        it.checks.clear()
    }),
    (
        "accept-case-insensitive",
        "compares the accept value without case",
        |it| {
            it.checks.set("accept", |it| {
                let key = it.request.all(KEY).concat();
                let expected = accept(&key);
                let mut values = it.response.all("Sec-WebSocket-Accept").into_iter();
                values.all(|value| value.eq_ignore_ascii_case(&expected))
            });
        },
    ),
    (
        "protocol-case-insensitive",
        "compares subprotocols without case",
        |it| {
            it.checks.set("protocol", |it| {
                let offered = it.request.items(PROTOCOL);
                let chosen = it.response.one(PROTOCOL);
                chosen.is_none_or(|it| offered.iter().any(|item| item.eq_ignore_ascii_case(it)))
            });
        },
    ),
    ("2xx-taken", "takes each status of 2xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('2')
        });
    }),
    ("3xx-taken", "takes each status of 3xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('3')
        });
    }),
    ("4xx-taken", "takes each status of 4xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('4')
        });
    }),
    ("5xx-taken", "takes each status of 5xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('5')
        });
    }),
    ("head-unlimited", "reads heads of any length", |it| {
        it.reading.limit = usize::MAX
    }),
    (
        "waits-forever",
        "waits for a response without a limit",
        |it| {
            it.reading.patience = Duration::from_secs(60 * 60);
        },
    ),
    (
        "window-unasked",
        "asks for a small window, and does not check the answer",
        |it| {
            it.change = |it| it.set(HEADER, "permessage-deflate; server_max_window_bits=10");
            it.checks.drop("server-window-asked");
        },
    ),
    (
        "plain-client-window",
        "offers no client_max_window_bits, and takes it",
        |it| {
            it.change = |it| it.set(HEADER, "permessage-deflate");
            it.checks.drop("client-window-unasked");
        },
    ),
];

/// Clients that refuse a wrong response in a wrong way.
pub(super) const REFUSING: &[Entry] = &[
    (
        "refuses-in-silence",
        "leaves TCP open after a wrong response",
        |it| {
            it.react = |_| Reaction::Silence;
        },
    ),
    (
        "refuses-with-close",
        "sends a Close after a wrong response",
        |it| {
            it.react = |_| Reaction::Send(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xea]);
        },
    ),
    (
        "end-unseen",
        "waits on when TCP ends within a response",
        |it| {
            it.react = |reason| match reason {
                "end" => Reaction::Nothing,
                _ => Reaction::End,
            };
        },
    ),
    (
        "no-http-in-silence",
        "waits on after what is not HTTP",
        |it| {
            it.react = |reason| match reason {
                "http" => Reaction::Silence,
                _ => Reaction::End,
            };
        },
    ),
];
