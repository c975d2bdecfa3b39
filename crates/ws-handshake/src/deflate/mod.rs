//! The negotiation of permessage-deflate (RFC 7692 §5 and §7.1).
//!
//! The client makes [`offers`], and the server makes an [`answer`]. Both derive the parameters with
//! [`agreement`], so both always use the same parameters.

mod error;
mod params;

use ws_proto::{DeflateConfig, DeflateParams, Role};

pub use self::error::{DeflateError, DeflateParameter};
use self::params::{NAME, Params};
use crate::extension::Extension;

/// The logarithm of the largest window. This window is also the default (RFC 7692 §7.1.2).
const MAX_BITS: u8 = 15;

/// Returns the offers of a client, in order of preference.
///
/// A server that does not support a requested parameter declines the offer (RFC 7692 §7.1.1.1 and
/// §7.1.2.1). Some servers accept such an offer without the parameter, and then the handshake would
/// fail. So further offers that request less follow the first offer. The second offer no longer
/// requests a small window of the server, because that window saves no memory on the client.
///
/// Every offer permits the server to limit the client's window, with `client_max_window_bits`
/// without a value. A value would only be a hint (RFC 7692 §7.1.2.2), and strict servers respond to
/// this hint with status 400. The client needs no consent for a smaller window of its own.
pub(crate) fn offers(config: &DeflateConfig) -> Vec<Extension> {
    if config.is_plain_offer() {
        return vec![Params::default().to_offer()];
    }
    let wanted = config.wanted(Role::Client);
    let own = Params {
        client_max_window_bits: Some(MAX_BITS),
        client_no_context_takeover: wanted.client_no_context_takeover,
        ..Params::default()
    };
    let reset = Params {
        server_no_context_takeover: wanted.server_no_context_takeover,
        ..own
    };
    let all = Params {
        server_max_window_bits: below_max(wanted.server_max_window_bits),
        ..reset
    };
    let mut offers = vec![all, reset, own];
    offers.dedup();
    offers.into_iter().map(Params::to_offer).collect()
}

/// Returns the answer of a server to the first well-formed offer (RFC 7692 §5.1), or `None` if no
/// offer is well formed.
pub(crate) fn answer(offered: &[Extension], config: &DeflateConfig) -> Option<Extension> {
    let wanted = config.wanted(Role::Server);
    let offer = acceptable(offered).next()?;
    Some(answer_to(offer, wanted).to_answer())
}

/// Returns the answer to one offer.
///
/// The answer grants the requests of the client (RFC 7692 §7.1.1.1, §7.1.2.1), and repeats the
/// restrictions that the client has put on itself. It also adds the restrictions in `wanted` that
/// the offer allows.
///
/// The answer has a window only if the offer has the same parameter. For the client's window, RFC
/// 7692 §7.1.2.2 requires this. For the server's window, §7.1.2.1 does not, but some clients fail
/// if the answer has a window that they did not request. A server that compresses with a smaller
/// window than agreed breaks no rule, so nothing is lost.
fn answer_to(offer: Params, wanted: DeflateParams) -> Params {
    let asked = offer.server_max_window_bits;
    let hint = offer.client_max_window_bits;
    Params {
        server_no_context_takeover: offer.server_no_context_takeover
            || wanted.server_no_context_takeover,
        client_no_context_takeover: offer.client_no_context_takeover
            || wanted.client_no_context_takeover,
        server_max_window_bits: asked.map(|asked| asked.min(wanted.server_max_window_bits)),
        client_max_window_bits: hint
            .and_then(|hint| below_max(hint.min(wanted.client_max_window_bits))),
    }
}

/// Returns the parameters that an answer agrees on, or `None` if the answer does not have
/// permessage-deflate.
///
/// Malformed offers are ignored. If no offer is well formed, the result is `None` even if the
/// answer has permessage-deflate. The application has then written an offer that this module cannot
/// interpret.
pub(crate) fn agreement(
    offered: &[Extension],
    answered: &[Extension],
) -> Result<Option<DeflateParams>, DeflateError> {
    let Some(answer) = answered.iter().find(|extension| is_deflate(extension)) else {
        return Ok(None);
    };
    let mut fault = None;
    for offer in acceptable(offered) {
        match Params::of_answer(answer).and_then(|answer| agree(offer, answer)) {
            Ok(agreed) => return Ok(Some(agreed)),
            Err(error) => fault = Some(error),
        }
    }
    fault.map_or(Ok(None), Err)
}

/// Checks an answer against one offer.
///
/// A client may restrict itself in its offer. These restrictions apply even if the answer does not
/// repeat them (RFC 7692 §7.1.1.2, §7.1.2.2).
fn agree(offer: Params, answer: Params) -> Result<DeflateParams, DeflateError> {
    if offer.server_no_context_takeover && !answer.server_no_context_takeover {
        return Err(DeflateError::ServerNoContextTakeoverMissing);
    }
    if let Some(asked) = offer.server_max_window_bits {
        let answered = answer
            .server_max_window_bits
            .ok_or(DeflateError::ServerMaxWindowBitsMissing)?;
        if answered > asked {
            return Err(DeflateError::ServerMaxWindowBitsTooLarge { answered, asked });
        }
    }
    if answer.client_max_window_bits.is_some() && offer.client_max_window_bits.is_none() {
        return Err(DeflateError::ClientMaxWindowBitsNotOffered);
    }
    let own = offer.client_max_window_bits.unwrap_or(MAX_BITS);
    Ok(DeflateParams {
        server_no_context_takeover: answer.server_no_context_takeover,
        client_no_context_takeover: answer.client_no_context_takeover
            || offer.client_no_context_takeover,
        server_max_window_bits: answer.server_max_window_bits.unwrap_or(MAX_BITS),
        client_max_window_bits: answer
            .client_max_window_bits
            .map_or(own, |bits| bits.min(own)),
    })
}

/// Returns the well-formed offers of permessage-deflate, in their order.
fn acceptable(offered: &[Extension]) -> impl Iterator<Item = Params> {
    offered
        .iter()
        .filter(|extension| is_deflate(extension))
        .filter_map(|extension| Params::of_offer(extension).ok())
}

fn is_deflate(extension: &Extension) -> bool {
    extension.name() == NAME
}

/// Returns the value of a window parameter. Returns `None` for the largest window, because the
/// default needs no parameter.
fn below_max(bits: u8) -> Option<u8> {
    (bits < MAX_BITS).then_some(bits)
}
