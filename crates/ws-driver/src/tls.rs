//! The interface between this crate and implementations of TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use crate::any::AnyTransport;
use crate::error::ConnectError;
use crate::http2::{HttpVersion, Reached};
use crate::transport::Runtime;

/// A future that returns a transport over TLS to a server, and the version of HTTP that was agreed
/// on.
pub type ClientTlsHandshake<'a, R> =
    Pin<Box<dyn Future<Output = io::Result<Reached<R>>> + Send + 'a>>;

/// A future that returns a transport over TLS to a client.
pub type TlsHandshake<'a, R> =
    Pin<Box<dyn Future<Output = io::Result<AnyTransport<R>>> + Send + 'a>>;

/// The TLS of clients that is built in. See [`Runtime::default_tls`].
pub type DefaultTls<R> = Result<Arc<dyn ClientTls<R>>, ConnectError>;

/// TLS of clients. [`Connector::tls`](crate::Connector::tls) takes an implementation.
pub trait ClientTls<R: Runtime>: Send + Sync {
    /// Performs the TLS handshake with the server `host` and returns a transport over TLS. `host`
    /// is a name, or an IP literal without brackets.
    ///
    /// The protocols to negotiate are those of `versions` (RFC 7301), in this order of preference.
    /// The caller enforces the timeout by dropping the future.
    ///
    /// # Errors
    ///
    /// An [`io::Error`] that contains a [`TlsError`](crate::TlsError) if TLS fails. Other errors
    /// are those of the transport.
    fn connect<'a>(
        &'a self,
        host: &'a str,
        versions: &'a [HttpVersion],
        transport: AnyTransport<R>,
    ) -> ClientTlsHandshake<'a, R>;
}

/// TLS of servers. [`Acceptor::tls`](crate::Acceptor::tls) takes an implementation.
pub trait ServerTls<R: Runtime>: Send + Sync {
    /// Performs the TLS handshake with a client and returns a transport over TLS.
    ///
    /// The only protocol to negotiate is `http/1.1` (RFC 7301). The caller enforces the timeout by
    /// dropping the future.
    ///
    /// # Errors
    ///
    /// An [`io::Error`] that contains a [`TlsError`](crate::TlsError) if TLS fails. Other errors
    /// are those of the transport.
    fn accept(&self, transport: AnyTransport<R>) -> TlsHandshake<'_, R>;
}
