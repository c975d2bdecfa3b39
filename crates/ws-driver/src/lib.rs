//! Asynchronous WebSocket connections for every runtime.
//!
//! Applications use an adapter crate for their runtime. The adapter re-exports the types of this
//! crate.
//!
//! This crate runs the protocol ([`ws_proto`]) and the opening handshake ([`ws_handshake`]) on a
//! [`Transport`] and a [`Timer`]. It decides when to read, write and wait, it wakes tasks, and it
//! enforces deadlines. The adapter performs these operations on its runtime. The two lower crates
//! define the meaning of the bytes.
//!
//! An adapter for another runtime implements:
//!
//! * [`Transport`] for TCP streams, and for a newtype around all other streams. A transport is a
//!   [`ReadHalf`] and a [`WriteHalf`]. Implement [`Split`] as well, because [`WebSocket::split`]
//!   requires it.
//! * [`Timer`] for the timer of the runtime.
//! * [`Runtime`] and [`Wrap`] for a marker type, to open connections and to make transports from
//!   streams.
//!
//! [`Acceptor<Marker>`](Acceptor) and [`Connector<Marker>`](Connector) then return [`WebSocket`]s.
//! If the streams of the runtime implement the traits of futures-io, the feature `futures-io`
//! provides the transports, in the module `futures_io`.
//!
//! [`Transport`]: transport::Transport
//! [`ReadHalf`]: transport::ReadHalf
//! [`WriteHalf`]: transport::WriteHalf
//! [`Split`]: transport::Split
//! [`Timer`]: transport::Timer
//! [`Runtime`]: transport::Runtime
//! [`Wrap`]: transport::Wrap

#![forbid(unsafe_code)]

mod accept;
mod any;
mod boxed;
mod clock;
mod connect;
mod dial;
mod ending;
mod error;
mod exchange;
mod expiry;
#[cfg(feature = "futures-io")]
pub mod futures_io;
mod http2;
#[cfg(feature = "serde")]
mod json;
mod limits;
#[cfg(any(feature = "proxy-protocol", feature = "socket-options"))]
pub mod listen;
mod locked;
mod look_ahead;
#[cfg(all(test, loom))]
mod loom_tests;
pub mod masks;
#[cfg(test)]
mod never;
mod opening;
mod outbox;
mod pair;
mod pieces;
mod pipe;
mod pool;
mod read_state;
mod recv_ref;
mod scripted;
mod sending;
mod serve;
mod split;
mod state;
#[cfg(feature = "stats")]
mod stats;
mod stream;
mod sync;
mod tls;
mod trace;
pub mod transport;
mod upgrade;
mod websocket;
mod write_state;

pub use accept::{Acceptor, AnyOffer, Offer, PlainRequest};
pub use connect::Connector;
#[cfg(feature = "socket-options")]
pub use dial::{SocketOptions, TcpKeepalive};
pub use error::{
    AcceptError, AddressError, ConnectError, ConnectPhase, Error, ProxyError, ProxyErrorKind,
    Timeout, TlsError, TlsErrorKind, TryFeedError, Unreachable,
};
pub use outbox::{Feed, Outbox};
pub use pieces::{MessageReader, MessageWriter};
pub use read_state::Incoming;
pub use recv_ref::RecvRef;
pub use serve::{Admission, Budget, Counts, Registry, Report, Shutdown, Unavailable};
pub use split::{Receiver, ReuniteError, Sender};
#[cfg(feature = "stats")]
pub use stats::Stats;
pub use websocket::WebSocket;
#[cfg(feature = "serde")]
pub use ws_proto::JsonError;
#[cfg(feature = "stats")]
pub use ws_proto::Traffic;

pub use bytes::Bytes;
pub use http;
pub use ws_handshake::{
    AnswerError, ClientError, Extension, HeadError, HeadLimits, IntoTarget, OriginPolicy,
    RejectReason, RequestError, TargetError,
};
pub use ws_proto::{
    CloseCode, CloseFrame, CloseReason, CloseReasonTooLong, Config, Control, ControlPayload,
    ControlPayloadTooLong, DeflateConfig, End, Initiator, IntoOutgoing, LimitError, Message,
    MessageKind, MessageRef, NotUtf8, Outgoing, Prepared, ProtocolError, ReceiveError, SendError,
    Text,
};

/// The opening handshake without I/O, for programs that use another HTTP implementation. Re-exports
/// [`ws_handshake`].
pub mod handshake {
    pub use ws_handshake::*;
    pub use ws_proto::{DeflateParams, Role};
}

/// Transports and connections in memory, for tests of programs that use connections.
pub mod testing {
    pub use crate::pair::pair;
    pub use crate::pipe::{Duplex, DuplexRead, DuplexWrite, duplex};
    pub use crate::scripted::{Script, Scripted};
}
