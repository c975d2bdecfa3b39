//! Errors of connecting.

use std::{fmt, io};

use http::Response;
use ws_handshake::{ClientError, RequestError, TargetError};

use super::is_loss;
use crate::upgrade::Fault;

/// The reason why a client got no connection. The stream was dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server refused, or its answer was wrong. See [`response`](Self::response).
    #[error(transparent)]
    Handshake(#[from] ClientError),
    /// The server cannot be reached, or the transport failed.
    #[error("the server cannot be reached: {0}")]
    Io(#[source] io::Error),
    /// The server ended the transport before its answer was complete, also in a way that a TLS stream reports as
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
    #[error(
        "the server ended the connection before its answer was complete: check host, port and scheme"
    )]
    Lost,
    /// A setting of the `Connector` makes no request that can be sent. Nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The URL is not one of a WebSocket. Nothing was sent.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The name of the host cannot be resolved.
    #[error("the name of the server cannot be resolved: {0}")]
    Resolve(#[source] io::Error),
    /// Connecting took longer than `Connector::handshake_timeout`.
    #[error("{0}: see `Connector::handshake_timeout`")]
    Timeout(ConnectPhase),
    /// `wss://`, and TLS is not built in. Nothing was sent.
    #[error(
        "wss:// needs TLS, which is not built in: connect a TLS stream yourself and pass it to `Connector::handshake`"
    )]
    TlsUnavailable,
}

/// The part of connecting that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectPhase {
    /// Finding and reaching the server.
    Connect,
    /// The opening handshake.
    Handshake,
}

impl ConnectError {
    /// Tells whether connecting took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Tells whether the server was out of reach, went away or fell silent, so that a later attempt may succeed. A
    /// refusal is none, not even 503: see [`response`](Self::response).
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Io(error) => is_loss(error) || error.kind() == io::ErrorKind::ConnectionRefused,
            Self::Lost | Self::Resolve(_) | Self::Timeout(_) => true,
            Self::Handshake(_) | Self::Request(_) | Self::Target(_) | Self::TlsUnavailable => false,
        }
    }

    /// Returns the response by which the server refused, if it did: the head, and the beginning of the body. A body
    /// that does not end is here as far as it had arrived 1 s after its last byte.
    pub fn response(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Handshake(error) => error.refusal(),
            Self::Io(_)
            | Self::Lost
            | Self::Request(_)
            | Self::Resolve(_)
            | Self::Target(_)
            | Self::Timeout(_)
            | Self::TlsUnavailable => None,
        }
    }
}

impl fmt::Display for ConnectPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the server could not be reached in time",
            Self::Handshake => "the server did not complete the opening handshake in time",
        })
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Lost => Self::Lost,
            Fault::Timeout => Self::Timeout(ConnectPhase::Handshake),
        }
    }
}
