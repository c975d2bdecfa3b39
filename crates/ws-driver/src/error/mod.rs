//! Errors of accepting, of connecting, and of connections.

mod accept;
mod connect;
mod into_io;
mod proxy;
#[cfg(feature = "proxy-protocol")]
mod proxy_protocol;
mod tls;
mod unreachable;

use into_io::is_loss;

pub use accept::AcceptError;
pub use connect::{ConnectError, ConnectPhase};
pub use proxy::{ProxyError, ProxyErrorKind};
#[cfg(feature = "proxy-protocol")]
pub use proxy_protocol::ProxyProtocolError;
pub use tls::{TlsError, TlsErrorKind};
pub use unreachable::{AddressError, Unreachable};

use std::{fmt, io};

use ws_proto::{CloseCode, CloseFrame, LimitError, ProtocolError, ReceiveError, SendError};

/// An error of an operation on a connection.
///
/// All variants convert into [`io::Error`]. [`Io`](Self::Io) is converted into the original error.
/// For any other variant, [`io::Error::get_ref`] and a downcast return this error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection is closing or has ended. Nothing more can be sent. Holds the Close of the
    /// peer if one has arrived.
    #[error("{}", closed(.0.as_deref()))]
    Closed(Option<Box<CloseFrame>>),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Io(#[from] io::Error),
    /// The peer ended the transport without a Close (RFC 6455 §7.1.5, code 1006). This includes TLS
    /// streams that ended without a `close_notify`.
    #[error("the peer ended the connection without a Close")]
    Lost,
    /// The peer broke the protocol or exceeded a limit, or the [`Budget`](crate::Budget) of the
    /// server is used up. A Close with the reason was sent, unless another Close had been queued
    /// before. The transport has ended.
    #[error("{0}")]
    Receive(#[from] ReceiveError),
    /// The caller passed something that cannot be sent. Or a message that is sent piece by piece is
    /// unfinished, or ends inside a character. Nothing was queued.
    #[error("{0}")]
    Send(SendError),
    /// The value that was passed to [`send_json`](crate::WebSocket::send_json) or
    /// [`feed_json`](crate::WebSocket::feed_json) cannot be serialized as JSON. Nothing was queued.
    /// The connection stays open. Requires the feature `serde`.
    #[cfg(feature = "serde")]
    #[error("the value cannot be serialized as JSON: {0}: check its `Serialize` implementation")]
    Serialize(#[source] serde_json::Error),
    /// A timeout passed and ended the connection. Only [`Sender::closed`](crate::Sender::closed)
    /// can return [`Timeout::Close`] before the connection has ended.
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

/// The timeout that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// The peer did not complete the closing handshake within
    /// [`Config::close_timeout`](crate::Config::close_timeout). The peer took less than 64 KiB of
    /// the remaining output, did not answer our Close, or did not end the transport.
    #[error("the peer did not complete the closing handshake in time")]
    Close,
    /// The peer sent nothing for [`Config::idle_timeout`](crate::Config::idle_timeout). The time
    /// runs only while a task receives.
    #[error("the peer has sent nothing for too long")]
    Idle,
    /// The peer did not answer a keepalive Ping in time. The time runs only while a task receives.
    /// See [`Config::keepalive`](crate::Config::keepalive).
    #[error("the peer did not answer a Ping in time")]
    Pong,
    /// The server was [shut down](crate::Registry::shutdown), and the connection had not ended at
    /// the deadline of the shutdown.
    #[error("the server was shut down, and the closing handshake was not complete at the deadline")]
    Shutdown,
    /// The peer took no byte for
    /// [`Config::write_stall_timeout`](crate::Config::write_stall_timeout), and during this time
    /// this end did not receive the messages of the peer.
    ///
    /// Either messages of the peer are waiting to be received, or no task is waiting in the
    /// [`Receiver`](crate::Receiver). The program must receive while it sends.
    #[error(
        "the peer has stopped reading while its own messages wait to be received here: \
         receive while you send, for instance in a second task after `split`"
    )]
    Unreceived,
    /// The peer took no byte for
    /// [`Config::write_stall_timeout`](crate::Config::write_stall_timeout).
    #[error("the peer has stopped reading")]
    WriteStall,
}

impl Error {
    /// Returns `true` if a timeout passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Returns `true` if the connection is closed or lost. The peer or the network can cause this
    /// at any time.
    ///
    /// Also returns `true` for timeouts, except for [`Timeout::Unreceived`]. Returns `false` for
    /// mistakes of the caller and for violations by the peer. The result for [`Io`](Self::Io)
    /// depends on the kind of the I/O error.
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Closed(_) | Self::Lost | Self::Unfinished => true,
            Self::Io(error) => is_loss(error),
            Self::Timeout(timeout) => *timeout != Timeout::Unreceived,
            Self::Receive(_) | Self::Send(_) => false,
            #[cfg(feature = "serde")]
            Self::Serialize(_) => false,
        }
    }

    /// Returns `true` for a mistake of the caller: [`Send`](Self::Send),
    /// [`Timeout::Unreceived`], and `Serialize` with the feature `serde`. The same call on another
    /// connection would fail as well.
    pub fn is_caller_fault(&self) -> bool {
        match self {
            Self::Send(_) => true,
            #[cfg(feature = "serde")]
            Self::Serialize(_) => true,
            Self::Timeout(timeout) => *timeout == Timeout::Unreceived,
            Self::Closed(_) | Self::Io(_) | Self::Lost | Self::Receive(_) | Self::Unfinished => {
                false
            }
        }
    }

    /// Returns the Close of the peer if the error is [`Closed`](Self::Closed) and a Close of the
    /// peer has arrived.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        match self {
            Self::Closed(close) => close.as_deref(),
            _ => None,
        }
    }

    /// Returns the close code for a violation by the peer or for an exceeded limit. `None` for any
    /// other error.
    ///
    /// A Close with this code was sent to the peer, unless another Close had been queued before.
    /// [`peer_close`](Self::peer_close) returns the code that the peer sent.
    pub fn violation_code(&self) -> Option<CloseCode> {
        match self {
            Self::Receive(error) => Some(error.close_code()),
            _ => None,
        }
    }
}

/// Formats [`Error::Closed`], with the code and the reason of the peer if its Close has arrived.
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

/// The reason why [`WebSocket::try_feed`](crate::WebSocket::try_feed) did not queue a message.
/// Holds the message.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryFeedError<M> {
    /// The connection is closing or has ended. Nothing more can be sent.
    #[error("the connection is closing: nothing can be sent any more")]
    Closed(M),
    /// There is no room. Wait for [`ready`](crate::WebSocket::ready) and try again.
    #[error("too much is queued already: wait for `ready` and try again")]
    Full(M),
    /// A message that is sent piece by piece has not been finished. See
    /// [`WebSocket::writer`](crate::WebSocket::writer).
    #[error("a message sent piece by piece is not finished: resume and finish it first")]
    Unfinished(M),
}

impl<M> TryFeedError<M> {
    /// Returns `true` if there was no room. The message can be sent later.
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
