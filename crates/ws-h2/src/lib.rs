//! WebSockets over HTTP/2 (RFC 8441) for clients, on every runtime.
//!
//! A [`Session`] is a connection of HTTP/2 over any transport of `ws-driver`. Each WebSocket of it
//! is a stream of its own. Nothing is spawned here: the caller runs the [`Driver`] of the
//! connection.
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

mod session;
mod stream;
mod tokio_io;

pub use session::{Driver, Session};
pub use stream::H2Stream;
