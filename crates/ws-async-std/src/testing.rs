//! Connections and transports in memory, for tests without a network.
//!
//! [`pair`] returns both ends of a connection. Pass one end to the handler under test. The test is
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
//! This module also has two kinds of transports. [`duplex`] returns two connected transports, to
//! test the opening handshake. A [`Scripted`] transport fails, stalls, or splits the input as the
//! test requires. [`accept_on`](crate::Acceptor::accept_on) and
//! [`handshake_on`](crate::Connector::handshake_on) accept either kind.
//! [`AnyTransport::new`](crate::transport::AnyTransport::new) converts either kind to the transport
//! type of [`WebSocket`].

pub use ws_driver::testing::{Duplex, DuplexRead, DuplexWrite, Script, Scripted, duplex};

use crate::{AsyncStd, Config, WebSocket};

/// Returns the client's and the server's end of a new connection in memory.
///
/// Both ends use `config`. See [`ws_driver::testing::pair`].
#[must_use]
pub fn pair(config: Config) -> (WebSocket, WebSocket) {
    ws_driver::testing::pair::<AsyncStd>(config)
}
