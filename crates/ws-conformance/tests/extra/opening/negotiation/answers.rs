//! Servers that answer an offer wrongly, or do not keep to their answer.

use super::agree;
use super::list::PROTOCOL;
use crate::opening::extensions::{CLIENT_BITS, DEFLATE, HEADER, SERVER_BITS, number};
use crate::opening::server::list::Entry;

/// Faults of the first connection of a case. The suite opens another one after each case, and
/// checks there if the server accepts other offers: a server with one of these at each connection
/// would pass few cases.
pub(super) const AT_FIRST: &[Entry] = &[
    (
        "protocol-unasked",
        "chooses a subprotocol where nothing is offered",
        |it| {
            it.choose = |request| match request.items(PROTOCOL).first() {
                Some(first) => vec![(*first).to_owned()],
                None if request.all(HEADER).is_empty() => vec!["chat".to_owned()],
                None => Vec::new(),
            };
        },
    ),
    (
        "deflate-unasked",
        "agrees to compress where nothing is offered",
        |it| {
            it.negotiation.always = Some(|_| Some(DEFLATE.to_owned()));
        },
    ),
    (
        "garbage-compressed",
        "sets RSV1 in every frame of a compressed message",
        |it| {
            it.echo = "rsv1-on-all-of-long";
        },
    ),
];

pub(super) const ALL: &[Entry] = &[
    (
        "window-ignored",
        "compresses with the largest window whatever it agreed to",
        |it| {
            it.echo = "window-of-32-kib";
        },
    ),
    (
        "context-kept",
        "keeps its context although it agreed not to",
        |it| {
            it.echo = "own-context-kept";
        },
    ),
    ("window-15", "answers each window with 15", |it| {
        it.negotiation.agree = |offer| match offer.has(SERVER_BITS) {
            true => format!("{DEFLATE}; {SERVER_BITS}=15"),
            false => agree(offer),
        };
    }),
    (
        "window-larger",
        "answers with one bit more than is asked for",
        |it| {
            it.negotiation.agree = |offer| match offer.values(SERVER_BITS)[..] {
                [Some(bits)] => {
                    let bits = number(bits).unwrap_or(15) + 1;
                    format!("{DEFLATE}; {SERVER_BITS}={}", bits.min(15))
                }
                _ => agree(offer),
            };
        },
    ),
    (
        "window-unsaid",
        "accepts a window without an answer to it",
        |it| {
            it.negotiation.agree = |offer| {
                let mut offer = offer.clone();
                offer.parameters.retain(|(name, _)| name != SERVER_BITS);
                agree(&offer)
            };
        },
    ),
    (
        "takeover-unsaid",
        "accepts server_no_context_takeover without an answer to it",
        |it| {
            it.negotiation.agree = |offer| {
                let mut offer = offer.clone();
                offer
                    .parameters
                    .retain(|(name, _)| name != "server_no_context_takeover");
                agree(&offer)
            };
        },
    ),
    (
        "client-window-unasked",
        "answers client_max_window_bits where it is not offered",
        |it| {
            it.negotiation.agree = |offer| format!("{}; {CLIENT_BITS}=15", agree(offer));
        },
    ),
    (
        "client-window-bare",
        "answers client_max_window_bits without a value",
        |it| {
            it.negotiation.agree = |offer| match offer.has(CLIENT_BITS) {
                true => format!("{}; {CLIENT_BITS}", agree(offer)),
                false => agree(offer),
            };
        },
    ),
];
