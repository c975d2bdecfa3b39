//! Errors of a connection, from the first byte to the last.

use std::convert::Infallible;
use std::{fmt, io};

use ws_handshake::{AnswerError, ClientError, RejectReason, RequestError, TargetError};
use ws_proto::{
    CloseCode, CloseReasonTooLong, ControlPayloadTooLong, LimitError, ProtocolError, ReceiveError,
    SendError,
};

/// Why an operation on a connection failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer to an opening request was not one that can be given. Nothing was sent.
    #[error("{0}")]
    Answer(#[from] AnswerError),
    /// The server's side of the opening handshake was refused or wrong.
    #[error("{0}")]
    Handshake(#[from] ClientError),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Io(#[from] io::Error),
    /// The peer ended the transport without a Close (RFC 6455 §7.1.5, code 1006).
    #[error("the peer ended the connection without a Close")]
    Lost,
    /// A payload that is too long for a Ping or Pong. Nothing was sent.
    #[error("{0}")]
    PayloadTooLong(#[from] ControlPayloadTooLong),
    /// The peer broke the protocol or went over a limit. It was told so by a Close, and the transport has ended.
    #[error("{0}")]
    Receive(#[from] ReceiveError),
    /// An opening request that was not acceptable. It was answered, and the transport has ended.
    #[error("the opening request was refused: {0}")]
    Rejected(RejectReason),
    /// The opening request asked for is not one that can be sent. Nothing was sent.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// What was asked cannot be sent. Nothing was queued.
    #[error("{0}")]
    Send(#[from] SendError),
    /// The URL is not one of a WebSocket. Nothing was sent.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// Something took too long. The connection is of no more use.
    #[error("{0}")]
    Timeout(Phase),
    /// The peer closed the connection inside a message that was being read piece by piece.
    #[error("the peer closed the connection inside a message")]
    Unfinished,
    /// `wss://`, and TLS is not built in: connect a TLS stream yourself and pass it to `handshake`.
    #[error(
        "wss:// needs TLS, which is not built in: connect a TLS stream yourself and pass it to `handshake`"
    )]
    TlsUnavailable,
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Finding and reaching the server.
    Connect,
    /// The opening handshake.
    Handshake,
    /// The closing handshake: the peer did not answer our Close.
    Close,
    /// Receiving: the peer sent nothing at all.
    Idle,
    /// A keepalive Ping: the peer did not answer it.
    Pong,
    /// Sending: the peer took not one byte for too long.
    WriteStall,
}

impl Error {
    /// Whether something took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }

    /// Whether the connection is closing or gone, which the peer or the network can cause at any time, as opposed to
    /// a fault of the caller or a violation by the peer.
    pub fn is_closed(&self) -> bool {
        matches!(
            self,
            Error::Io(_) | Error::Lost | Error::Send(SendError::Closing)
        )
    }

    /// The close code for what the peer did. It was sent, unless a Close had been queued before.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Error::Receive(error) => Some(error.close_code()),
            _ => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "the server could not be reached in time",
            Phase::Handshake => "the peer did not complete the opening handshake in time",
            Phase::Close => "the peer did not answer the Close in time",
            Phase::Idle => "the peer has sent nothing for too long",
            Phase::Pong => "the peer did not answer a Ping in time",
            Phase::WriteStall => "the peer has stopped reading",
        })
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Error::Receive(error.into())
    }
}

impl From<LimitError> for Error {
    fn from(error: LimitError) -> Self {
        Error::Receive(error.into())
    }
}

impl From<CloseReasonTooLong> for Error {
    fn from(error: CloseReasonTooLong) -> Self {
        Error::Send(error.into())
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// [`WebSocket::try_send`](crate::WebSocket::try_send) could not queue the message; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError<M> {
    /// The connection is closing: nothing can be sent any more.
    #[error("the connection is closing: nothing can be sent any more")]
    Closing(M),
    /// The queue is over its mark: wait for `ready`.
    #[error("too much is queued already: wait for `ready` and try again")]
    Full(M),
    /// A message that is sent piece by piece is not finished.
    #[error("a message sent piece by piece is not finished: resume and finish it first")]
    Unfinished(M),
}

impl<M> TrySendError<M> {
    /// Whether the queue is over its mark: the message can be sent later.
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }

    /// The message.
    pub fn into_message(self) -> M {
        match self {
            TrySendError::Closing(message)
            | TrySendError::Full(message)
            | TrySendError::Unfinished(message) => message,
        }
    }
}

impl<M> fmt::Debug for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Closing(_) => "Closing(..)",
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Unfinished(_) => "Unfinished(..)",
        })
    }
}
