//! The rules of the PROXY protocol that a header can break.

use std::fmt;

/// The reason why bytes are not a header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The length of a header of version 2 is too small for its addresses (PROXY §2.2).
    AddressesTooShort,
    /// An address is not a canonical address of the family (PROXY §2.1).
    InvalidAddress,
    /// A port is not a decimal number up to 65,535 without leading zeros (PROXY §2.1).
    InvalidPort,
    /// The line of version 1 does not end with CRLF within 107 bytes (PROXY §2.1).
    LineTooLong,
    /// The line of version 1 has too few or too many fields, or a CR or LF alone (PROXY §2.1).
    MalformedLine,
    /// The connection does not begin with a header (PROXY §2).
    Missing,
    /// A header of version 2 is longer than 16 + 4096 bytes. This is a limit of this crate. Proxies
    /// send a few hundred bytes.
    TooLong,
    /// The command of version 2 is neither LOCAL nor PROXY (PROXY §2.2).
    UnknownCommand,
    /// The address family and protocol of version 2 are not a valid combination (PROXY §2.2).
    UnknownFamily,
    /// The protocol of version 1 is not `TCP4`, `TCP6` or `UNKNOWN` (PROXY §2.1).
    UnknownProtocol,
    /// A binary header does not have version 2 (PROXY §2.2).
    UnknownVersion,
}

impl ProxyHeaderError {
    /// Returns a text with the fault and its remedy.
    fn text(self) -> &'static str {
        match self {
            Self::AddressesTooShort => "its length is too small for its addresses; correct it",
            Self::InvalidAddress => {
                "an address is not valid; send addresses of the announced family"
            }
            Self::InvalidPort => {
                "a port is not a number up to 65535; send digits without leading zeros"
            }
            Self::LineTooLong => "the line has no CRLF within 107 bytes; end it with CRLF",
            Self::MalformedLine => {
                "the line is malformed; send 'PROXY TCP4 source destination port port' and CRLF"
            }
            Self::Missing => {
                "there is none; let the proxy send it, for instance with send-proxy-v2 in HAProxy"
            }
            Self::TooLong => "it is longer than 4112 bytes; let the proxy send fewer fields",
            Self::UnknownCommand => "its command is unknown; send LOCAL or PROXY",
            Self::UnknownFamily => "its address family is unknown; send TCP over IPv4 or IPv6",
            Self::UnknownProtocol => "its protocol is unknown; send TCP4, TCP6 or UNKNOWN",
            Self::UnknownVersion => "its version is unknown; send version 1 or 2",
        }
    }
}

impl fmt::Display for ProxyHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no valid PROXY protocol header: {}", self.text())
    }
}

impl std::error::Error for ProxyHeaderError {}
