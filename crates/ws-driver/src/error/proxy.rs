//! Errors of proxies.

use std::io;

use http::Response;
use ws_handshake::{Socks5Error, TunnelError};

use super::{TlsError, Unreachable, is_loss};

/// The reason why a proxy did not connect this client to the server.
///
/// The text has the URL of the proxy without its user name and password.
#[derive(Debug, thiserror::Error)]
#[error("{kind} (proxy {proxy})")]
pub struct ProxyError {
    proxy: String,
    #[source]
    kind: ProxyErrorKind,
}

/// The cause of a [`ProxyError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyErrorKind {
    /// The proxy sent data of the server before the client had sent its request.
    #[error("the proxy sent data before the tunnel was used; check its scheme and port")]
    EarlyData,
    /// The transport to the proxy failed.
    #[error("the transport to the proxy failed: {0}")]
    Io(#[source] io::Error),
    /// The proxy ended the transport before the tunnel was open.
    #[error(
        "the proxy ended the connection before the tunnel was open; check its scheme, host and port"
    )]
    Lost,
    /// The name of the proxy could not be resolved.
    #[error("the name of the proxy cannot be resolved: {0}")]
    Resolve(#[source] io::Error),
    /// The SOCKS proxy refused, or its answer was invalid, or the credentials cannot be sent.
    #[error(transparent)]
    Socks5(#[from] Socks5Error),
    /// TLS to the proxy failed.
    #[error("TLS to the proxy failed: {0}")]
    Tls(#[from] TlsError),
    /// The HTTP proxy refused, or its answer was invalid, or the credentials cannot be sent.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
    /// The proxy could not be reached.
    #[error("the proxy cannot be reached: {0}")]
    Unreachable(#[from] Unreachable),
}

impl ProxyError {
    pub(crate) fn new(proxy: String, kind: ProxyErrorKind) -> Self {
        Self { proxy, kind }
    }

    /// Returns the URL of the proxy, without its user name and password.
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// Returns the cause.
    pub fn kind(&self) -> &ProxyErrorKind {
        &self.kind
    }

    /// Returns the response with which an HTTP proxy refused. `None` for any other error.
    pub fn response(&self) -> Option<&Response<Vec<u8>>> {
        match &self.kind {
            ProxyErrorKind::Tunnel(error) => error.refusal(),
            _ => None,
        }
    }

    /// Returns `true` if an attempt with an address of the proxy took too long.
    pub fn is_timeout(&self) -> bool {
        match &self.kind {
            ProxyErrorKind::Unreachable(error) => error.is_timeout(),
            ProxyErrorKind::EarlyData
            | ProxyErrorKind::Io(_)
            | ProxyErrorKind::Lost
            | ProxyErrorKind::Resolve(_)
            | ProxyErrorKind::Socks5(_)
            | ProxyErrorKind::Tls(_)
            | ProxyErrorKind::Tunnel(_) => false,
        }
    }

    /// Returns `true` if a later attempt may succeed: the proxy could not be reached or
    /// disconnected, or a SOCKS proxy could not reach the server.
    ///
    /// Returns `false` for the refusal of an HTTP proxy. See [`response`](Self::response).
    pub fn is_disconnect(&self) -> bool {
        match &self.kind {
            ProxyErrorKind::Io(error) => is_loss(error),
            ProxyErrorKind::Lost | ProxyErrorKind::Resolve(_) => true,
            ProxyErrorKind::Socks5(error) => error.is_unreachable(),
            ProxyErrorKind::Tls(error) => error.is_disconnect(),
            ProxyErrorKind::Unreachable(error) => error.is_disconnect(),
            ProxyErrorKind::EarlyData | ProxyErrorKind::Tunnel(_) => false,
        }
    }

    pub(super) fn io_kind(&self) -> io::ErrorKind {
        match &self.kind {
            ProxyErrorKind::EarlyData => io::ErrorKind::InvalidData,
            ProxyErrorKind::Io(error) => error.kind(),
            ProxyErrorKind::Lost => io::ErrorKind::UnexpectedEof,
            ProxyErrorKind::Resolve(_) => io::ErrorKind::NotFound,
            ProxyErrorKind::Unreachable(error) => error.kind(),
            ProxyErrorKind::Socks5(_) | ProxyErrorKind::Tls(_) | ProxyErrorKind::Tunnel(_) => {
                io::ErrorKind::ConnectionRefused
            }
        }
    }
}
