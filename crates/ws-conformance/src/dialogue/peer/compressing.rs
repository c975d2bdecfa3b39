//! Connections with compressed messages.

use super::Peer;
use crate::deflate::Coding;
use crate::deflate::{DEFLATE, Extension};
use crate::dialogue::Miss;
use crate::http::ReadRequest;
use crate::role::Role;

const HEADER: &str = "Sec-WebSocket-Extensions";

/// The limits that a case asks for, for one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) window_bits: Option<u8>,
    pub(crate) no_context_takeover: bool,
}

impl Wish {
    /// No limits.
    pub(crate) const NONE: Self = Self {
        window_bits: None,
        no_context_takeover: false,
    };

    pub(crate) const NO_CONTEXT: Self = Self {
        window_bits: None,
        no_context_takeover: true,
    };

    pub(crate) const fn window(bits: u8) -> Self {
        Self {
            window_bits: Some(bits),
            no_context_takeover: false,
        }
    }

    fn is_met_by(self, coding: Coding) -> bool {
        self.window_bits
            .is_none_or(|bits| coding.window_bits <= bits)
            && !(self.no_context_takeover && coding.context_takeover)
    }

    /// Writes the parameters for a side, `client` or `server`, each after a semicolon.
    pub(crate) fn parameters(self, side: &str) -> String {
        let bits = self.window_bits;
        let bits = bits.map(|bits| format!("; {side}_max_window_bits={bits}"));
        let context = format!("; {side}_no_context_takeover");
        let context = self.no_context_takeover.then_some(context);
        bits.into_iter().chain(context).collect()
    }

    /// Combines the limits of both.
    fn and(self, other: Self) -> Self {
        let bits = self.window_bits.into_iter().chain(other.window_bits);
        Self {
            window_bits: bits.min(),
            no_context_takeover: self.no_context_takeover || other.no_context_takeover,
        }
    }
}

/// The agreement on compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The limits of the suite's messages.
    pub(crate) own: Coding,
    /// The limits of the testee's messages.
    pub(crate) testees: Coding,
}

impl Peer<'_> {
    /// Opens the connection and agrees on compression, with these limits for both directions. A
    /// testee that does not agree to all limits does not get the case.
    pub(crate) fn open_compressing(&mut self, own: Wish, testees: Wish) -> Result<Terms, Miss> {
        let terms = match self.testee {
            Role::Server => self.offer(own, testees)?,
            Role::Client => self.accept(own, testees)?,
        };
        if !own.is_met_by(terms.own) {
            return Miss::not_applicable(
                "The testee does not agree to the parameters of the case.",
            );
        }
        self.inflate(terms.testees);
        Ok(terms)
    }

    fn offer(&mut self, own: Wish, testees: Wish) -> Result<Terms, Miss> {
        let wishes = own.parameters("client") + &testees.parameters("server");
        let offer = format!("{DEFLATE}{wishes}");
        let request = self.request().with(|head| head.add(HEADER, &offer));
        self.send_request(&request)?;
        let response = self.expect_opened(&request)?;
        let agreed = match &*Extension::list(&response.all(HEADER)) {
            [] => {
                return Miss::unsupported(format!("The server does not agree to `{offer}`."));
            }
            [one] => match one.fault() {
                None => one.clone(),
                Some(fault) => {
                    return Miss::must(format!("The server's answer is wrong: {fault}."));
                }
            },
            _ => return Miss::must("The server agreed to more than one extension."),
        };
        let terms = Terms {
            own: agreed.of_client(),
            testees: agreed.of_server(),
        };
        match testees.is_met_by(terms.testees) {
            true => Ok(terms),
            // Cases of group 21 judge such an answer.
            false => Miss::not_applicable(format!(
                "The server agreed to `{offer}` without all its parameters."
            )),
        }
    }

    /// Accepts an offer. A server may limit both sides without a request, except the client's
    /// window (RFC 7692 §7.1.2.2).
    fn accept(&mut self, own: Wish, testees: Wish) -> Result<Terms, Miss> {
        let request = ReadRequest::read(self.client_head());
        let lines = request.as_ref().map(|request| request.all(HEADER));
        let offers = Extension::list(&lines.unwrap_or_default());
        let Some(offer) = offers.into_iter().find(Extension::is_deflate) else {
            return Miss::unsupported(format!("The client does not offer {DEFLATE}."));
        };
        if testees.window_bits.is_some() && !offer.has("client_max_window_bits") {
            return Miss::unsupported("The client does not offer client_max_window_bits.");
        }
        let asked = |side: &str| Wish {
            window_bits: offer.number(&format!("{side}_max_window_bits")),
            no_context_takeover: offer.has(&format!("{side}_no_context_takeover")),
        };
        // The value of a window in an offer is a hint. The suite follows it only in a case about
        // that window. The suite always follows the hint about the context, because some clients
        // end a connection otherwise.
        let both = testees.and(asked("client"));
        let testees = Wish {
            window_bits: testees.window_bits.and(both.window_bits),
            ..both
        };
        let wishes = own.and(asked("server")).parameters("server") + &testees.parameters("client");
        let line = format!("{DEFLATE}{wishes}");
        let answer = self.answer().with(|head| head.add(HEADER, &line));
        self.send_answer(&answer)?;
        self.opened();
        let agreed = &Extension::list(&[&line])[0];
        Ok(Terms {
            own: agreed.of_server(),
            testees: agreed.of_client(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_written_as_parameters() {
        let both = Wish::window(10).and(Wish::NO_CONTEXT);
        assert_eq!(
            both.parameters("server"),
            "; server_max_window_bits=10; server_no_context_takeover"
        );
        assert_eq!(Wish::NONE.parameters("client"), "");
        assert_eq!(Wish::window(10).and(Wish::window(9)), Wish::window(9));
    }

    #[test]
    fn a_wish_is_met_or_not() {
        let coding = Coding {
            window_bits: 10,
            context_takeover: true,
        };
        assert!(Wish::NONE.is_met_by(coding) && Wish::window(10).is_met_by(coding));
        assert!(!Wish::window(9).is_met_by(coding) && !Wish::NO_CONTEXT.is_met_by(coding));
    }
}
