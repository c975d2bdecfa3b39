//! Strict and fast WebSockets for smol.
//!
//! It uses `async-net` and `async-io`, which start their own threads. So any executor can run it.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { smol::block_on(async {
//! let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//! smol::spawn(async move {
//!     let mut ws = ws_smol::accept(listener.accept().await?.0).await?;
//!     while let Some((message, out)) = ws.recv_ref().await? {
//!         out.feed(message).await?; // an echo
//!     }
//!     std::io::Result::Ok(())
//! }).detach();
//!
//! let mut ws = ws_smol::connect(&url).await?;
//! ws.send("hello").await?;
//! assert_eq!(ws.recv().await?, Some("hello".into()));
//! ws.close(ws_smol::CloseCode::NORMAL, "bye").await?;
//! # Ok(()) }) }
//! ```
//!
//! | to | use |
//! |---|---|
//! | accept or connect with the defaults | [`accept`], [`connect`] |
//! | set limits, timeouts, origins, headers | [`Acceptor`], [`Connector`], [`Config`] |
//! | decide about each request | [`Acceptor::read`], which returns an [`Offer`] |
//! | answer health checks on the same port | [`Acceptor::read_any`] |
//! | send and receive messages or pieces | [`WebSocket`]; in two tasks, [`Sender`] and [`Receiver`] |
//! | connect or accept over TLS | `wss://` URLs, [`Connector::tls`], [`Acceptor::tls`] |
//! | connect through a proxy, with redirects or a password, or over a Unix socket | [`Connector::proxy`], [`redirects`](Connector::redirects), [`basic_auth`](Connector::basic_auth), [`unix_socket`](Connector::unix_socket) |
//! | connect over HTTP/2, with the crate `ws-h2` | [`Connector::http2`] |
//! | upgrade a request of hyper or another HTTP server | [`Acceptor::upgraded`], [`handshake`] |
//! | implement a transport, or use a concrete transport type | [`transport`] |
//! | limit, count and shut down connections | [`Registry`] |
//! | test without a network | [`testing`] |
//!
//! The generic types in [`ws_driver`] have the full documentation. The repository has a guide in
//! `docs`, and programs in `crates/ws-tokio/examples`. Features: `deflate` compresses messages,
//! `tls` adds TLS (the guide has other choices), `fast-masks` has cheap keys for trusted networks,
//! `proxy-protocol` is for servers (see `listen`), and `socket-options` is for clients and servers.
//! `serde` sends and parses JSON, `stats` counts messages and bytes, and `tracing` emits events.

#![forbid(unsafe_code)]

mod aliases;
pub mod testing;
#[cfg(feature = "rustls")]
pub mod tls;
pub mod transport;

pub use aliases::{
    Acceptor, AnyOffer, Connector, Offer, PlainRequest, Receiver, Registry, Sender, Shutdown,
    WebSocket,
};
pub use transport::Smol;
#[cfg(feature = "serde")]
#[doc(inline)]
pub use ws_driver::JsonError;
#[cfg(any(feature = "proxy-protocol", feature = "socket-options"))]
pub use ws_driver::listen;
#[doc(inline)]
pub use ws_driver::{
    AcceptError, AddressError, Admission, AnswerError, Budget, Bytes, ClientError, CloseCode,
    CloseFrame, CloseReason, CloseReasonTooLong, Config, ConnectError, ConnectPhase, Control,
    ControlPayload, ControlPayloadTooLong, Counts, DeflateConfig, End, Error, Feed, HeadLimits,
    Incoming, Initiator, IntoOutgoing, IntoTarget, LimitError, Message, MessageKind, MessageReader,
    MessageRef, MessageWriter, NotUtf8, OriginPolicy, Outbox, Outgoing, Prepared, ProtocolError,
    ProxyError, ProxyErrorKind, ReceiveError, RecvRef, RejectReason, Report, RequestError,
    ReuniteError, SendError, TargetError, Text, Timeout, TlsError, TlsErrorKind, TryFeedError,
    Unavailable, Unreachable, handshake, http, masks,
};
#[cfg(feature = "socket-options")]
#[doc(inline)]
pub use ws_driver::{SocketOptions, TcpKeepalive};
#[cfg(feature = "stats")]
#[doc(inline)]
pub use ws_driver::{Stats, Traffic};

/// Accepts a connection with the default settings. Dropping the future drops the stream.
///
/// # Errors
///
/// The same as for [`Acceptor::accept`]. The client of a bad request has received an HTTP status.
pub async fn accept<S>(stream: S) -> Result<WebSocket, AcceptError>
where
    S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static,
{
    Acceptor::new().accept(stream).await
}

/// Connects to a URL with the default settings. Dropping the future abandons the attempt.
///
/// # Errors
///
/// The same as for [`Connector::connect`].
pub async fn connect(url: impl IntoTarget) -> Result<WebSocket, ConnectError> {
    Connector::new().connect(url).await
}
