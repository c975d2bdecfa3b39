//! Connections and transports in memory, for tests without a network.
//!
//! [`pair`] returns both ends of a connection. The handler under test gets one end, and the test is
//! the peer at the other end:
//!
//! ```
//! use ws_async_std::{Error, WebSocket, testing};
//!
//! async fn shout(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = ws.recv().await? {
//!         ws.send(message.as_text().unwrap_or("?").to_uppercase()).await?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # async_std::task::block_on(async {
//! let (mut client, server) = testing::pair(Default::default());
//! let handler = async_std::task::spawn(shout(server));
//! client.send("hello").await?;
//! assert_eq!(client.recv().await?, Some("HELLO".into()));
//! client.close(ws_async_std::CloseCode::NORMAL, "bye").await?;
//! handler.await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! Two transports are for other tests. [`duplex`] returns two connected ends, for a test of the
//! opening handshake. [`Scripted`] fails, stalls, or splits the input as the test requires.
//! [`accept_on`](crate::Acceptor::accept_on) and [`handshake_on`](crate::Connector::handshake_on)
//! take both. [`AnyTransport::new`](crate::transport::AnyTransport::new) makes the transport of a
//! [`WebSocket`] of them.

pub use ws_driver::testing::{Duplex, DuplexRead, DuplexWrite, Script, Scripted, duplex};

use crate::{AsyncStd, Config, WebSocket};

/// Returns the client's and the server's end of a new connection in memory.
///
/// Both ends use `config`. See [`ws_driver::testing::pair`].
#[must_use]
pub fn pair(config: Config) -> (WebSocket, WebSocket) {
    ws_driver::testing::pair::<AsyncStd>(config)
}
