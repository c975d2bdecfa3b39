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
    ("2xx-taken", "mistakes any status of 2xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('2')
        });
    }),
    ("3xx-taken", "mistakes any status of 3xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('3')
        });
    }),
    ("4xx-taken", "mistakes any status of 4xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('4')
        });
    }),
    ("5xx-taken", "mistakes any status of 5xx for 101", |it| {
        it.checks.set("status", |it| {
            status(it) == "101" || status(it).starts_with('5')
        });
    }),
    (
        "head-unlimited",
        "reads heads of any length, for any time",
        |it| {
            it.reading.limit = usize::MAX;
            it.reading.patience = Duration::MAX;
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
        "offers no client_max_window_bits, and accepts it",
        |it| {
            it.change = |it| it.set(HEADER, "permessage-deflate");
            it.checks.drop("client-window-unasked");
        },
    ),
    (
        "speaks-early",
        "sends a message before the response comes",
        |it| it.early = b"\x81\x82\x00\x00\x00\x00Hi",
    ),
    (
        "half-taken",
        "mistakes half a response for a whole one",
        |it| {
            it.reading.takes_half = true;
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
            it.react = |reason| silence_at(reason, "http");
        },
    ),
    (
        "reason-in-silence",
        "waits on if there is no space after the status",
        |it| {
            it.checks.set("reason", |it| it.response.parts().len() == 3);
            it.react = |reason| silence_at(reason, "reason");
        },
    ),
    (
        "upgrade-list-in-silence",
        "waits on if Upgrade is a list",
        |it| {
            it.checks.set("list", |it| {
                !it.response.all("Upgrade").concat().contains(',')
            });
            it.react = |reason| silence_at(reason, "list");
        },
    ),
    (
        "empty-extensions-in-silence",
        "waits on if a list of extensions is empty",
        |it| {
            it.checks
                .set("empty", |it| !it.response.all(HEADER).contains(&""));
            it.react = |reason| silence_at(reason, "empty");
        },
    ),
    (
        "empty-protocol-in-silence",
        "waits on if the subprotocol is empty",
        |it| {
            it.checks
                .set_first("empty", |it| !it.response.all(PROTOCOL).contains(&""));
            it.react = |reason| silence_at(reason, "empty");
        },
    ),
];

/// Waits on if a response does not pass this check.
fn silence_at(reason: &str, check: &str) -> Reaction {
    match reason == check {
        true => Reaction::Silence,
        false => Reaction::End,
    }
}
