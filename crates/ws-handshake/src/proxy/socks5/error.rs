//! The reasons why a SOCKS5 proxy does not connect.

use std::fmt;

use crate::credentials::CredentialsError;

/// The reason why a SOCKS5 proxy did not connect to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks5Error {
    /// The proxy refused the user name and password (RFC 1929 §2).
    AuthenticationFailed,
    /// The proxy requires authentication, and the caller has no credentials (RFC 1928 §3).
    AuthenticationRequired,
    /// The proxy ended the connection before its first byte.
    ConnectionClosed,
    /// The credentials cannot be sent.
    Credentials(CredentialsError),
    /// The user name or the password does not have 1 to 255 bytes (RFC 1929 §2).
    CredentialsLength,
    /// The type of the address in the reply is unknown (RFC 1928 §5).
    InvalidAddressType(u8),
    /// The host of the server is neither a name nor an IP address (RFC 3986 §3.2.2).
    InvalidHost,
    /// The proxy chose a method of authentication that was not offered (RFC 1928 §3).
    MethodNotOffered(u8),
    /// The name of the server is longer than 255 bytes (RFC 1928 §5).
    NameTooLong,
    /// The proxy accepts neither a connection without authentication, nor a user name and password
    /// (RFC 1928 §3).
    NoAcceptableMethod,
    /// The proxy could not connect to the server, or did not permit it (RFC 1928 §6).
    Refused(Socks5Refusal),
    /// The proxy ended the connection within its answers.
    Truncated,
    /// A message of the proxy does not begin with the version of SOCKS5 (RFC 1928 §3).
    WrongVersion(u8),
}

/// The reason that a SOCKS5 proxy sent (RFC 1928 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks5Refusal {
    /// Code 1: a failure of the proxy.
    GeneralFailure,
    /// Code 2: the rules of the proxy do not permit the connection.
    NotAllowed,
    /// Code 3: the network of the server cannot be reached.
    NetworkUnreachable,
    /// Code 4: the server cannot be reached, or its name cannot be resolved.
    HostUnreachable,
    /// Code 5: the server refused the connection.
    ConnectionRefused,
    /// Code 6: the server did not answer in time.
    TtlExpired,
    /// Code 7: the proxy does not support the command CONNECT.
    CommandNotSupported,
    /// Code 8: the proxy does not support the type of the address.
    AddressTypeNotSupported,
    /// A code without a meaning in the RFC.
    Other(u8),
}

impl Socks5Error {
    /// Returns `true` if the proxy could not reach the server. A later attempt may succeed.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Refused(
                Socks5Refusal::NetworkUnreachable
                    | Socks5Refusal::HostUnreachable
                    | Socks5Refusal::ConnectionRefused
                    | Socks5Refusal::TtlExpired
            )
        )
    }
}

impl Socks5Refusal {
    pub(super) fn from_code(code: u8) -> Self {
        match code {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressTypeNotSupported,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Socks5Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeneralFailure => {
                "the proxy failed to connect to the server; check the host of the server, and read \
                 the log of the proxy"
            }
            Self::NotAllowed => {
                "the rules of the proxy do not permit this server; ask its operator to permit it"
            }
            Self::NetworkUnreachable => {
                "the proxy cannot reach the network of the server; check the address of the server"
            }
            Self::HostUnreachable => {
                "the proxy cannot reach or resolve the server; check the host of the server"
            }
            Self::ConnectionRefused => {
                "the server refused the connection of the proxy; check the port of the server"
            }
            Self::TtlExpired => {
                "the server did not answer the proxy in time; check the host of the server"
            }
            Self::CommandNotSupported => {
                "the proxy does not support outgoing connections; use another proxy"
            }
            Self::AddressTypeNotSupported => {
                "the proxy does not support this type of address; write socks5h:// for names, or \
                 socks5:// for addresses"
            }
            Self::Other(code) => {
                return write!(
                    f,
                    "the proxy refused with the unknown code {code}; read the log of the proxy"
                );
            }
        })
    }
}

impl fmt::Display for Socks5Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthenticationFailed => f.write_str(
                "the proxy refused the user name and password; write correct ones in its URL",
            ),
            Self::AuthenticationRequired => {
                f.write_str("the proxy requires authentication; write user:password@ in its URL")
            }
            Self::ConnectionClosed => f.write_str(
                "the proxy ended the connection without an answer; check its host, port and scheme",
            ),
            Self::Credentials(error) => error.fmt(f),
            Self::CredentialsLength => f.write_str(
                "the user name and the password for a SOCKS5 proxy have 1 to 255 bytes each; write \
                 both in its URL",
            ),
            Self::InvalidAddressType(code) => write!(
                f,
                "the reply of the proxy has an address of the unknown type {code}; check that it \
                 is a SOCKS5 proxy"
            ),
            Self::InvalidHost => f.write_str(
                "the host of the server is neither a name nor an IP address; write a name in its \
                 ASCII form",
            ),
            Self::MethodNotOffered(method) => write!(
                f,
                "the proxy chose the method of authentication {method}, which was not offered; \
                 check that it is a SOCKS5 proxy"
            ),
            Self::NameTooLong => f.write_str(
                "the name of the server is longer than 255 bytes; write socks5:// to resolve it \
                 without the proxy",
            ),
            Self::NoAcceptableMethod => f.write_str(
                "the proxy accepts no user name and password; remove them from its URL, or use \
                 another proxy",
            ),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Truncated => f.write_str(
                "the proxy ended the connection within its answers; check the user name and \
                 password, and read the log of the proxy",
            ),
            Self::WrongVersion(byte) => write!(
                f,
                "the proxy does not answer as SOCKS5 (version {byte}); check its port and scheme"
            ),
        }
    }
}

impl std::error::Error for Socks5Error {}
