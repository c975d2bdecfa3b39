//! The negotiation of permessage-deflate (RFC 7692 §5 and §7.1).
//!
//! A client [`offers`], a server [`answer`]s, and both take what it means from the
//! [`agreement`], so that they can not disagree.

mod error;
mod params;

use ws_proto::{DeflateConfig, DeflateParams, Role};

pub use self::error::{DeflateError, DeflateParameter};
use self::params::{NAME, Params};
use crate::extension::Extension;

/// The window without a parameter that says otherwise: none is larger (RFC 7692 §7.1.2).
const MAX_BITS: u8 = 15;

/// The offers of a client for its wishes, the preferred one first.
///
/// A server that does not support what is asked of it declines the offer (RFC 7692 §7.1.1.1 and
/// §7.1.2.1), or leaves the parameter out of its answer without declining, as some do. So offers
/// that ask for less stand behind. The smaller window is given up first: it saves us no memory.
/// What the client restricts itself to asks nothing of the server and stands in all.
pub(crate) fn offers(config: &DeflateConfig) -> Vec<Extension> {
    let wanted = config.wanted(Role::Client);
    let own = Params {
        client_max_window_bits: Some(wanted.client_max_window_bits),
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

/// The answer of a server to the first acceptable offer (RFC 7692 §5.1). An offer that is
/// malformed is declined, as if it was not there.
pub(crate) fn answer(offered: &[Extension], config: &DeflateConfig) -> Option<Extension> {
    let wanted = config.wanted(Role::Server);
    let offer = acceptable(offered).next()?;
    Some(answer_to(offer, wanted).to_answer())
}

/// The answer grants what was asked (RFC 7692 §7.1.1.1, §7.1.2.1), repeats what the client
/// restricts itself to, and adds what the server wants and may ask for.
fn answer_to(offer: Params, wanted: DeflateParams) -> Params {
    let window_bits = wanted.server_max_window_bits;
    let server_max_window_bits = match offer.server_max_window_bits {
        Some(asked) => Some(asked.min(window_bits)),
        None => below_max(window_bits),
    };
    // A client that does not offer the parameter may not know it (§7.1.2.2).
    let client_max_window_bits = offer
        .client_max_window_bits
        .and_then(|hint| below_max(hint.min(wanted.client_max_window_bits)));
    Params {
        server_no_context_takeover: offer.server_no_context_takeover
            || wanted.server_no_context_takeover,
        client_no_context_takeover: offer.client_no_context_takeover
            || wanted.client_no_context_takeover,
        server_max_window_bits,
        client_max_window_bits,
    }
}

/// The meaning of an answer after these offers, if it has permessage-deflate at all.
///
/// Offers that are not well formed are left out. If none is left, whoever made the answer knows
/// more than this module, and nothing is said about it.
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

/// Holds an answer against one offer.
///
/// What the client said of itself it keeps to, whatever the answer says (RFC 7692 §7.1.1.2,
/// §7.1.2.2).
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

/// The well-formed offers of this extension, in order.
fn acceptable(offered: &[Extension]) -> impl Iterator<Item = Params> {
    offered
        .iter()
        .filter(|extension| is_deflate(extension))
        .filter_map(|extension| Params::of_offer(extension).ok())
}

fn is_deflate(extension: &Extension) -> bool {
    extension.name() == NAME
}

/// The value to write for a window, if it needs one.
fn below_max(bits: u8) -> Option<u8> {
    (bits < MAX_BITS).then_some(bits)
}
