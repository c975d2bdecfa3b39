//! WebSockets over HTTP/2 (RFC 8441) for clients, on every runtime.
//!
//! A [`Session`] is a connection of HTTP/2 over any transport of `ws-driver`. Each WebSocket of it
//! is a stream of its own. Nothing is spawned here: the caller runs the [`Driver`] of the
//! connection. A connection with one WebSocket needs no driver: see [`handshake_on`].
//!
//! ```no_run
//! use ws_h2::Session;
//! use ws_tokio::transport::Runtime;
//! use ws_tokio::{Connector, Tokio};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server that expects HTTP/2 on a plain port.
//! let tcp = tokio::net::TcpStream::connect("127.0.0.1:9001").await?;
//! let (session, driver) = Session::start(Connector::new(), Tokio::tcp(tcp)).await?;
//! tokio::spawn(driver);
//!
//! let mut news = session.open("ws://127.0.0.1:9001/news").await?;
//! let mut chat = session.open("ws://127.0.0.1:9001/chat").await?;
//! chat.send("hello").await?;
//! println!("{:?}", news.recv().await?);
//! # Ok(())
//! # }
//! ```
//!
//! For `wss://`, pass a TLS stream that has agreed on the ALPN protocol `h2`.
//!
//! # Flow control
//!
//! A WebSocket that is not read fills its own window, and its server waits. The others go on as
//! long as the window of the whole connection has room. An idle WebSocket keeps no part of a
//! window.

#![forbid(unsafe_code)]

mod http2;
mod io;
mod opening;
mod session;
mod stream;
mod transport;

pub use http2::Http2;
pub use session::{Driver, Session};
pub use stream::H2Stream;
pub use transport::H2Transport;

use ws_driver::handshake::IntoTarget;
use ws_driver::transport::{Runtime, Transport};
use ws_driver::{ConnectError, Connector, WebSocket};

/// Opens a WebSocket in a connection of HTTP/2 of its own, over a transport whose peer expects
/// HTTP/2. The WebSocket drives the connection itself.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_tokio::transport::Runtime;
/// use ws_tokio::{Connector, Tokio};
///
/// let tcp = tokio::net::TcpStream::connect("127.0.0.1:9001").await?;
/// let url = "ws://127.0.0.1:9001/chat";
/// let mut ws = ws_h2::handshake_on(&Connector::new(), url, Tokio::tcp(tcp)).await?;
/// ws.send("hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The errors of [`Session::start`] and [`Session::open`].
///
/// # Cancel safety
///
/// Dropping the future drops the transport.
pub async fn handshake_on<R, T>(
    connector: &Connector<R>,
    url: impl IntoTarget,
    transport: T,
) -> Result<WebSocket<H2Transport<T>>, ConnectError>
where
    R: Runtime,
    T: Transport<Timer = R::Timer> + Unpin,
{
    let handshake = connector.connect_request(&url.into_target()?)?;
    let opening = Box::pin(H2Transport::open(transport, &handshake));
    let (transport, response) = session::in_time(connector, opening).await?;
    connector.established_on(&handshake, response, transport)
}
