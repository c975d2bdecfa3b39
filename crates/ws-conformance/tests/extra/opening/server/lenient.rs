//! Servers that take requests that they have to refuse.

use std::time::Duration;

use super::list::{Entry, KEY, VERSION};
use crate::opening::head::replaced;

pub(super) const ALL: &[Entry] = &[
    ("nothing-checked", "checks nothing in a request", |it| {
        it.checks.clear()
    }),
    ("http-1.0-taken", "mistakes HTTP/1.0 for HTTP/1.1", |it| {
        it.checks.set("http-version", |it| {
            it.first.ends_with("HTTP/1.1") || it.first.ends_with("HTTP/1.0")
        });
    }),
    ("post-taken", "mistakes POST for GET", |it| {
        it.checks
            .set("method", |it| matches!(it.parts()[0], "GET" | "POST"));
    }),
    ("head-taken", "mistakes HEAD for GET", |it| {
        it.checks
            .set("method", |it| matches!(it.parts()[0], "GET" | "HEAD"));
    }),
    (
        "upgrade-prefix",
        "mistakes what begins with websocket for websocket",
        |it| {
            it.checks.set("upgrade", |it| {
                it.items("Upgrade")
                    .iter()
                    .any(|item| item.to_lowercase().starts_with("websocket"))
            });
        },
    ),
    (
        "connection-prefix",
        "mistakes what begins with Upgrade for Upgrade",
        |it| {
            it.checks.set("connection", |it| {
                it.items("Connection")
                    .iter()
                    .any(|item| item.to_lowercase().starts_with("upgrade"))
            });
        },
    ),
    ("upgrade-any", "mistakes any Upgrade for websocket", |it| {
        it.checks.set("upgrade", |it| !it.all("Upgrade").is_empty());
    }),
    (
        "connection-any",
        "mistakes any Connection for Upgrade",
        |it| {
            it.checks
                .set("connection", |it| !it.all("Connection").is_empty());
        },
    ),
    ("version-as-number", "mistakes 013 and +13 for 13", |it| {
        it.checks.set("version", |it| {
            it.one(VERSION).is_none_or(|it| it.parse() == Ok(13))
        });
    }),
    (
        "version-prefix",
        "mistakes what begins with 13 for 13",
        |it| {
            it.checks.set("version", |it| {
                it.one(VERSION).is_none_or(|it| it.starts_with("13"))
            });
        },
    ),
    (
        "later-versions-taken",
        "accepts each version from 13 on",
        |it| {
            it.checks.set("version", |it| {
                it.one(VERSION)
                    .is_none_or(|it| it.parse::<u16>().is_ok_and(|it| it >= 13))
            });
        },
    ),
    (
        "earlier-versions-taken",
        "accepts each version up to 13",
        |it| {
            it.checks.set("version", |it| {
                it.one(VERSION)
                    .is_none_or(|it| it == "13" || it == "12" || it == "0")
            });
        },
    ),
    ("short-keys-taken", "accepts keys of 15 bytes", |it| {
        it.checks.set("key-length", |it| {
            it.one(KEY)
                .is_none_or(|it| matches!(it.trim_end_matches('=').len(), 20 | 22))
        });
    }),
    (
        "long-keys-taken",
        "accepts keys of more than 16 bytes",
        |it| {
            it.checks.set("key-length", |it| {
                it.one(KEY)
                    .is_none_or(|it| it.trim_end_matches('=').len() >= 22)
            });
        },
    ),
    ("empty-key-taken", "accepts an empty key", |it| {
        it.checks.set("key-length", |it| {
            it.one(KEY)
                .is_none_or(|it| matches!(it.trim_end_matches('=').len(), 0 | 22))
        });
    }),
    (
        "space-before-colon-taken",
        "accepts a space before the colon of a header",
        |it| {
            it.checks.set("header-names", |it| {
                it.fields.iter().all(|(name, _)| !name.starts_with(' '))
            });
        },
    ),
    (
        "cr-ends-lines",
        "mistakes a lone CR for the end of a line",
        |it| {
            it.decode = |head| replaced(&replaced(&head, "\r\n", "\r"), "\r", "\r\n");
        },
    ),
    ("nul-removed", "removes NUL from headers", |it| {
        it.decode = |head| replaced(&head, "\0", "");
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
        "half-taken",
        "mistakes half a request for a whole one",
        |it| {
            it.reading.takes_half = true;
        },
    ),
];
