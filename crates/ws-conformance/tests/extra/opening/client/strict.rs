//! Clients that refuse responses that they have to take.

use super::list::Entry;
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
    (
        "interim-refused",
        "takes a status of 1xx for the last response",
        |it| {
            it.skips_interim = false;
        },
    ),
    ("one-read", "requires the response in one read", |it| {
        it.reading.pieces = Pieces::One
    }),
    (
        "rest-lost",
        "loses bytes that come with the response",
        |it| it.reading.keeps_rest = false,
    ),
    (
        "body-expected",
        "reads the body that Content-Length announces",
        |it| {
            it.loses = |response| {
                let length = response.one("Content-Length").unwrap_or_default();
                length.parse().unwrap_or(0)
            };
        },
    ),
];
