//! Errors: of accepting, of connecting, and of a connection.

mod accept;
mod connect;
mod into_io;

use into_io::is_loss;

pub use accept::AcceptError;
pub use connect::{ConnectError, ConnectPhase};

use std::{fmt, io};

use ws_proto::{CloseCode, CloseFrame, LimitError, ProtocolError, ReceiveError, SendError};

/// The fault of an operation on a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection is closing or has ended, so that nothing more can be sent. With the Close of the peer, if one has
    /// arrived.
    #[error("{}", closed(.0.as_deref()))]
    Closed(Option<Box<CloseFrame>>),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Io(#[from] io::Error),
    /// The peer ended the transport without a Close (RFC 6455 §7.1.5, code 1006). So ends TLS that was cut off, too.
    #[error("the peer ended the connection without a Close")]
    Lost,
    /// The peer broke the protocol or went over a limit. It was told so by a Close, unless one had been queued before,
    /// and the transport has ended.
    #[error("{0}")]
    Receive(#[from] ReceiveError),
    /// The caller passed something that cannot be sent. Nothing was queued.
    #[error("{0}")]
    Send(SendError),
    /// A time limit passed. The connection is of no more use.
    #[error("{0}")]
    Timeout(#[from] Timeout),
    /// The peer closed the connection inside a message that was being read piece by piece.
    #[error("the peer closed the connection inside a message")]
    Unfinished,
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closing => Self::Closed(None),
            error => Self::Send(error),
        }
    }
}

/// The time limit that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// Of the closing handshake: the peer took less than 64 KiB of what is left, did not answer our Close, or did not
    /// end the transport ([`Config::close_timeout`](crate::Config::close_timeout)).
    #[error("the peer did not complete the closing handshake in time")]
    Close,
    /// Of receiving: the peer sent nothing at all ([`Config::idle_timeout`](crate::Config::idle_timeout)).
    #[error("the peer has sent nothing for too long")]
    Idle,
    /// Of a keepalive Ping: the peer did not answer it ([`Config::keepalive`](crate::Config::keepalive)).
    #[error("the peer did not answer a Ping in time")]
    Pong,
    /// Of sending: the peer took not one byte, while its own messages wait here to be received, or nobody waits in the
    /// [`Receiver`](crate::Receiver) ([`Config::write_stall_timeout`](crate::Config::write_stall_timeout)). The program
    /// is to receive while it sends.
    #[error(
        "the peer has stopped reading, while its own messages wait here to be received: \
         receive while you send, for instance from a second task after `split`"
    )]
    Unreceived,
    /// Of sending: the peer took not one byte ([`Config::write_stall_timeout`](crate::Config::write_stall_timeout)).
    #[error("the peer has stopped reading")]
    WriteStall,
}

impl Error {
    /// Tells whether a time limit passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Tells whether the connection is closed or gone, which the peer or the network can cause at any time. Time limits
    /// on the peer count as well, except for [`Timeout::Unreceived`]. Faults of the caller and violations by the peer
    /// do not.
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Closed(_) | Self::Lost | Self::Unfinished => true,
            Self::Io(error) => is_loss(error),
            Self::Timeout(timeout) => *timeout != Timeout::Unreceived,
            Self::Receive(_) | Self::Send(_) => false,
        }
    }

    /// Returns the Close of the peer, if it closed the connection before this was sent.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        match self {
            Self::Closed(close) => close.as_deref(),
            _ => None,
        }
    }

    /// Returns the close code that this end gives to a violation or a limit. It was sent, unless a Close had been queued
    /// before. The code of the peer is in [`peer_close`](Self::peer_close).
    pub fn violation_code(&self) -> Option<CloseCode> {
        match self {
            Self::Receive(error) => Some(error.close_code()),
            _ => None,
        }
    }
}

/// Says that nothing can be sent any more, and why if that is known.
fn closed(close: Option<&CloseFrame>) -> String {
    let Some(CloseFrame { code, reason, .. }) = close else {
        return "the connection is closing: nothing can be sent any more".into();
    };
    let code = match *code {
        CloseCode::NO_STATUS => "without a code".into(),
        code => format!("with {code}"),
    };
    match &**reason {
        "" => format!("the peer closed the connection {code}"),
        reason => format!("the peer closed the connection {code}: {reason:?}"),
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Receive(error.into())
    }
}

impl From<LimitError> for Error {
    fn from(error: LimitError) -> Self {
        Self::Receive(error.into())
    }
}

/// The reason why [`WebSocket::try_feed`](crate::WebSocket::try_feed) did not queue the message, which comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryFeedError<M> {
    /// The connection is closing or has ended: nothing can be sent any more.
    #[error("the connection is closing: nothing can be sent any more")]
    Closed(M),
    /// There is no room: wait for `ready`.
    #[error("too much is queued already: wait for `ready` and try again")]
    Full(M),
    /// A message that is sent piece by piece is not finished.
    #[error("a message sent piece by piece is not finished: resume and finish it first")]
    Unfinished(M),
}

impl<M> TryFeedError<M> {
    /// Tells whether there is no room: the message can be sent later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Returns the message.
    pub fn into_message(self) -> M {
        match self {
            Self::Closed(message) | Self::Full(message) | Self::Unfinished(message) => message,
        }
    }
}

impl<M> fmt::Debug for TryFeedError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
            Self::Unfinished(_) => "Unfinished(..)",
        })
    }
}
