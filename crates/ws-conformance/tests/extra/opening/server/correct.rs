//! Correct servers that use a freedom.

use super::list::{Entry, KEY, replaced, with_status};
use super::{Reaction, refusal};

pub(super) const ALL: &[Entry] = &[
    ("strict", "refuses all that it may refuse", |_| {}),
    ("fragments-taken", "takes a fragment in the target", |it| {
        it.checks.drop("fragment")
    }),
    (
        "trailing-bits-refused",
        "refuses keys with bits behind the last byte",
        |it| {
            it.checks.set("bits", |it| {
                it.one(KEY)
                    .is_none_or(|it| "AQgw".contains(it.chars().nth(21).unwrap_or('A')))
            });
        },
    ),
    ("folds-read", "takes a folded line for one line", |it| {
        it.decode = |head| replaced(&head, "\r\n ", " ");
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
];
