//! The parameters of one offer or answer, and their syntax (RFC 7692 §7.1).

use super::MAX_BITS;
use super::error::{DeflateError, DeflateParameter};
use crate::extension::Extension;

/// The name of the extension (RFC 7692 §7).
pub(super) const NAME: &str = "permessage-deflate";

/// Well-formed parameters. `None` stands for a missing parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    /// In an offer, 15 also stands for the parameter without a value. In both cases, the server may
    /// choose any window (RFC 7692 §7.1.2.2).
    pub(super) client_max_window_bits: Option<u8>,
}

impl Params {
    pub(super) fn of_offer(extension: &Extension) -> Result<Self, DeflateError> {
        Self::parse(extension, Some(MAX_BITS))
    }

    pub(super) fn of_answer(extension: &Extension) -> Result<Self, DeflateError> {
        Self::parse(extension, None)
    }

    /// Parses the parameters. An unknown or repeated parameter is an error, and so is an invalid
    /// value. `bare` replaces a missing value of `client_max_window_bits`. If `bare` is `None`, a
    /// missing value is an error.
    fn parse(extension: &Extension, bare: Option<u8>) -> Result<Self, DeflateError> {
        let mut params = Self::default();
        for (name, value) in extension.params() {
            let parameter = DeflateParameter::named(name)
                .ok_or_else(|| DeflateError::UnknownParameter(name.to_owned()))?;
            if params.has(parameter) {
                return Err(DeflateError::DuplicateParameter(parameter));
            }
            params
                .set(parameter, value, bare)
                .ok_or(DeflateError::InvalidValue(parameter))?;
        }
        Ok(params)
    }

    fn has(&self, parameter: DeflateParameter) -> bool {
        match parameter {
            DeflateParameter::ClientMaxWindowBits => self.client_max_window_bits.is_some(),
            DeflateParameter::ClientNoContextTakeover => self.client_no_context_takeover,
            DeflateParameter::ServerMaxWindowBits => self.server_max_window_bits.is_some(),
            DeflateParameter::ServerNoContextTakeover => self.server_no_context_takeover,
        }
    }

    /// Sets a parameter. Returns `None` if the value is invalid.
    fn set(
        &mut self,
        parameter: DeflateParameter,
        value: Option<&str>,
        bare: Option<u8>,
    ) -> Option<()> {
        match parameter {
            DeflateParameter::ClientMaxWindowBits => {
                self.client_max_window_bits = Some(value.map_or(bare, window_bits)?);
            }
            DeflateParameter::ClientNoContextTakeover => {
                self.client_no_context_takeover = flag(value)?;
            }
            DeflateParameter::ServerMaxWindowBits => {
                self.server_max_window_bits = Some(window_bits(value?)?);
            }
            DeflateParameter::ServerNoContextTakeover => {
                self.server_no_context_takeover = flag(value)?;
            }
        }
        Some(())
    }

    pub(super) fn to_offer(self) -> Extension {
        self.to_extension(|client_bits| (client_bits < MAX_BITS).then_some(client_bits))
    }

    pub(super) fn to_answer(self) -> Extension {
        self.to_extension(Some)
    }

    /// Encodes the parameters. `client_value` returns the value of `client_max_window_bits`, or
    /// `None` to write this parameter without a value.
    fn to_extension(self, client_value: impl FnOnce(u8) -> Option<u8>) -> Extension {
        let bare = |is_set: bool| is_set.then_some(None);
        let params = [
            (
                DeflateParameter::ServerNoContextTakeover,
                bare(self.server_no_context_takeover),
            ),
            (
                DeflateParameter::ServerMaxWindowBits,
                self.server_max_window_bits.map(Some),
            ),
            (
                DeflateParameter::ClientNoContextTakeover,
                bare(self.client_no_context_takeover),
            ),
            (
                DeflateParameter::ClientMaxWindowBits,
                self.client_max_window_bits.map(client_value),
            ),
        ];
        let written = params.into_iter().filter_map(|(parameter, value)| {
            let value = value?.map(|bits: u8| bits.to_string());
            Some((parameter.name().into(), value))
        });
        let mut params: Vec<_> = written.collect();
        // The list is kept as long as the connection.
        params.shrink_to_fit();
        Extension::of_tokens(NAME, params)
    }
}

/// Parses a parameter that must not have a value (RFC 7692 §7.1.1).
fn flag(value: Option<&str>) -> Option<bool> {
    value.is_none().then_some(true)
}

/// Parses a decimal integer from 8 to 15 without leading zeros (RFC 7692 §7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}
