//! Correct servers that use a freedom.

use std::time::Duration;

use super::list::{Entry, KEY, with_status};
use super::{Reaction, Rest, refusal};
use crate::opening::head::unfolded;

pub(super) const ALL: &[Entry] = &[
    ("strict", "refuses all that it may refuse", |_| {}),
    (
        "trailing-bits-refused",
        "refuses keys with bits after the last byte",
        |it| {
            it.checks.set("bits", |it| {
                it.one(KEY)
                    .is_none_or(|it| "AQgw".contains(it.chars().nth(21).unwrap_or('A')))
            });
        },
    ),
    ("folds-read", "reads a folded line as one line", |it| {
        it.decode = unfolded;
    }),
    ("body-skipped", "skips the body of a request", |it| {
        it.checks.drop("body");
        it.skips_body = true;
    }),
    (
        "garbage-cut-off",
        "ends TCP when it reads what is not HTTP or too long",
        |it| {
            it.react = |reason| match reason {
                "request-line" | "length" | "time" => Reaction::End,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
    (
        "versions-refused-with-400",
        "refuses other versions with 400",
        |it| {
            it.react = |reason| Reaction::Answer(with_status(reason, "400 Bad Request"));
        },
    ),
    (
        "refusal-ended-by-tcp",
        "refuses without a length, and ends TCP",
        |it| {
            it.react = |reason| {
                let mut refusal = refusal(reason);
                refusal.head.remove("Content-Length");
                Reaction::Answer(refusal)
            };
        },
    ),
    (
        "many-headers-taken",
        "accepts any number of headers",
        |it| it.checks.drop("header-count"),
    ),
    (
        "later-http-taken",
        "accepts each version of HTTP from 1.1 on",
        |it| {
            it.checks.set("http-version", |it| {
                it.parts().get(2).is_none_or(|it| *it >= "HTTP/1.1")
            });
        },
    ),
    (
        "rest-lost",
        "loses bytes that come with the request",
        |it| it.rest = Rest::Lost,
    ),
    (
        "waits-forever",
        "waits for the rest of a request without a limit",
        |it| it.reading.patience = Duration::MAX,
    ),
];
