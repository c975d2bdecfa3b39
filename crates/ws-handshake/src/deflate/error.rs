//! The faults of an answer that has permessage-deflate.

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
    /// The name in the header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientMaxWindowBits => "client_max_window_bits",
            Self::ClientNoContextTakeover => "client_no_context_takeover",
            Self::ServerMaxWindowBits => "server_max_window_bits",
            Self::ServerNoContextTakeover => "server_no_context_takeover",
        }
    }

    /// The words for what an answer may say behind the name.
    const fn syntax(self) -> &'static str {
        match self {
            Self::ClientMaxWindowBits | Self::ServerMaxWindowBits => "a number from 8 to 15",
            Self::ClientNoContextTakeover | Self::ServerNoContextTakeover => "without a value",
        }
    }

    /// The parameter of this name.
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

/// Why an answer with permessage-deflate does not fit what was offered: the connection fails
/// (RFC 7692 §5.1, §7.1).
///
/// With several offers it is why the answer does not fit the last one. What to do about it depends
/// on the side: see [`ClientError::Deflate`](crate::ClientError::Deflate) and
/// [`AnswerError::Deflate`](crate::AnswerError::Deflate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeflateError {
    /// `client_max_window_bits` without having been offered (RFC 7692 §7.1.2.2).
    ClientMaxWindowBitsNotOffered,
    /// A parameter that is there twice (RFC 7692 §7.1).
    DuplicateParameter(DeflateParameter),
    /// A window that is not written as 8 to 15 without leading zeros, or a flag with a value
    /// (RFC 7692 §7.1.1, §7.1.2).
    InvalidValue(DeflateParameter),
    /// `server_max_window_bits` was asked for and is missing (RFC 7692 §7.1.2.1).
    ServerMaxWindowBitsMissing,
    /// `server_max_window_bits` is larger than what was asked for (RFC 7692 §7.1.2.1).
    ServerMaxWindowBitsTooLarge {
        /// The window of the answer.
        answered: u8,
        /// The largest one that was asked for.
        asked: u8,
    },
    /// `server_no_context_takeover` was asked for and is missing (RFC 7692 §7.1.1.1).
    ServerNoContextTakeoverMissing,
    /// A parameter that RFC 7692 does not define (RFC 7692 §7.1).
    UnknownParameter(String),
}

impl fmt::Display for DeflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientMaxWindowBitsNotOffered => {
                f.write_str("client_max_window_bits was not offered")
            }
            Self::DuplicateParameter(parameter) => write!(f, "{parameter} is there twice"),
            Self::InvalidValue(parameter) => {
                write!(f, "{parameter} is not {}", parameter.syntax())
            }
            Self::ServerMaxWindowBitsMissing => {
                f.write_str("server_max_window_bits was asked for and is missing")
            }
            Self::ServerMaxWindowBitsTooLarge { answered, asked } => write!(
                f,
                "server_max_window_bits is {answered}, and at most {asked} was asked for"
            ),
            Self::ServerNoContextTakeoverMissing => {
                f.write_str("server_no_context_takeover was asked for and is missing")
            }
            Self::UnknownParameter(name) => write!(f, "{name:?} is not a parameter of it"),
        }
    }
}

impl std::error::Error for DeflateError {}
