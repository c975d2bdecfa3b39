//! Errors of accepting a connection.

use std::io;

use ws_handshake::{AnswerError, RejectReason};

use super::{TlsError, is_loss};
use crate::serve::Unavailable;
use crate::upgrade::Fault;

/// The reason why a server did not accept a connection. The stream was dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The settings of the [`Offer`](crate::Offer) make no valid answer to this request. This is a
    /// mistake in the calling program. The client was sent the status 500.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The transport failed.
    #[error("the transport failed during the opening handshake: {0}")]
    Io(#[source] io::Error),
    /// The client ended the transport before its request was complete.
    #[error("the client ended the connection before its opening request was complete")]
    Lost,
    /// The connection does not come from a trusted proxy, or does not begin with a valid header of
    /// the PROXY protocol.
    #[cfg(feature = "proxy-protocol")]
    #[error(transparent)]
    ProxyProtocol(#[from] super::ProxyProtocolError),
    /// The opening request was not acceptable. The client was sent an HTTP status.
    #[error("the opening request was refused: {0}")]
    Rejected(RejectReason),
    /// The TLS handshake failed.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client did not send its request and take the answer within
    /// [`Acceptor::handshake_timeout`](crate::Acceptor::handshake_timeout). Or the client did not
    /// take a refusal within 1 s.
    #[error(
        "the client did not complete the opening handshake in time: see `Acceptor::handshake_timeout`"
    )]
    Timeout,
    /// The [registry](crate::Acceptor::registry) is full, or was shut down. The client was sent the
    /// status 503, unless the deadline of the shutdown came first.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl AcceptError {
    /// Returns `true` if the client took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Returns `true` if the client disconnected or stopped responding. This happens on every
    /// server and need not be logged as a fault.
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Io(error) => is_loss(error),
            Self::Tls(error) => error.is_disconnect(),
            Self::Lost | Self::Timeout => true,
            #[cfg(feature = "proxy-protocol")]
            Self::ProxyProtocol(_) => false,
            Self::Answer(_) | Self::Rejected(_) | Self::Unavailable(_) => false,
        }
    }
}

impl From<Fault> for AcceptError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Lost => Self::Lost,
            Fault::Tls(error) => Self::Tls(error),
            Fault::Timeout => Self::Timeout,
        }
    }
}
