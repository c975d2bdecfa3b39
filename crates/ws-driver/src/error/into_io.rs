//! Conversions of the errors into [`io::Error`], for functions that return it.
//!
//! An error of the transport is returned unchanged. Any other error is wrapped:
//! [`io::Error::get_ref`] and a downcast return it.

use std::io::{self, ErrorKind};

use http::StatusCode;

use super::{AcceptError, ConnectError, Error};

/// Returns `true` if the transport failed because the peer or the network is gone.
pub(super) fn is_loss(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof
    )
}

impl From<AcceptError> for io::Error {
    fn from(error: AcceptError) -> Self {
        let kind = match error {
            AcceptError::Io(error) => return error,
            AcceptError::Tls(error) => return error.into(),
            AcceptError::Answer(_) => ErrorKind::InvalidInput,
            AcceptError::Lost => ErrorKind::UnexpectedEof,
            #[cfg(feature = "proxy-protocol")]
            AcceptError::ProxyProtocol(_) => ErrorKind::InvalidData,
            AcceptError::Rejected(_) => ErrorKind::InvalidData,
            AcceptError::Timeout => ErrorKind::TimedOut,
            AcceptError::Unavailable(_) => ErrorKind::ConnectionRefused,
        };
        Self::new(kind, error)
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        let status = error.response().map(http::Response::status);
        let kind = match error {
            ConnectError::Io(error) => return error,
            ConnectError::Tls(error) => return error.into(),
            ConnectError::Resolve(_) => ErrorKind::NotFound,
            ConnectError::Handshake(_) => match status {
                Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                    ErrorKind::PermissionDenied
                }
                Some(_) => ErrorKind::ConnectionRefused,
                None => ErrorKind::InvalidData,
            },
            ConnectError::Lost => ErrorKind::UnexpectedEof,
            ConnectError::Proxy(ref error) => error.io_kind(),
            ConnectError::Redirect(_) => ErrorKind::InvalidData,
            ConnectError::Request(_) | ConnectError::Target(_) => ErrorKind::InvalidInput,
            ConnectError::UnixSocket(ref error) => error.kind(),
            ConnectError::Unreachable(ref error) => error.kind(),
            ConnectError::Timeout(_) => ErrorKind::TimedOut,
            ConnectError::Http2Unsupported | ConnectError::TlsUnavailable => ErrorKind::Unsupported,
        };
        Self::new(kind, error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Io(error) => return error,
            Error::Closed(_) => ErrorKind::NotConnected,
            Error::Lost | Error::Unfinished => ErrorKind::UnexpectedEof,
            Error::Receive(_) => ErrorKind::InvalidData,
            Error::Send(_) => ErrorKind::InvalidInput,
            #[cfg(feature = "serde")]
            Error::Serialize(_) => ErrorKind::InvalidInput,
            Error::Timeout(_) => ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}
