//! Strict and fast WebSockets for axum, with compression.
//!
//! [`Upgrade`] is an extractor. Its method [`accept`](Upgrade::accept) returns the response, and
//! serves the connection in a task.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use ws_axum::{DeflateConfig, Error, Upgrade, WebSocket};
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), Error> {
//!     while let Some((message, out)) = ws.recv_ref().await? {
//!         out.feed(message).await?;
//!     }
//!     Ok(())
//! }
//!
//! async fn handler(upgrade: Upgrade) -> Response {
//!     upgrade.deflate(DeflateConfig::default()).accept(echo)
//! }
//!
//! let app: Router = Router::new().route("/echo", any(handler));
//! # drop(app);
//! ```
//!
//! Other extractors, such as `State` or `Path`, may stand before `Upgrade`. With
//! `Option<Upgrade>`, one route serves pages and WebSockets: it is `None` if the request does not
//! ask for a WebSocket. `axum::serve` needs no setting. With the feature `http2` of axum, it serves
//! WebSockets over HTTP/2 as well: route them with `any`.
//!
//! The connection takes the TCP stream back from `axum::serve`, so it is as fast as one of
//! [`ws_tokio`], and its halves are native.

#![forbid(unsafe_code)]

mod rejection;
mod upgrade;

pub use rejection::Rejection;
pub use upgrade::Upgrade;
pub use ws_hyper::UpgradeError;
pub use ws_tokio;
#[cfg(feature = "serde")]
#[doc(no_inline)]
pub use ws_tokio::JsonError;
#[doc(no_inline)]
pub use ws_tokio::{
    Acceptor, Budget, Bytes, CloseCode, Config, DeflateConfig, Error, Message, MessageRef,
    OriginPolicy, Receiver, Registry, Sender, WebSocket,
};
