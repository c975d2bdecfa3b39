//! One asynchronous WebSocket connection for every runtime.
//!
//! This crate joins [`ws_proto`] and [`ws_handshake`] to a [`Transport`] and a [`Timer`]. It reads, writes, wakes and
//! keeps time; what the bytes mean is decided below it, and which runtime moves them above it. Users take an adapter
//! crate, which re-exports what is here. Another runtime implements:
//!
//! * [`Transport`], which is a [`ReadHalf`] and a [`WriteHalf`], for a newtype around its streams; [`Split`] too, where
//!   the directions can be owned apart;
//! * [`Timer`] for its timer;
//! * [`Runtime`] and [`Wrap`] for a marker type, to connect and to make transports of streams.
//!
//! Where the runtime's streams have the traits of futures-io, the feature `futures-io` offers the transport as
//! `FuturesIo`.
//!
//! After that [`Acceptor<Marker>`](Acceptor) and [`Connector<Marker>`](Connector) give [`WebSocket`]s.
//!
//! Inside, `read_state.rs` and `write_state.rs` are the two directions of a connection, `state.rs` is how far it is from
//! its end, and `split/` shares it between two halves.

#![forbid(unsafe_code)]

mod accept;
mod boxed;
mod clock;
mod connect;
mod error;
mod feed;
#[cfg(feature = "futures-io")]
mod futures_io;
mod locked;
#[cfg(all(test, loom))]
mod loom_tests;
mod masks;
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
mod transport;
mod upgrade;
mod websocket;
mod write_state;

pub use accept::{Acceptor, Offer};
pub use connect::Connector;
pub use error::{Error, Phase, TrySendError};
pub use feed::{Feed, Outbox};
#[cfg(feature = "futures-io")]
pub use futures_io::{
    FuturesIo, FuturesReadHalf, FuturesRuntime, FuturesTcpReadHalf, FuturesTcpWriteHalf,
    FuturesWriteHalf,
};
pub use locked::Locked;
#[cfg(feature = "fast-masks")]
pub use masks::FastMasks;
pub use masks::OsMasks;
pub use pieces::{MessageReader, MessageWriter};
pub use pipe::{Duplex, DuplexRead, DuplexWrite, duplex};
pub use recv_ref::RecvRef;
pub use scripted::{Script, Scripted};
pub use split::{Receiver, ReuniteError, Sender};
pub use transport::{ReadHalf, Runtime, Split, Timer, Transport, Wrap, WriteHalf};
pub use websocket::WebSocket;
pub use write_state::WriteState;

pub use bytes::Bytes;
pub use http;
pub use ws_handshake::{
    AnswerError, ClientError, Extension, OriginPolicy, RejectReason, RequestError, TargetError,
};
pub use ws_proto::{
    CloseCode, CloseFrame, CloseReason, CloseReasonTooLong, Config, Control, ControlPayload,
    ControlPayloadTooLong, DeflateConfig, DeflateParams, End, Initiator, LimitError, MaskKey,
    MaskSource, Message, MessageKind, MessageRef, Outgoing, Prepared, ProtocolError, ReceiveError,
    SendError, Text,
};
