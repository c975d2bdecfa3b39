//! What can go wrong on a connection, from the first octet to the last.

use std::convert::Infallible;
use std::{fmt, io};

use ws_handshake::{AnswerError, ClientError, RejectReason, RequestError, TargetError};
use ws_proto::{
    CloseCode, CloseReasonTooLong, ControlPayloadTooLong, LimitError, ProtocolError, ReceiveError,
    SendError,
};

/// Why an operation on a connection failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The answer to an opening request was not one that can be given. Nothing was sent.
    Answer(AnswerError),
    /// The server's side of the opening handshake was refused or wrong.
    Handshake(ClientError),
    /// The transport failed.
    Io(io::Error),
    /// The peer ended the transport without a Close (RFC 6455 §7.1.5, code 1006).
    Lost,
    /// A payload that is too long for a Ping or Pong. Nothing was sent.
    PayloadTooLong(ControlPayloadTooLong),
    /// The peer broke the protocol or went over a limit. It was told so by a Close, and the transport has ended.
    Receive(ReceiveError),
    /// An opening request that was not acceptable. It was answered, and the transport has ended.
    Rejected(RejectReason),
    /// The opening request asked for is not one that can be sent. Nothing was sent.
    Request(RequestError),
    /// What was asked cannot be sent. Nothing was queued.
    Send(SendError),
    /// The URL is not one of a WebSocket. Nothing was sent.
    Target(TargetError),
    /// Something took too long. The connection is of no more use.
    Timeout(Phase),
    /// The peer closed the connection inside a message that was being read piece by piece.
    Unfinished,
    /// `wss://`, and TLS is not built in: connect a TLS stream yourself and pass it to `handshake`.
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
    /// Sending: the peer took not one octet for too long.
    WriteStall,
}

impl Error {
    /// Whether something took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }

    /// Whether the connection is closing or gone, which the peer or the network can cause at any time, as opposed to
    /// a fault of the caller or a violation by the peer.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(
            self,
            Error::Io(_) | Error::Lost | Error::Send(SendError::Closing)
        )
    }

    /// The close code for what the peer did. It was sent, unless a Close had been queued before.
    #[must_use]
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Answer(error) => error.fmt(f),
            Error::Handshake(error) => error.fmt(f),
            Error::Io(error) => write!(f, "the transport failed: {error}"),
            Error::Lost => f.write_str("the peer ended the connection without a Close"),
            Error::PayloadTooLong(error) => error.fmt(f),
            Error::Receive(error) => error.fmt(f),
            Error::Rejected(reason) => write!(f, "the opening request was refused: {reason}"),
            Error::Request(error) => error.fmt(f),
            Error::Send(error) => error.fmt(f),
            Error::Target(error) => error.fmt(f),
            Error::Timeout(phase) => phase.fmt(f),
            Error::Unfinished => f.write_str("the peer closed the connection inside a message"),
            Error::TlsUnavailable => f.write_str(
                "wss:// needs TLS, which is not built in: connect a TLS stream yourself and pass it to `handshake`",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Answer(error) => Some(error),
            Error::Handshake(error) => Some(error),
            Error::Io(error) => Some(error),
            Error::PayloadTooLong(error) => Some(error),
            Error::Receive(error) => Some(error),
            Error::Request(error) => Some(error),
            Error::Send(error) => Some(error),
            Error::Target(error) => Some(error),
            Error::Lost
            | Error::Rejected(_)
            | Error::Timeout(_)
            | Error::TlsUnavailable
            | Error::Unfinished => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

impl From<ReceiveError> for Error {
    fn from(error: ReceiveError) -> Self {
        Error::Receive(error)
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

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Error::Send(error)
    }
}

impl From<CloseReasonTooLong> for Error {
    fn from(error: CloseReasonTooLong) -> Self {
        Error::Send(error.into())
    }
}

impl From<ControlPayloadTooLong> for Error {
    fn from(error: ControlPayloadTooLong) -> Self {
        Error::PayloadTooLong(error)
    }
}

impl From<AnswerError> for Error {
    fn from(error: AnswerError) -> Self {
        Error::Answer(error)
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        Error::Handshake(error)
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Error::Request(error)
    }
}

impl From<TargetError> for Error {
    fn from(error: TargetError) -> Self {
        Error::Target(error)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// [`WebSocket::try_send`](crate::WebSocket::try_send) could not queue the message; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError<M> {
    /// The connection is closing: nothing can be sent any more.
    Closing(M),
    /// The queue is over its mark: wait for `ready`.
    Full(M),
    /// A message that is sent piece by piece is not finished.
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

impl<M> fmt::Display for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Closing(_) => "the connection is closing: nothing can be sent any more",
            TrySendError::Unfinished(_) => {
                "a message sent piece by piece is not finished: resume and finish it first"
            }
            TrySendError::Full(_) => "too much is queued already: wait for `ready` and try again",
        })
    }
}

impl<M> std::error::Error for TrySendError<M> {}
