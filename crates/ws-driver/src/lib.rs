//! One asynchronous WebSocket connection for every runtime.
//!
//! This crate joins [`ws_proto`] and [`ws_handshake`] to a [`Transport`] and a [`Timer`]. It reads, writes, wakes and
//! keeps time; what the bytes mean is decided below it, and which runtime moves them above it. Users take an adapter
//! crate, which re-exports what is here. Another runtime implements:
//!
//! * [`Transport`], which is a [`ReadHalf`] and a [`WriteHalf`], for its TCP and for a newtype around its other
//!   streams; [`Split`] too, where the directions can be owned apart;
//! * [`Timer`] for its timer;
//! * [`Runtime`] and [`Wrap`] for a marker type, to connect and to make transports of streams.
//!
//! Where the runtime's streams have the traits of futures-io, the feature `futures-io` offers the transports in the
//! module `futures_io`.
//!
//! After that [`Acceptor<Marker>`](Acceptor) and [`Connector<Marker>`](Connector) give [`WebSocket`]s.
//!
//! Inside, `read_state.rs` and `write_state.rs` are the two directions of a connection, `look_ahead.rs` sees to Pings
//! while nobody receives, `sending.rs` has what a connection, its sending half and an outbox share, `state.rs` is how far
//! a connection is from its end, `ending.rs` goes there, and `split/` shares a connection between two halves.
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
mod ending;
mod error;
#[cfg(feature = "futures-io")]
pub mod futures_io;
mod limits;
mod locked;
mod look_ahead;
#[cfg(all(test, loom))]
mod loom_tests;
pub mod masks;
mod opening;
mod outbox;
mod pieces;
mod pipe;
mod pool;
mod read_state;
mod recv_ref;
mod scripted;
mod sending;
mod split;
mod state;
mod stream;
mod sync;
pub mod transport;
mod upgrade;
mod websocket;
mod write_state;

pub use accept::{Acceptor, Offer};
pub use connect::Connector;
pub use error::{AcceptError, ConnectError, ConnectPhase, Error, Timeout, TryFeedError};
pub use outbox::{Feed, Outbox};
pub use pieces::{MessageReader, MessageWriter};
pub use read_state::Incoming;
pub use recv_ref::RecvRef;
pub use split::{Receiver, ReuniteError, Sender};
pub use websocket::WebSocket;

pub use bytes::Bytes;
pub use http;
pub use ws_handshake::{
    AnswerError, ClientError, Extension, HeadError, IntoTarget, OriginPolicy, RejectReason,
    RequestError, TargetError,
};
pub use ws_proto::{
    CloseCode, CloseFrame, CloseReason, CloseReasonTooLong, Config, Control, ControlPayload,
    ControlPayloadTooLong, DeflateConfig, End, Initiator, IntoOutgoing, LimitError, Message,
    MessageKind, MessageRef, NotUtf8, Outgoing, Prepared, ProtocolError, ReceiveError, SendError,
    Text,
};

/// The opening handshake by itself, for those who let another HTTP implementation do it: all of [`ws_handshake`].
pub mod handshake {
    pub use ws_handshake::*;
    pub use ws_proto::{DeflateParams, Role};
}

/// Transports in memory, for tests of what is built on connections.
pub mod testing {
    pub use crate::pipe::{Duplex, DuplexRead, DuplexWrite, duplex};
    pub use crate::scripted::{Script, Scripted};
}
