//! The errors in an answer with permessage-deflate.

use std::fmt;

/// A parameter of permessage-deflate (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeflateParameter {
    /// `client_max_window_bits` (§7.1.2.2).
    ClientMaxWindowBits,
    /// `client_no_context_takeover` (§7.1.1.2).
    ClientNoContextTakeover,
    /// `server_max_window_bits` (§7.1.2.1).
    ServerMaxWindowBits,
    /// `server_no_context_takeover` (§7.1.1.1).
    ServerNoContextTakeover,
}

impl DeflateParameter {
    /// Returns the name that the parameter has in the header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientMaxWindowBits => "client_max_window_bits",
            Self::ClientNoContextTakeover => "client_no_context_takeover",
            Self::ServerMaxWindowBits => "server_max_window_bits",
            Self::ServerNoContextTakeover => "server_no_context_takeover",
        }
    }

    /// Returns the rule for the value of the parameter, as the end of an error text.
    const fn syntax(self) -> &'static str {
        match self {
            Self::ClientMaxWindowBits | Self::ServerMaxWindowBits => {
                "must be a number from 8 to 15"
            }
            Self::ClientNoContextTakeover | Self::ServerNoContextTakeover => {
                "must not have a value"
            }
        }
    }

    /// Returns the parameter with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [
            Self::ClientMaxWindowBits,
            Self::ClientNoContextTakeover,
            Self::ServerMaxWindowBits,
            Self::ServerNoContextTakeover,
        ]
        .into_iter()
        .find(|parameter| parameter.name() == name)
    }
}

impl fmt::Display for DeflateParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reason why an answer with permessage-deflate does not fit the offers (RFC 7692 §5.1, §7.1).
///
/// If several offers are well formed, this is the reason for the last of them.
/// [`ClientError::Deflate`](crate::ClientError::Deflate) and
/// [`AnswerError::Deflate`](crate::AnswerError::Deflate) contain this reason. Their texts add the
/// remedy for each side.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeflateError {
    /// The answer has `client_max_window_bits`, which was not offered (RFC 7692 §7.1.2.2).
    ClientMaxWindowBitsNotOffered,
    /// The answer has this parameter twice (RFC 7692 §7.1).
    DuplicateParameter(DeflateParameter),
    /// The value of this parameter is missing or invalid. A window must be a number from 8 to 15
    /// without leading zeros (RFC 7692 §7.1.2). The other two parameters must have no value (RFC
    /// 7692 §7.1.1).
    InvalidValue(DeflateParameter),
    /// `server_max_window_bits` was requested and is missing (RFC 7692 §7.1.2.1).
    ServerMaxWindowBitsMissing,
    /// `server_max_window_bits` is larger than requested (RFC 7692 §7.1.2.1).
    ServerMaxWindowBitsTooLarge {
        /// The window in the answer.
        answered: u8,
        /// The largest window that the offer allows.
        asked: u8,
    },
    /// `server_no_context_takeover` was requested and is missing (RFC 7692 §7.1.1.1).
    ServerNoContextTakeoverMissing,
    /// The answer has a parameter that RFC 7692 does not define (RFC 7692 §7.1).
    UnknownParameter(String),
}

impl fmt::Display for DeflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientMaxWindowBitsNotOffered => {
                f.write_str("client_max_window_bits was not offered")
            }
            Self::DuplicateParameter(parameter) => write!(f, "{parameter} occurs twice"),
            Self::InvalidValue(parameter) => {
                write!(f, "{parameter} {}", parameter.syntax())
            }
            Self::ServerMaxWindowBitsMissing => {
                f.write_str("server_max_window_bits was requested and is missing")
            }
            Self::ServerMaxWindowBitsTooLarge { answered, asked } => write!(
                f,
                "server_max_window_bits is {answered}, but at most {asked} was requested"
            ),
            Self::ServerNoContextTakeoverMissing => {
                f.write_str("server_no_context_takeover was requested and is missing")
            }
            Self::UnknownParameter(name) => {
                write!(f, "{name:?} is not a parameter of the extension")
            }
        }
    }
}

impl std::error::Error for DeflateError {}
