//! 22.2.24 to 22.2.31, 22.2.41, and 22.2.45 to 22.2.48: responses that agree to permessage-deflate.

use super::responses::{TITLE, not_applicable, refuses, refuses_it};
use super::rules;
use crate::case::Roles::Client;
use crate::case::{Case, Rule};
use crate::deflate::{DEFLATE, Extension};
use crate::dialogue::{Outcome, Peer};
use crate::http::ReadRequest;

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const SERVER_BITS: &str = "server_max_window_bits";
const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_BITS: &str = "client_max_window_bits";

pub(super) fn cases() -> Vec<Case> {
    vec![
        twice(),
        wrong("22.2.25", &rules::KNOWN_PARAMETER, "x_unknown", "x_unknown"),
        wrong(
            "22.2.26",
            &rules::PARAMETER_ONCE,
            SERVER_TAKEOVER,
            "server_no_context_takeover; server_no_context_takeover",
        ),
        wrong(
            "22.2.27",
            &rules::VALID_PARAMETER,
            SERVER_BITS,
            "server_max_window_bits=16",
        )
        .see(&["RFC 7692 §7.1.2.1"]),
        wrong(
            "22.2.28",
            &rules::VALID_PARAMETER,
            CLIENT_BITS,
            "client_max_window_bits",
        )
        .see(&["RFC 7692 §7.1.2.2"]),
        unoffered_client_bits(),
        wrong(
            "22.2.30",
            &rules::VALID_PARAMETER,
            SERVER_TAKEOVER,
            "server_no_context_takeover=1",
        )
        .see(&["RFC 7692 §7.1.1.1"]),
        larger_window(),
        wrong(
            "22.2.41",
            &rules::VALID_PARAMETER,
            SERVER_BITS,
            "server_max_window_bits=7",
        )
        .see(&["RFC 7692 §7.1.2.1"]),
        wrong(
            "22.2.45",
            &rules::VALID_PARAMETER,
            SERVER_BITS,
            "server_max_window_bits",
        )
        .see(&["RFC 7692 §7.1.2.1"]),
        wrong(
            "22.2.46",
            &rules::VALID_PARAMETER,
            SERVER_BITS,
            "server_max_window_bits=015",
        )
        .see(&["RFC 7692 §7.1.2.1"]),
        wrong(
            "22.2.47",
            &rules::VALID_PARAMETER,
            SERVER_BITS,
            "server_max_window_bits=ten",
        )
        .see(&["RFC 7692 §7.1.2.1"]),
        wrong("22.2.48", &rules::WELL_FORMED_LIST, "", "=1"),
    ]
}

/// Returns the first offer of permessage-deflate in the client's request.
pub(super) fn offer(peer: &Peer<'_>) -> Option<Extension> {
    offers(peer).into_iter().next()
}

fn offers(peer: &Peer<'_>) -> Vec<Extension> {
    let request = ReadRequest::read(peer.client_head());
    let lines = request.as_ref().map(|request| request.all(EXTENSIONS));
    let offers = Extension::list(&lines.unwrap_or_default());
    offers.into_iter().filter(Extension::is_deflate).collect()
}

/// Accepts this offer with all its parameters except one.
pub(super) fn accept(offer: &Extension, without: &str) -> String {
    let bits = offer.number(SERVER_BITS);
    let bits = bits.map(|bits| format!("; {SERVER_BITS}={bits}"));
    let takeover = offer.has(SERVER_TAKEOVER);
    let takeover = takeover.then(|| format!("; {SERVER_TAKEOVER}"));
    let named = [(SERVER_BITS, bits), (SERVER_TAKEOVER, takeover)];
    let wanted = named.into_iter().filter(|(name, _)| *name != without);
    let parameters: String = wanted.filter_map(|(_, text)| text).collect();
    format!("{DEFLATE}{parameters}")
}

/// Returns a case with an answer that is right except for one parameter.
fn wrong(id: &str, rule: &'static Rule, name: &'static str, parameters: &'static str) -> Case {
    let case = Case::new(id, Client, TITLE, rule, move |peer| {
        refuses_offer(peer, rule, |offer| {
            format!("{}; {parameters}", accept(offer, name))
        })
    });
    refuses_it(
        case,
        &format!("with the extension `{DEFLATE}; {parameters}`, if {DEFLATE} was offered,"),
    )
}

/// Only a client that offers permessage-deflate can be tested.
fn refuses_offer(
    peer: &mut Peer<'_>,
    rule: &'static Rule,
    answer: impl Fn(&Extension) -> String,
) -> Outcome {
    let Some(offer) = offer(peer) else {
        return not_applicable(peer, "The client does not offer permessage-deflate.");
    };
    let list = answer(&offer);
    refuses(peer, rule, &|head| head.add(EXTENSIONS, &list))
}

fn twice() -> Case {
    let rule = &rules::VALID_RESPONSE;
    let case = Case::new("22.2.24", Client, TITLE, rule, |peer| {
        refuses_offer(peer, rule, |offer| {
            let once = accept(offer, "");
            format!("{once}, {once}")
        })
    });
    refuses_it(
        case,
        "that agrees to permessage-deflate twice, if that was offered,",
    )
}

/// Only a client that does not offer this parameter can be tested.
fn unoffered_client_bits() -> Case {
    let rule = &rules::VALID_RESPONSE;
    let case = Case::new("22.2.29", Client, TITLE, rule, |peer| {
        if offers(peer).iter().any(|offer| offer.has(CLIENT_BITS)) {
            return not_applicable(peer, "The client offers client_max_window_bits.");
        }
        refuses_offer(peer, rule, |offer| {
            format!("{}; {CLIENT_BITS}=15", accept(offer, ""))
        })
    });
    refuses_it(
        case.see(&["RFC 7692 §7.1.2.2"]),
        "with client_max_window_bits, if that was not offered,",
    )
}

/// Only a client that asks for a small window in each offer can be tested.
fn larger_window() -> Case {
    let rule = &rules::VALID_RESPONSE;
    let case = Case::new("22.2.31", Client, TITLE, rule, |peer| {
        let offers = offers(peer);
        let bits = offers
            .iter()
            .map(|offer| offer.number(SERVER_BITS).unwrap_or(15));
        let Some(most) = bits.max().filter(|&most| most < 15) else {
            return not_applicable(peer, "The client asks for no smaller window.");
        };
        let larger = most.max(8) + 1;
        refuses_offer(peer, rule, |offer| {
            format!("{}; {SERVER_BITS}={larger}", accept(offer, SERVER_BITS))
        })
    });
    refuses_it(
        case.see(&["RFC 7692 §7.1.2.1"]),
        "with a larger server_max_window_bits than asked for, if any was,",
    )
}
