//! The WebSocket opening handshake (RFC 6455 §4) over HTTP/1.1, for both roles, without I/O.
//!
//! This crate parses and checks requests and responses, and encodes them. It has no sockets, no
//! clock and no source of randomness. The caller reads and writes, and enforces a timeout (10
//! seconds for the whole handshake is a good value). The caller of a client also passes 16 random
//! bytes as the nonce.
//!
//! A *head* is the start line and the header fields of a request or response. The crate does not
//! parse frames: bytes that follow a head belong to the caller, who passes them to the frame layer.
//!
//! # Server
//!
//! 1. Pass the received bytes to [`ServerHandshake::receive`]. If another HTTP stack has parsed the
//!    request, pass that request to [`UpgradeRequest::from_request`] instead.
//! 2. For a request that breaks a rule, the result is a [`Rejection`]. Send its complete response,
//!    [`Rejection::encode`], and end the connection.
//! 3. For a valid request, the result is an [`UpgradeRequest`]. The timeout should not include the
//!    time to decide about the request. To accept the request, call [`UpgradeRequest::accept`] and
//!    send [`Accepted::encode`]. Frames follow. To reject the request, send the result of
//!    [`UpgradeRequest::reject`] and end the connection.
//!
//! ```
//! use std::io::{Error, ErrorKind, Read, Result, Write};
//! use ws_handshake::{Answer, OriginPolicy, ServerHandshake};
//!
//! /// Returns the bytes that follow the request: the first frames of the client.
//! fn accept(mut input: impl Read, mut output: impl Write) -> Result<Vec<u8>> {
//!     let mut handshake = ServerHandshake::new(OriginPolicy::default());
//!     let mut block = [0; 4096];
//!     loop {
//!         let len = input.read(&mut block)?;
//!         if len == 0 {
//!             return Err(ErrorKind::UnexpectedEof.into());
//!         }
//!         match handshake.receive(&block[..len]) {
//!             Ok(progress) => {
//!                 let Some(request) = progress.done else { continue };
//!                 let accepted = request.accept(Answer::new()).map_err(Error::other)?;
//!                 output.write_all(&accepted.encode())?;
//!                 return Ok(block[progress.consumed..len].to_vec());
//!             }
//!             Err(rejection) => {
//!                 output.write_all(&rejection.encode())?;
//!                 return Err(Error::other(rejection));
//!             }
//!         }
//!     }
//! }
//!
//! let request = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\r\n";
//! let mut response = Vec::new();
//! accept(&request[..], &mut response)?;
//! assert!(response.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Client
//!
//! 1. Parse the URL with [`Target::parse`]. Put the subprotocols, extensions and headers into a
//!    [`Request`], and call [`build`](Request::build).
//! 2. Send [`ClientHandshake::request`]. Pass the received bytes to [`ClientHandshake::receive`].
//!    When the stream ends, call [`ClientHandshake::end_of_input`].
//! 3. The result is an [`Established`] or a [`ClientError`]. The error names the rule that the
//!    response breaks, or contains the response with which the server refused.
//!
//! ```
//! use std::io::{Error, Read, Result, Write};
//! use ws_handshake::{Established, Request, Target};
//!
//! /// Returns the result of the handshake, and the first frames of the server that follow it.
//! fn connect(
//!     url: &str,
//!     nonce: [u8; 16],
//!     mut input: impl Read,
//!     mut output: impl Write,
//! ) -> Result<(Established, Vec<u8>)> {
//!     let target = Target::parse(url).map_err(Error::other)?;
//!     let mut handshake = Request::new().build(&target, nonce).map_err(Error::other)?;
//!     output.write_all(handshake.request())?;
//!     let mut block = [0; 4096];
//!     loop {
//!         let len = input.read(&mut block)?;
//!         if len == 0 {
//!             return Err(Error::other(handshake.end_of_input()));
//!         }
//!         let progress = handshake.receive(&block[..len]).map_err(Error::other)?;
//!         if let Some(established) = progress.done {
//!             return Ok((established, block[progress.consumed..len].to_vec()));
//!         }
//!     }
//! }
//!
//! let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\
//!     \x81\x02hi";
//! let mut request = Vec::new();
//! // A real client passes 16 random bytes.
//! let nonce = *b"the sample nonce";
//! let (_, frames) = connect("ws://example.com/chat", nonce, &response[..], &mut request)?;
//! assert!(request.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
//! assert_eq!(frames, b"\x81\x02hi");
//! # Ok::<(), Error>(())
//! ```
//!
//! # Both roles in memory
//!
//! ```
//! use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
//!
//! let target = Target::parse("ws://example.com/chat?room=1")?;
//! let nonce = *b"the sample nonce";
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
//! By default, messages are not compressed. To compress them, each side passes a
//! [`DeflateConfig`](ws_proto::DeflateConfig). The result of the negotiation is [`Agreed::deflate`]
//! (RFC 7692 §5, §7.1).
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
//! let accepted = offer.accept(Answer::new().deflate(&config.peer_window_bits(11)))?;
//! let params = accepted.agreed().deflate().expect("the client offers it");
//! assert_eq!(params.client_max_window_bits, 11);
//!
//! let established = client.receive(&accepted.encode())?.done.expect("a complete response");
//! assert_eq!(established.agreed().deflate(), Some(params));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way to a server
//!
//! The machines in this crate also lead to the connection on which the handshake takes place. The
//! caller moves the bytes.
//!
//! * [`Proxies`] chooses the [`Proxy`] for a [`Target`], from the variables that curl reads.
//!   [`Tunnel`] opens a connection through an HTTP proxy, and [`Socks5`] through a SOCKS5 proxy.
//! * [`Redirects`] returns the target of a redirect. [`Request::for_other_origin`] removes what
//!   another server must not receive.
//!
//! ```
//! use std::io::{Error, Read, Result, Write};
//! use ws_handshake::{Proxies, ProxyScheme, Socks5, Target, Tunnel};
//!
//! /// Opens a connection to the server through the proxy at the other end of the stream. No byte
//! /// after the answer of the proxy may be lost, so this simple client reads single bytes.
//! fn open(proxies: &Proxies, target: &Target, mut io: impl Read + Write) -> Result<()> {
//!     let Some(proxy) = proxies.proxy_for(target) else { return Ok(()) };
//!     let (host, port) = (target.host(), target.port());
//!     let mut byte = [0];
//!     match proxy.scheme() {
//!         ProxyScheme::Http | ProxyScheme::Https => {
//!             let tunnel = Tunnel::new(host, port, proxy.credentials());
//!             let mut tunnel = tunnel.map_err(Error::other)?;
//!             io.write_all(tunnel.request())?;
//!             while io.read(&mut byte)? == 1 {
//!                 if tunnel.receive(&byte).map_err(Error::other)?.done.is_some() {
//!                     return Ok(());
//!                 }
//!             }
//!             Err(Error::other(tunnel.end_of_input()))
//!         }
//!         ProxyScheme::Socks5 | ProxyScheme::Socks5h => {
//!             let socks = Socks5::new(host, port, proxy.credentials());
//!             let mut socks = socks.map_err(Error::other)?;
//!             io.write_all(&socks.take_output())?;
//!             while io.read(&mut byte)? == 1 {
//!                 if socks.receive(&byte).map_err(Error::other)?.done.is_some() {
//!                     return Ok(());
//!                 }
//!                 io.write_all(&socks.take_output())?;
//!             }
//!             Err(Error::other(socks.end_of_input()))
//!         }
//!     }
//! }
//! # struct Stream(&'static [u8], Vec<u8>);
//! # impl Read for Stream {
//! #     fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
//! #         self.0.read(buf)
//! #     }
//! # }
//! # impl Write for Stream {
//! #     fn write(&mut self, buf: &[u8]) -> Result<usize> {
//! #         self.1.write(buf)
//! #     }
//! #     fn flush(&mut self) -> Result<()> {
//! #         Ok(())
//! #     }
//! # }
//! # let target = Target::parse("wss://example.com/").map_err(Error::other)?;
//! # for (url, answer) in [
//! #     ("http://proxy:3128", &b"HTTP/1.1 200 OK\r\n\r\nTLS"[..]),
//! #     ("socks5h://proxy", b"\x05\0\x05\0\0\x01\0\0\0\0\0\0TLS"),
//! # ] {
//! #     let proxy: ws_handshake::Proxy = url.parse().map_err(Error::other)?;
//! #     let mut stream = Stream(answer, Vec::new());
//! #     open(&proxy.into(), &target, &mut stream)?;
//! #     assert_eq!(stream.0, b"TLS");
//! # }
//! # Ok::<(), Error>(())
//! ```
//!
//! # Limits
//!
//! [`HeadLimits`] bounds a head: by default to [`MAX_HEAD_LEN`] bytes, and on a server also to
//! [`MAX_HEADERS`] header lines. A refusal is a response with a status other than 101. A client
//! keeps at most [`MAX_REFUSAL_BODY_LEN`] bytes of the body of a refusal.
//!
//! The work is linear in the number of bytes received, however the input is split. A peer that
//! sends one byte at a time causes no more work than a peer that sends everything at once. No input
//! causes a panic.
//!
//! # Strictness
//!
//! Both roles require CRLF as the line end, and reject a CR without LF. One empty line before a
//! head is skipped. In lists, empty elements and empty parameters are ignored (RFC 9110 §5.6.1.2
//! and §5.6.6), so a list without elements counts as an absent header.
//!
//! A server is strict, because it may be behind an intermediary that reads the same request (RFC
//! 9112 §11.2). It rejects folded lines, white space before a colon, and lines that are no header.
//! It also rejects a request that announces a body, because the bytes that follow an opening
//! request are frames. Every rejection is a complete response that ends the connection. There are
//! two exceptions:
//!
//! * A `Sec-WebSocket-Extensions` that does not follow the grammar offers no extension. RFC 6455
//!   §9.1 fails the connection instead, but then a client with one malformed parameter never
//!   connects.
//! * [`ServerRules::allow_any_key_length`] accepts the keys of some devices.
//!
//! A folded line of a response continues the header before it (RFC 9112 §5.2). A client is also
//! lenient about headers that are unrelated to the handshake:
//!
//! * White space before a colon is removed (RFC 9112 §5.1).
//! * A line that is no header is skipped: without a colon, with an invalid name, or with a control
//!   byte.
//!
//! For `Upgrade`, `Connection` and `Sec-WebSocket-*`, each of these is an error. In a response with
//! a status other than 101, these headers mean nothing, so no line of it is an error. If the head
//! of such a response is malformed in another way or is too long, the refusal is reported with the
//! lines before. [`Request::allow_bare_line_feeds`] also accepts LF as a line end. A malformed
//! `Sec-WebSocket-Extensions` is an error, because the server has already decided how to send its
//! frames (RFC 6455 §9.1).
//!
//! # Platforms
//!
//! The crate needs std, as the `http` crate does, but no operating system: it builds for
//! `wasm32-unknown-unknown`.
//!
//! Two example programs use this crate together with `ws-proto`. `examples/in_memory.rs` passes a
//! whole conversation through memory. `examples/blocking_echo.rs` is a server over the sockets of
//! std, with one thread per connection.

#![forbid(unsafe_code)]
// See crates/clippy.toml.
#![cfg_attr(not(test), deny(clippy::disallowed_macros, clippy::disallowed_types))]
#![deny(missing_docs)]
// No input of a peer or a caller causes a panic.
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
mod any_request;
mod authentication;
mod client;
mod client_error;
mod connect;
mod credentials;
mod deflate;
mod extension;
mod field_lines;
mod fields;
mod head;
mod head_error;
mod head_rules;
mod host;
mod ip_range;
mod limits;
mod offers;
mod origin;
mod percent;
mod protocol;
mod proxy;
mod proxy_header;
mod redirect;
mod refusal_body;
mod reject_reason;
mod rejection;
mod request;
mod response_reader;
mod scanner;
mod server;
mod server_rules;
mod target;
mod token;
mod upgrade_request;

pub use agreed::Agreed;
pub use answer::{Accepted, Answer, AnswerError};
pub use any_request::AnyRequest;
pub use client::{ClientHandshake, Established};
pub use client_error::ClientError;
pub use connect::ConnectHandshake;
pub use credentials::{Credentials, CredentialsError};
pub use deflate::{DeflateError, DeflateParameter};
pub use extension::{Extension, ExtensionError};
pub use head_error::HeadError;
pub use ip_range::{IpRange, IpRangeError};
pub use limits::{HeadLimits, MAX_HEAD_LEN, MAX_HEADERS, MAX_REFUSAL_BODY_LEN, Progress};
pub use origin::OriginPolicy;
pub use proxy::{
    Proxies, Proxy, ProxyScheme, ProxyUrlError, ProxyVariableError, Socks5, Socks5Error,
    Socks5Refusal, Tunnel, TunnelError,
};
pub use proxy_header::{ProxiedAddrs, ProxyHeader, ProxyHeaderError};
pub use redirect::{RedirectError, Redirects};
pub use reject_reason::RejectReason;
pub use rejection::{Rejection, encode_rejection, encode_response};
pub use request::{Request, RequestError};
pub use server::ServerHandshake;
pub use server_rules::ServerRules;
pub use target::{IntoTarget, Target, TargetError};
pub use upgrade_request::UpgradeRequest;
