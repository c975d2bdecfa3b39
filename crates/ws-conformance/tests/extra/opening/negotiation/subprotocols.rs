//! Servers that choose a wrong subprotocol.

use super::list::{PROTOCOL, has_right_protocols};
use crate::opening::server::list::Entry;
use crate::opening::server::{Reaction, first, refusal};

pub(super) const ALL: &[Entry] = &[
    (
        "protocol-own",
        "chooses a subprotocol that is not offered",
        |it| {
            it.choose = |request| match request.all(PROTOCOL)[..] {
                [] => Vec::new(),
                _ => vec!["own".to_owned()],
            };
        },
    ),
    (
        "protocol-case",
        "chooses a subprotocol in small letters",
        |it| {
            it.choose = |request| {
                let first = request.items(PROTOCOL).first().copied();
                first.map(str::to_lowercase).into_iter().collect()
            };
        },
    ),
    (
        "protocols-all",
        "chooses all subprotocols, in one line",
        |it| {
            it.choose = |request| match &*request.items(PROTOCOL) {
                [] => Vec::new(),
                items => vec![items.join(", ")],
            };
        },
    ),
    (
        "protocol-first-line",
        "chooses all subprotocols of the first line",
        |it| {
            it.choose = |request| {
                let first = request.all(PROTOCOL).first().copied();
                first
                    .filter(|it| !it.is_empty())
                    .map(str::to_owned)
                    .into_iter()
                    .collect()
            };
        },
    ),
    (
        "protocols-by-line",
        "answers each line of subprotocols with a line",
        |it| {
            it.choose = |request| {
                let mut lines: Vec<_> = request
                    .all(PROTOCOL)
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
                for line in &mut lines {
                    let first = line.split(',').next().unwrap_or_default().trim();
                    *line = first.to_owned();
                }
                lines
            };
        },
    ),
    (
        "protocols-two",
        "chooses two subprotocols, each in a line of its own",
        |it| {
            it.choose = |request| {
                let items = request.items(PROTOCOL).into_iter();
                items.take(2).map(str::to_owned).collect()
            };
        },
    ),
    (
        "protocol-empty",
        "answers an empty list of subprotocols with an empty one",
        |it| {
            it.choose = |request| match request.all(PROTOCOL)[..] {
                [""] => vec![String::new()],
                _ => first(request).into_iter().collect(),
            };
        },
    ),
    (
        "protocols-ended",
        "ends TCP if a list of subprotocols is malformed",
        |it| {
            it.checks.set("protocol", has_right_protocols);
            it.react = |reason| match reason {
                "protocol" => Reaction::End,
                _ => Reaction::Answer(refusal(reason)),
            };
        },
    ),
];
