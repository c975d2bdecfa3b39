//! Strict and fast WebSockets for tokio.
//!
//! A server:
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
//! loop {
//!     let (tcp, _) = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let mut ws = ws_tokio::accept(tcp).await?;
//!         while let Some((message, out)) = ws.recv_ref().await? {
//!             out.feed(message)?;
//!         }
//!         Ok::<(), ws_tokio::Error>(())
//!     });
//! }
//! # }
//! ```
//!
//! A client:
//!
//! ```no_run
//! # async fn talk() -> Result<(), ws_tokio::Error> {
//! use ws_tokio::CloseCode;
//!
//! let mut ws = ws_tokio::connect("ws://127.0.0.1:9001/").await?;
//! ws.send("hello").await?;
//! if let Some(message) = ws.recv().await? {
//!     println!("{}", message.as_text().unwrap_or("binary"));
//! }
//! ws.close(CloseCode::NORMAL, "bye").await?;
//! # Ok(())
//! # }
//! ```
//!
//! A server that looks at the request first:
//!
//! ```no_run
//! # async fn decide(tcp: tokio::net::TcpStream) -> Result<(), ws_tokio::Error> {
//! use ws_tokio::{Acceptor, http::StatusCode};
//!
//! let offer = Acceptor::new().max_message(1 << 20).read(tcp).await?;
//! if offer.path() != "/chat" || !offer.protocols().any(|name| name == "chat.v2") {
//!     return offer.reject(StatusCode::NOT_FOUND).await;
//! }
//! let mut ws = offer.subprotocol("chat.v2").accept().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`WebSocket`] explains receiving, the contract of sending, and cancellation. The protocol itself is in `ws-proto`
//! and `ws-handshake`, the asynchronous part in `ws-driver`; everything that an application needs is re-exported here.

#![forbid(unsafe_code)]

mod io;

pub use io::{Tokio, TokioIo, TokioReadHalf, TokioTimer, TokioWriteHalf};
pub use ws_driver::*;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A WebSocket connection over a tokio stream. See [`ws_driver::WebSocket`].
pub type WebSocket<S = TcpStream> = ws_driver::WebSocket<TokioIo<S>>;

/// How a server accepts connections. See [`ws_driver::Acceptor`].
pub type Acceptor = ws_driver::Acceptor<Tokio>;

/// How a client connects. See [`ws_driver::Connector`].
pub type Connector = ws_driver::Connector<Tokio>;

/// An opening request that waits for a decision. See [`ws_driver::Offer`].
pub type Offer<S = TcpStream> = ws_driver::Offer<TokioIo<S>>;

/// The sending half of a split connection. See [`ws_driver::Sender`].
pub type Sender<S = TcpStream> = ws_driver::Sender<TokioIo<S>>;

/// The receiving half of a split connection. See [`ws_driver::Receiver`].
pub type Receiver<S = TcpStream> = ws_driver::Receiver<TokioIo<S>>;

/// Accepts a WebSocket connection on a stream, with the defaults of [`Acceptor`].
///
/// # Errors
///
/// As for [`Acceptor::accept`](ws_driver::Acceptor::accept).
pub async fn accept<S>(stream: S) -> Result<WebSocket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    Acceptor::new().accept(stream).await
}

/// Connects to a `ws://` URL, with the defaults of [`Connector`].
///
/// # Errors
///
/// As for [`Connector::connect`](ws_driver::Connector::connect).
pub async fn connect(url: &str) -> Result<WebSocket, Error> {
    Connector::new().connect(url).await
}
