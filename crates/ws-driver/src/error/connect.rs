//! Errors of connecting to a server.

use std::{fmt, io};

use http::Response;
use ws_handshake::{ClientError, RequestError, TargetError};

use super::{TlsError, is_loss};
use crate::upgrade::Fault;

/// The reason why a client could not connect. The stream was dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server refused the request, or its response was invalid. [`response`](Self::response)
    /// returns the response of a refusal.
    #[error(transparent)]
    Handshake(#[from] ClientError),
    /// The server could not be reached, or the transport failed.
    #[error("the server cannot be reached: {0}")]
    Io(#[source] io::Error),
    /// The server ended the transport before its response was complete. An
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) of a TLS stream is treated as such an end.
    #[error(
        "the server ended the connection before its response was complete: check host, port and scheme"
    )]
    Lost,
    /// The settings of the [`Connector`](crate::Connector) make no valid request. Nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The URL is not a valid WebSocket URL. Nothing was sent.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The host name of the server could not be resolved.
    #[error("the name of the server cannot be resolved: {0}")]
    Resolve(#[source] io::Error),
    /// Connecting took longer than
    /// [`Connector::handshake_timeout`](crate::Connector::handshake_timeout).
    #[error("{0}: see `Connector::handshake_timeout`")]
    Timeout(ConnectPhase),
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The scheme is `wss`, and TLS is not built in. Nothing was sent.
    #[error(
        "wss:// needs TLS, which is not built in: enable the feature `tls`, or set `Connector::tls`"
    )]
    TlsUnavailable,
}

/// The phase of connecting that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectPhase {
    /// Resolving the host name and opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The opening handshake.
    Handshake,
}

impl ConnectError {
    /// Returns `true` if connecting took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Returns `true` if the server was unreachable, disconnected, or stopped responding. A later
    /// attempt may succeed.
    ///
    /// Returns `false` for a refusal, even for the status 503. See [`response`](Self::response).
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Io(error) => is_loss(error) || error.kind() == io::ErrorKind::ConnectionRefused,
            Self::Tls(error) => error.is_disconnect(),
            Self::Lost | Self::Resolve(_) | Self::Timeout(_) => true,
            Self::Handshake(_) | Self::Request(_) | Self::Target(_) | Self::TlsUnavailable => false,
        }
    }

    /// Returns the response with which the server refused the request. `None` for any other error.
    ///
    /// The response holds the head and the beginning of the body. If the body does not end, the
    /// response holds the part that arrived before the server paused for 1 s.
    pub fn response(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Handshake(error) => error.refusal(),
            Self::Io(_)
            | Self::Lost
            | Self::Request(_)
            | Self::Resolve(_)
            | Self::Target(_)
            | Self::Timeout(_)
            | Self::Tls(_)
            | Self::TlsUnavailable => None,
        }
    }
}

impl fmt::Display for ConnectPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the server could not be reached in time",
            Self::Tls => "the server did not complete the TLS handshake in time",
            Self::Handshake => "the server did not complete the opening handshake in time",
        })
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Lost => Self::Lost,
            Fault::Tls(error) => Self::Tls(error),
            Fault::Timeout => Self::Timeout(ConnectPhase::Handshake),
        }
    }
}
