//! Correct servers that use a freedom in a negotiation.

use super::agree;
use super::list::{has_right_extensions, has_right_protocols};
use crate::opening::extensions::{CLIENT_BITS, DEFLATE, Extension, SERVER_BITS};
use crate::opening::server::list::Entry;

pub(super) const ALL: &[Entry] = &[
    (
        "compresses",
        "agrees to each right offer of permessage-deflate",
        |_| {},
    ),
    (
        "declines",
        "declines all extensions and subprotocols",
        |it| {
            it.negotiation.always = Some(|_| None);
            it.choose = |_| Vec::new();
        },
    ),
    ("malformed-refused", "refuses malformed lists", |it| {
        it.checks.set("offers", has_right_extensions);
        it.checks.set("protocol", has_right_protocols);
    }),
    ("window-smaller", "answers each window with 8", |it| {
        it.negotiation.agree = |offer| format!("{DEFLATE}; {SERVER_BITS}=8{}", takeover(offer));
    }),
    (
        "client-window-limited",
        "limits the window of the client where it may",
        |it| {
            it.negotiation.agree = |offer| match offer.has(CLIENT_BITS) {
                true => format!("{}; {CLIENT_BITS}=9", agree(offer)),
                false => agree(offer),
            };
        },
    ),
    (
        "takeover-unasked",
        "forgoes context in both directions without being asked",
        |it| {
            it.negotiation.agree = |offer| {
                let mut offer = offer.clone();
                offer.parameters.retain(|(name, _)| name == SERVER_BITS);
                let both = "server_no_context_takeover; client_no_context_takeover";
                format!("{}; {both}", agree(&offer))
            };
        },
    ),
    (
        "quotes-answered",
        "puts values between quotation marks",
        |it| {
            it.negotiation.agree = |offer| match offer.values(SERVER_BITS)[..] {
                [Some(bits)] => format!("{DEFLATE}; {SERVER_BITS}=\"{bits}\"{}", takeover(offer)),
                _ => agree(offer),
            };
        },
    ),
];

fn takeover(offer: &Extension) -> &'static str {
    match offer.has("server_no_context_takeover") {
        true => "; server_no_context_takeover",
        false => "",
    }
}
