//! The reasons why a text is not the URL of a WebSocket.

use std::fmt;

use crate::host::HostFault;

/// The reason why a string is not a URL of a WebSocket (RFC 6455 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The URL has no host after `://` (RFC 6455 §3).
    EmptyHost,
    /// The URL has a `#fragment` (RFC 6455 §3).
    Fragment,
    /// The host is neither a name nor an IP address (RFC 3986 §3.2.2).
    InvalidHost,
    /// The path or query has a character that must be percent-encoded (RFC 3986 §3.3).
    InvalidPath,
    /// The port is not a number from 1 to 65535 (RFC 3986 §3.2.3).
    InvalidPort,
    /// The part before the `@` is not `user:password` with percent-encoding (RFC 3986 §3.2.1), or
    /// cannot be sent as basic authentication (RFC 7617 §2).
    InvalidUserInfo,
    /// The URL does not begin with a scheme and `://` (RFC 6455 §3).
    MissingScheme,
    /// The scheme is neither `ws` nor `wss` (RFC 6455 §3).
    UnsupportedScheme,
    /// A `Location` has a user name or password (RFC 9110 §4.2.4).
    UserInfoInLocation,
}

impl From<HostFault> for TargetError {
    fn from(fault: HostFault) -> Self {
        match fault {
            HostFault::EmptyHost => Self::EmptyHost,
            HostFault::InvalidHost => Self::InvalidHost,
            HostFault::InvalidPort => Self::InvalidPort,
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyHost => "the URL has no host; write ws://host/path",
            Self::Fragment => "the URL has a fragment; remove it, or write a literal '#' as %23",
            Self::InvalidHost => {
                "the host of the URL is invalid; write a name in its ASCII form, an IPv4 address, \
                 or an IPv6 address in brackets"
            }
            Self::InvalidPath => {
                "the path or query of the URL has a character that is not allowed there; \
                 percent-encode it"
            }
            Self::InvalidPort => "the port of the URL is invalid; write a number from 1 to 65535",
            Self::InvalidUserInfo => {
                "the user name or password in the URL is invalid; percent-encode special \
                 characters, and use neither control characters nor a colon in the name"
            }
            Self::MissingScheme => "the URL has no scheme; begin it with ws:// or wss://",
            Self::UnsupportedScheme => {
                "the scheme of the URL is neither ws nor wss; write ws:// or wss://"
            }
            Self::UserInfoInLocation => {
                "the new address has a user name or password; connect to it only if you trust it"
            }
        })
    }
}

impl std::error::Error for TargetError {}
