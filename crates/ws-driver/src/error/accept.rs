//! Errors of accepting.

use std::io;

use ws_handshake::{AnswerError, RejectReason};

use super::is_loss;
use crate::upgrade::Fault;

/// The reason why a server got no connection. The stream was dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The answer is not one that can be given to this request, which is a mistake of this program. The client got a
    /// status 500.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The transport failed.
    #[error("the transport failed during the opening handshake: {0}")]
    Io(#[source] io::Error),
    /// The client ended the transport before its request was complete.
    #[error("the client went away before its opening request was complete")]
    Lost,
    /// The opening request was not acceptable. It was answered with an HTTP status.
    #[error("the opening request was refused: {0}")]
    Rejected(RejectReason),
    /// The client took longer than `Acceptor::handshake_timeout` to send its request or to take the answer.
    #[error(
        "the client did not complete the opening handshake in time: see `Acceptor::handshake_timeout`"
    )]
    Timeout,
}

impl AcceptError {
    /// Tells whether the client took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Tells whether the client went away or fell silent, which happens to every server and need not be logged as a
    /// fault.
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Io(error) => is_loss(error),
            Self::Lost | Self::Timeout => true,
            Self::Answer(_) | Self::Rejected(_) => false,
        }
    }
}

impl From<Fault> for AcceptError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Lost => Self::Lost,
            Fault::Timeout => Self::Timeout,
        }
    }
}
