//! Strict and fast WebSockets on servers with hyper 1.
//!
//! A service of hyper checks a request with [`Upgrade::new`], returns the response of
//! [`Upgrade::accept`], and awaits the connection in a task of its own. Settings come from the
//! `Acceptor` of the runtime's crate: `ws-tokio`, `ws-smol` or `ws-async-std`. Nothing is spawned
//! here.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use http_body_util::Full;
//! use hyper::body::{Bytes, Incoming};
//! use hyper::{Request, Response};
//! use ws_hyper::Upgrade;
//! use ws_tokio::Acceptor;
//!
//! /// Answers a request for a WebSocket, which then echoes messages.
//! fn echo(acceptor: &Acceptor, request: Request<Incoming>) -> Response<Full<Bytes>> {
//!     let upgrade = match Upgrade::new(acceptor, request) {
//!         Ok(upgrade) => upgrade,
//!         Err(refusal) => return refusal.response(),
//!     };
//!     let (response, upgrading) = match upgrade.accept() {
//!         Ok(accepted) => accepted,
//!         Err(refusal) => return refusal.response(),
//!     };
//!     tokio::spawn(async move {
//!         let mut ws = upgrading.await?;
//!         while let Some((message, out)) = ws.recv_ref().await? {
//!             out.feed(message).await?;
//!         }
//!         std::io::Result::Ok(())
//!     });
//!     response
//! }
//! # drop(echo);
//! ```
//!
//! The server has to be started with upgrades: `serve_connection(..).with_upgrades()` of
//! `hyper::server::conn::http1`, or `serve_connection_with_upgrades(..)` of
//! `hyper_util::server::conn::auto`.
//!
//! # HTTP/2
//!
//! With the feature `http2`, the same functions serve WebSockets over HTTP/2 (RFC 8441), each in a
//! stream of its own. Call `enable_connect_protocol` of hyper's builder for HTTP/2, or clients
//! cannot ask for one. The stream stays inside hyper, as all streams do but TCP.
//!
//! # Speed
//!
//! If hyper serves the TCP stream of the runtime, the connection gets this stream back: it is then
//! as fast as one of the runtime's own `Acceptor`, and its halves are native. This needs the usual
//! wrapper of the stream, which the features of this crate name. Any other stream, such as TLS,
//! stays inside hyper and is used through [`HyperIo`].
//!
//! # Features
//!
//! `tokio`, `smol` and `async-std` are the runtimes. `auto` gets the TCP stream back from the
//! automatic server of hyper-util, too. `http2` serves HTTP/2, and is part of `auto`. `deflate`
//! compresses messages. None is on by default.

#![forbid(unsafe_code)]

mod error;
mod io;
mod runtime;
mod sent_body;
mod upgrade;
mod upgrading;

pub use error::{Refusal, UpgradeError};
pub use io::HyperIo;
pub use runtime::HyperRuntime;
pub use sent_body::SentBody;
pub use upgrade::{Upgrade, asks_for_web_socket};
pub use upgrading::Upgrading;
