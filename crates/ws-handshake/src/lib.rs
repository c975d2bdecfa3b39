//! The WebSocket opening handshake (RFC 6455 §4) over HTTP/1.1, for both roles, without I/O.
//!
//! This crate turns bytes into decisions and decisions into bytes. It has no sockets, no clock
//! and no source of randomness: the caller reads and writes, keeps the deadline (10 seconds for
//! the whole handshake is a good one), and passes the 16 bytes of the client's nonce. It knows
//! nothing of frames either; bytes behind a head are left to the caller, who hands them to the
//! frame layer.
//!
//! # Server
//!
//! 1. Feed what arrives to [`ServerHandshake::receive`], or a request that another HTTP stack has
//!    parsed to [`UpgradeRequest::from_request`].
//! 2. A request that breaks a rule comes back as a [`Rejection`], whose [`Rejection::encode`] is
//!    the complete answer. Send it, then end the connection.
//! 3. A valid one is an [`UpgradeRequest`]. Decide, for as long as it takes, and send
//!    [`UpgradeRequest::accept`] (then frames follow) or [`UpgradeRequest::reject`] (then end the connection).
//!
//! # Client
//!
//! 1. Parse the URL with [`Target::parse`], say what to offer in a [`Request`], and
//!    [`build`](Request::build) it.
//! 2. Send [`ClientHandshake::request`], feed what arrives to [`ClientHandshake::receive`], and
//!    the end of the stream to [`ClientHandshake::end_of_input`].
//! 3. The result is [`Established`], or a [`ClientError`] that says which rule the server broke
//!    or how it refused.
//!
//! # Both at once
//!
//! ```
//! use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
//!
//! let target = Target::parse("ws://example.com/chat?room=1")?;
//! let nonce = *b"the sample nonce"; // in earnest: random
//! let mut client = Request::new().protocol("chat.v2").build(&target, nonce)?;
//!
//! let mut server = ServerHandshake::new(OriginPolicy::default());
//! let offer = server.receive(client.request())?.done.expect("a complete request");
//! assert_eq!((offer.path(), offer.query()), ("/chat", Some("room=1")));
//! let accepted = offer.accept(Answer::new().protocol("chat.v2"))?;
//!
//! let established = client.receive(&accepted.encode())?.done.expect("a complete response");
//! assert_eq!(established.agreed().protocol(), Some("chat.v2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Compression
//!
//! Both sides say how they want messages compressed by a [`DeflateConfig`](ws_proto::DeflateConfig),
//! or do not, which is the default. What came of it is [`Agreed::deflate`] (RFC 7692 §5, §7.1).
//!
//! ```
//! use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
//! use ws_proto::DeflateConfig;
//!
//! let config = DeflateConfig::default();
//! let target = Target::parse("ws://example.com/")?;
//! let mut client = Request::new().deflate(&config).build(&target, *b"the sample nonce")?;
//!
//! let mut server = ServerHandshake::new(OriginPolicy::default());
//! let offer = server.receive(client.request())?.done.expect("a complete request");
//! let accepted = offer.accept(Answer::new().deflate(&config.own_window_bits(11)))?;
//! let params = accepted.agreed().deflate().expect("the client offers it");
//! assert_eq!(params.server_max_window_bits, 11);
//!
//! let established = client.receive(&accepted.encode())?.done.expect("a complete response");
//! assert_eq!(established.agreed().deflate(), Some(params));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is bounded
//!
//! Heads have at most [`MAX_HEAD_LEN`] bytes and [`MAX_HEADERS`] lines, bodies of refusals at
//! most [`MAX_REFUSAL_BODY_LEN`] bytes. Work is linear in the bytes received, however they are
//! cut: a peer that sends one at a time costs no more than one that sends all at once. No input
//! panics.
//!
//! # Where it is strict
//!
//! Lines end with CRLF and nothing else; one empty line in front of a head is skipped. A request
//! that announces a body is refused, since what follows a request to upgrade are frames. Every
//! refusal is a complete response that ends the connection.
//!
//! # Where it runs
//!
//! It needs std, as the `http` crate does, but no operating system: it builds for
//! `wasm32-unknown-unknown`. Two programs show it together with `ws-proto`: `examples/in_memory.rs`
//! carries a whole conversation through memory, `examples/blocking_echo.rs` is a server over
//! std's sockets with a thread for each connection.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
// Whatever a peer or caller passes, nothing panics.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unwrap_used
    )
)]

mod accept_key;
mod agreed;
mod answer;
mod client;
mod client_error;
mod deflate;
mod extension;
mod fields;
mod head;
mod head_error;
mod host;
mod limits;
mod origin;
mod protocol;
mod refusal_body;
mod reject_reason;
mod rejection;
mod request;
mod scanner;
mod server;
mod target;
mod token;
mod upgrade_request;

pub use agreed::Agreed;
pub use answer::{Accepted, Answer, AnswerError};
pub use client::{ClientHandshake, Established};
pub use client_error::ClientError;
pub use deflate::{DeflateError, DeflateParameter};
pub use extension::{Extension, ExtensionError};
pub use head_error::HeadError;
pub use limits::{MAX_HEAD_LEN, MAX_HEADERS, MAX_REFUSAL_BODY_LEN, Progress};
pub use origin::OriginPolicy;
pub use reject_reason::RejectReason;
pub use rejection::{Rejection, encode_rejection};
pub use request::{Request, RequestError};
pub use server::ServerHandshake;
pub use target::{IntoTarget, Target, TargetError};
pub use upgrade_request::UpgradeRequest;
