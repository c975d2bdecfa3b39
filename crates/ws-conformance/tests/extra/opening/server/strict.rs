//! Servers that refuse requests that they have to take.

use super::Rest;
use super::list::{Entry, KEY};
use crate::opening::head::Head;
use crate::opening::reading::Pieces;

pub(super) const ALL: &[Entry] = &[
    (
        "names-case-sensitive",
        "knows headers by their exact names only",
        |it| {
            it.checks.set("names", |it| {
                let has = |name| it.fields.iter().any(|(field, _)| field == name);
                has("Upgrade") && has("Connection")
            });
        },
    ),
    (
        "spaces-not-trimmed",
        "keeps tabs and spaces around values",
        |it| {
            it.checks.set("spaces", |it| {
                it.fields
                    .iter()
                    .all(|(_, value)| !value.ends_with([' ', '\t']))
            });
        },
    ),
    (
        "upgrade-case-sensitive",
        "knows `websocket` and `WebSocket`, and no other spelling",
        |it| {
            it.checks.set("upgrade", |it| {
                let items = it.items("Upgrade");
                items.contains(&"websocket") || items.contains(&"WebSocket")
            });
        },
    ),
    (
        "upgrade-no-list",
        "compares all of Upgrade with `websocket`",
        |it| {
            it.checks.set("upgrade", |it| {
                it.all("Upgrade")
                    .iter()
                    .any(|it| it.eq_ignore_ascii_case("websocket"))
            });
        },
    ),
    (
        "upgrade-first-line",
        "reads the first line of Upgrade only",
        |it| {
            it.checks.set("upgrade", |it| {
                first_line(it, "Upgrade").lists("Upgrade", "websocket")
            });
        },
    ),
    (
        "connection-case-sensitive",
        "knows `Upgrade` with a capital only",
        |it| {
            it.checks.set("connection", |it| {
                it.items("Connection").contains(&"Upgrade")
            });
        },
    ),
    (
        "connection-no-list",
        "compares all of Connection with `Upgrade`",
        |it| {
            it.checks.set("connection", |it| {
                it.all("Connection")
                    .iter()
                    .any(|it| it.eq_ignore_ascii_case("Upgrade"))
            });
        },
    ),
    (
        "connection-first-line",
        "reads the first line of Connection only",
        |it| {
            it.checks.set("connection", |it| {
                first_line(it, "Connection").lists("Connection", "Upgrade")
            });
        },
    ),
    (
        "absolute-target-refused",
        "refuses a whole URL as the target",
        |it| {
            it.checks.set("target", |it| {
                it.parts().get(1).is_none_or(|it| it.starts_with('/'))
            });
        },
    ),
    ("one-read", "requires the request in one read", |it| {
        it.reading.pieces = Pieces::One
    }),
    (
        "whole-end",
        "misses the end of a request that comes in two reads",
        |it| {
            it.reading.pieces = Pieces::WholeEnd;
        },
    ),
    ("head-4-kib", "refuses heads of more than 4 KiB", |it| {
        it.reading.limit = 4096
    }),
    ("headers-32", "refuses more than 32 headers", |it| {
        it.checks.set("header-count", |it| it.fields.len() <= 32);
    }),
    (
        "empty-line-refused",
        "refuses an empty line before the request",
        |it| {
            it.reading.skips_empty_line = false;
        },
    ),
    (
        "sample-key-refused",
        "refuses the key that the standard shows",
        |it| {
            it.checks.set("sample", |it| {
                it.one(KEY) != Some("dGhlIHNhbXBsZSBub25jZQ==")
            });
        },
    ),
    (
        "rest-lost-twice",
        "loses a message that comes with the request, and the next one",
        |it| it.rest = Rest::LostTwice,
    ),
    (
        "upgrade-last-line",
        "reads the last line of Upgrade only",
        |it| {
            it.checks.set("upgrade", |it| {
                last_line(it, "Upgrade").lists("Upgrade", "websocket")
            });
        },
    ),
    (
        "connection-last-line",
        "reads the last line of Connection only",
        |it| {
            it.checks.set("connection", |it| {
                last_line(it, "Connection").lists("Connection", "Upgrade")
            });
        },
    ),
    (
        "items-need-spaces",
        "requires a space after each comma of a list",
        |it| {
            it.checks.set("connection", |it| {
                let values = it.all("Connection").into_iter();
                let mut items = values.flat_map(|value| value.split(", "));
                items.any(|item| {
                    item.trim_matches([' ', ','])
                        .eq_ignore_ascii_case("Upgrade")
                })
            });
        },
    ),
    (
        "empty-items-refused",
        "refuses lists with empty elements",
        |it| {
            it.checks.set("empty", |it| {
                let values = ["Upgrade", "Connection"].map(|name| it.all(name));
                let values = values.into_iter().flatten();
                let mut items = values.flat_map(|value| value.split(','));
                items.all(|item| !item.trim().is_empty())
            });
        },
    ),
    ("ascii-only", "refuses bytes above 7f in headers", |it| {
        it.checks.set("ascii", |it| {
            it.fields.iter().all(|(_, value)| value.is_ascii())
        });
    }),
];

/// A request without the lines of a header after the first one.
fn first_line(request: &Head, name: &str) -> Head {
    let mut request = request.clone();
    let first = request.all(name).first().copied().map(str::to_owned);
    request.remove(name);
    if let Some(first) = first {
        request.add(name, &first);
    }
    request
}

/// A request without the lines of a header before the last one.
fn last_line(request: &Head, name: &str) -> Head {
    let mut request = request.clone();
    request.fields.reverse();
    first_line(&request, name)
}
