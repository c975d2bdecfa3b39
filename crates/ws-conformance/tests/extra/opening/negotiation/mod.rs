//! The answers of a server to offers of extensions.

mod answers;
mod correct;
pub(super) mod list;
mod offers;
mod subprotocols;

use super::extensions::{DEFLATE, Extension, HEADER, Mistakes, PARAMETERS, SERVER_BITS};
use super::head::Head;
use crate::check::Checks;

/// The parts of the negotiation that a testee changes.
pub(crate) struct Negotiation {
    /// Returns the value to answer to a request with offers, instead of all else.
    pub(crate) always: Option<fn(&Head) -> Option<String>>,
    pub(crate) mistakes: Mistakes,
    pub(crate) parameters: Checks<Extension>,
    /// Returns the answer to an offer that is accepted.
    pub(crate) agree: fn(&Extension) -> String,
}

impl Negotiation {
    pub(crate) fn correct() -> Self {
        Self {
            always: None,
            mistakes: Mistakes::Fatal,
            parameters: Checks::new(PARAMETERS),
            agree,
        }
    }

    /// The value to answer, if an extension is agreed to.
    pub(crate) fn answer(&self, request: &Head) -> Option<String> {
        if let Some(always) = self.always {
            return always(request);
        }
        let offers = Extension::list(&request.all(HEADER), self.mistakes)?;
        let mut offers = offers.iter().filter(|offer| offer.is_deflate());
        let accepted = offers.find(|offer| self.parameters.failed(offer).is_none());
        accepted.map(self.agree)
    }
}

/// The answer to an offer in which nothing is wrong (RFC 7692 §7.1).
pub(crate) fn agree(offer: &Extension) -> String {
    let mut answer = DEFLATE.to_owned();
    if offer.has("server_no_context_takeover") {
        answer += "; server_no_context_takeover";
    }
    if let Some(Some(bits)) = offer.values(SERVER_BITS).first() {
        answer += &format!("; {SERVER_BITS}={bits}");
    }
    answer
}
