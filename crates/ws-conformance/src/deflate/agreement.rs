//! The agreement of both sides on compression (RFC 7692 §7.1), by the rules of the original suite.

use std::fmt;

use super::{Coding, DEFLATE, Extension};
use crate::role::Role;
use crate::script::Demand;

/// The largest window, and the default.
const DEFAULT_BITS: u8 = 15;

/// The compression of the messages of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    server: Coding,
    client: Coding,
}

/// The answer of a server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AgreedResponse {
    pub(crate) agreement: Agreement,
    /// `true` if the answer has all parameters that one of the offers asks for. The original does
    /// not check this.
    pub(crate) fits: bool,
}

/// The reason why an offer or an answer is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExtensionError {
    /// The header occurs more than once.
    RepeatedHeader,
    /// An extension that was not offered, or a second one.
    Unexpected(String),
    /// A parameter that does not exist, is repeated, or has a wrong value.
    Parameter(String),
}

/// Returns the offers of the suite, in order of preference.
pub(crate) fn offers(demands: &[Demand]) -> String {
    let offer = |demand: &Demand| {
        let mut offer = format!("{DEFLATE}; client_no_context_takeover; client_max_window_bits");
        if demand.no_context_takeover {
            offer += "; server_no_context_takeover";
        }
        if let Some(bits) = demand.window_bits {
            offer += &format!("; server_max_window_bits={bits}");
        }
        offer
    };
    demands.iter().map(offer).collect::<Vec<_>>().join(", ")
}

/// Reads the answer of a server to the offers. Returns `None` if the server declined.
pub(crate) fn read_response(
    headers: &[&str],
    demands: &[Demand],
) -> Result<Option<AgreedResponse>, ExtensionError> {
    let mut agreed: Option<Parameters> = None;
    for extension in extensions(headers)? {
        if !extension.is_deflate() || agreed.is_some() {
            return Err(ExtensionError::Unexpected(extension.name));
        }
        let parameters = Parameters::read(&extension)?;
        // §7.1.2.2: only an offer may leave the value out.
        if parameters.client_max_window_bits == Some(None) {
            return Err(ExtensionError::Parameter("client_max_window_bits".into()));
        }
        agreed = Some(parameters);
    }
    Ok(agreed.map(|agreed| AgreedResponse {
        agreement: agreed.agreement(),
        fits: demands.iter().any(|demand| agreed.meets(demand)),
    }))
}

/// Returns the suite's answer to the offers of a client, and the agreement. Returns `None` if no
/// offer is acceptable.
pub(crate) fn agree(
    headers: &[&str],
    demands: &[Demand],
) -> Result<Option<(String, Agreement)>, ExtensionError> {
    let extensions = extensions(headers)?.into_iter();
    let offers = extensions.filter(Extension::is_deflate);
    let offers: Vec<_> = offers
        .map(|offer| Parameters::read(&offer))
        .collect::<Result<_, _>>()?;
    let accepted = demands.iter().find_map(|demand| {
        let will_do = |offer: &&Parameters| {
            demand.window_bits.is_none() || offer.client_max_window_bits.is_some()
        };
        let offer = offers.iter().find(will_do)?;
        Some(Parameters {
            client_no_context_takeover: demand.no_context_takeover,
            client_max_window_bits: demand.window_bits.map(Some),
            ..*offer
        })
    });
    Ok(accepted.map(|accepted| (accepted.to_string(), accepted.agreement())))
}

impl Agreement {
    /// Returns the limits of the suite's messages.
    pub(crate) fn outgoing(&self, testee: Role) -> Coding {
        match testee {
            Role::Server => self.client,
            Role::Client => self.server,
        }
    }

    /// Returns the limits of the testee's messages.
    pub(crate) fn incoming(&self, testee: Role) -> Coding {
        match testee {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }
}

/// The parameters of one offer or answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_no_context_takeover: bool,
    /// The value may be missing in an offer.
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    fn read(extension: &Extension) -> Result<Self, ExtensionError> {
        let parameters = &extension.parameters;
        let mut read = Self::default();
        for (number, (name, value)) in parameters.iter().enumerate() {
            let repeated = parameters[..number]
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name));
            let bits = value.as_ref().map(|value| value.parse().ok());
            let bits = bits.map(|bits| bits.filter(|bits| (8..=15).contains(bits)));
            match (&*name.to_ascii_lowercase(), value, bits) {
                _ if repeated => return Err(ExtensionError::Parameter(name.clone())),
                ("server_no_context_takeover", None, _) => read.server_no_context_takeover = true,
                ("client_no_context_takeover", None, _) => read.client_no_context_takeover = true,
                ("server_max_window_bits", _, Some(Some(bits))) => {
                    read.server_max_window_bits = Some(bits);
                }
                ("client_max_window_bits", _, Some(Some(bits))) => {
                    read.client_max_window_bits = Some(Some(bits));
                }
                ("client_max_window_bits", None, _) => read.client_max_window_bits = Some(None),
                _ => return Err(ExtensionError::Parameter(name.clone())),
            }
        }
        Ok(read)
    }

    fn agreement(&self) -> Agreement {
        let coding = |no_context_takeover: bool, bits: Option<u8>| Coding {
            window_bits: bits.unwrap_or(DEFAULT_BITS),
            context_takeover: !no_context_takeover,
        };
        let client_bits = self.client_max_window_bits.flatten();
        Agreement {
            server: coding(self.server_no_context_takeover, self.server_max_window_bits),
            client: coding(self.client_no_context_takeover, client_bits),
        }
    }

    /// Returns `true` if an answer has the parameters that an offer asks for (§7.1.1.1, §7.1.2.1).
    fn meets(&self, demand: &Demand) -> bool {
        let bits = self.server_max_window_bits.unwrap_or(DEFAULT_BITS);
        (self.server_no_context_takeover || !demand.no_context_takeover)
            && demand.window_bits.is_none_or(|most| bits <= most)
    }
}

/// Prints an answer, in the order of the original.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DEFLATE)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(Some(bits)) = self.client_max_window_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepeatedHeader => f.write_str("Sec-WebSocket-Extensions occurs more than once"),
            Self::Unexpected(name) => write!(f, "the extension `{name}` was not offered"),
            Self::Parameter(name) => write!(
                f,
                "the parameter `{name}` of {DEFLATE} does not exist, is repeated, or has a wrong value"
            ),
        }
    }
}

/// Returns the extensions of a header that may occur once.
fn extensions(headers: &[&str]) -> Result<Vec<Extension>, ExtensionError> {
    match headers {
        [_, _, ..] => Err(ExtensionError::RepeatedHeader),
        headers => Ok(Extension::list(headers)),
    }
}

#[cfg(test)]
#[path = "agreement_tests.rs"]
mod tests;
