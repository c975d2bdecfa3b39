//! The versions of HTTP, and the interface between this crate and implementations of HTTP/2.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::Response;
use ws_handshake::ConnectHandshake;

use crate::any::AnyTransport;
use crate::error::ConnectError;
use crate::transport::Runtime;

/// A version of HTTP in which a connection can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl HttpVersion {
    /// Returns the name of the protocol in a TLS handshake (ALPN, RFC 7301 §6).
    #[must_use]
    pub const fn alpn(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        }
    }

    /// Returns the version that a TLS handshake has agreed on. This is HTTP/1.1 if the server has
    /// chosen no protocol.
    #[must_use]
    pub fn from_alpn(protocol: Option<&[u8]>) -> Self {
        match protocol {
            Some(name) if name == Self::Http2.alpn().as_bytes() => Self::Http2,
            _ => Self::Http1,
        }
    }
}

/// A transport to a server, before the opening handshake. TLS is part of it.
#[non_exhaustive]
pub struct Reached<R: Runtime> {
    /// The transport.
    pub transport: AnyTransport<R>,
    /// The version of HTTP for the opening handshake.
    pub version: HttpVersion,
}

impl<R: Runtime> Reached<R> {
    /// Makes an instance. This is for implementations of TLS.
    pub fn new(transport: AnyTransport<R>, version: HttpVersion) -> Self {
        Self { transport, version }
    }
}

impl<R: Runtime> fmt::Debug for Reached<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reached")
            .field("transport", &self.transport)
            .field("version", &self.version)
            .finish()
    }
}

/// A future that sends a request over HTTP/2. Returns the stream of the request as a transport, and
/// the response. A response that is not `2xx` has the beginning of its body.
pub type Http2Opening<'a, R> = Pin<
    Box<
        dyn Future<Output = Result<(AnyTransport<R>, Response<Vec<u8>>), ConnectError>> + Send + 'a,
    >,
>;

/// HTTP/2 of clients. [`Connector::http2`](crate::Connector::http2) takes an implementation, such
/// as `ws_h2::Http2`.
pub trait ClientHttp2<R: Runtime>: Send + Sync {
    /// Returns `true` if connections open over HTTP/1.1 where HTTP/2 cannot open them.
    fn allows_http1(&self) -> bool;

    /// Opens a WebSocket in a connection of HTTP/2 over `transport`. Sends the request of
    /// `handshake` with `:protocol` (RFC 8441 §5). The caller enforces the timeout by dropping the
    /// future.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Http2Unsupported`] if the server does not open WebSockets over HTTP/2.
    /// [`ConnectError::Io`] or [`ConnectError::Lost`] if the transport ends, or the server does not
    /// speak HTTP/2.
    fn open<'a>(
        &'a self,
        handshake: &'a ConnectHandshake,
        transport: AnyTransport<R>,
    ) -> Http2Opening<'a, R>;
}
