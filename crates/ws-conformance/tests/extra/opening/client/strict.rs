//! Clients that refuse responses that they have to take.

use super::list::Entry;
use crate::opening::extensions::HEADER;
use crate::opening::reading::Pieces;

pub(super) const ALL: &[Entry] = &[
    (
        "names-case-sensitive",
        "knows headers by their exact names only",
        |it| {
            it.checks.set("names", |it| {
                let names: Vec<_> = it.response.fields.iter().map(|(name, _)| &**name).collect();
                names.contains(&"Upgrade") && names.contains(&"Connection")
            });
        },
    ),
    (
        "upgrade-case-sensitive",
        "knows `websocket` in small letters only",
        |it| {
            it.checks.set("upgrade", |it| {
                it.response.items("Upgrade").contains(&"websocket")
            });
        },
    ),
    (
        "connection-case-sensitive",
        "knows `Upgrade` with a capital only",
        |it| {
            it.checks.set("connection", |it| {
                it.response.items("Connection").contains(&"Upgrade")
            });
        },
    ),
    (
        "connection-no-list",
        "compares all of Connection with `Upgrade`",
        |it| {
            it.checks.set("connection", |it| {
                let values = it.response.all("Connection");
                values
                    .iter()
                    .any(|value| value.eq_ignore_ascii_case("Upgrade"))
            });
        },
    ),
    (
        "spaces-not-trimmed",
        "keeps tabs and spaces around the accept value",
        |it| {
            it.checks.set("spaces", |it| {
                it.response
                    .fields
                    .iter()
                    .all(|(_, value)| !value.ends_with([' ', '\t']))
            });
        },
    ),
    ("one-read", "requires the response in one read", |it| {
        it.reading.pieces = Pieces::One
    }),
    (
        "rest-lost",
        "loses bytes that come with the response",
        |it| it.loses_rest = |_| true,
    ),
    (
        "body-expected",
        "reads what follows a Content-Length as a body",
        |it| it.loses_rest = |response| response.one("Content-Length").is_some(),
    ),
    (
        "interim-refused",
        "mistakes a status of 1xx for the last response",
        |it| it.is_interim = |_| false,
    ),
    ("continue-refused", "does not expect status 100", |it| {
        it.is_interim = |status| matches!(status, "102" | "103" | "199");
    }),
    ("hints-refused", "does not expect status 103", |it| {
        it.is_interim = |status| matches!(status, "100" | "102" | "199");
    }),
    (
        "unknown-interim-refused",
        "knows no status of 1xx but 100, 101 and 103",
        |it| it.is_interim = |status| matches!(status, "100" | "103"),
    ),
    (
        "connection-first-line",
        "reads the first line of Connection only",
        |it| {
            it.checks.set("connection", |it| {
                let values = it.response.all("Connection");
                values
                    .first()
                    .is_some_and(|it| it.to_lowercase().contains("upgrade"))
            });
        },
    ),
    (
        "connection-last-line",
        "reads the last line of Connection only",
        |it| {
            it.checks.set("connection", |it| {
                let values = it.response.all("Connection");
                values
                    .last()
                    .is_some_and(|it| it.to_lowercase().contains("upgrade"))
            });
        },
    ),
    (
        "empty-items-refused",
        "refuses lists with empty elements",
        |it| {
            it.checks.set("empty", |it| {
                let names = ["Upgrade", "Connection", HEADER];
                let values = names.iter().flat_map(|name| it.response.all(name));
                let mut items = values.flat_map(|value| value.split(','));
                items.all(|item| !item.trim().is_empty())
            });
        },
    ),
    ("reason-required", "requires a reason phrase", |it| {
        it.checks.set("reason", |it| {
            it.response
                .parts()
                .get(2)
                .is_some_and(|reason| !reason.is_empty())
        });
    }),
    (
        "reason-compared",
        "requires the reason phrase of the standard",
        |it| {
            it.checks.set("reason", |it| {
                it.response.first.ends_with(" Switching Protocols")
            });
        },
    ),
    (
        "last-number",
        "mistakes the last number of the first line for the status",
        |it| {
            it.checks.set("status", |it| {
                let mut words = it.response.first.split(' ').rev();
                words.find(|word| word.parse::<u16>().is_ok()) == Some("101")
            });
        },
    ),
    ("ascii-only", "refuses bytes above 7f", |it| {
        it.checks.set("ascii", |it| {
            let mut values = it.response.fields.iter().map(|(_, value)| value);
            it.response.first.is_ascii() && values.all(|value| value.is_ascii())
        });
    }),
    ("head-4-kib", "refuses heads of more than 4 KiB", |it| {
        it.reading.limit = 4096
    }),
    (
        "folds-refused",
        "refuses headers that continue in the next line",
        |it| {
            it.decode = |head| head;
            it.checks.set("folds", |it| {
                it.response
                    .fields
                    .iter()
                    .all(|(name, _)| !name.starts_with(' '))
            });
        },
    ),
    (
        "folds-dropped",
        "drops a line that continues a header",
        |it| {
            it.decode = |head| head;
        },
    ),
];
