//! Errors of connecting to a server.

use std::{fmt, io};

use http::Response;
use ws_handshake::{ClientError, RedirectError, RequestError, TargetError};

use super::{ProxyError, TlsError, Unreachable, is_loss};
use crate::upgrade::Fault;

/// The reason why a client could not connect. The stream was dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server refused the request, or its response was invalid. [`response`](Self::response)
    /// returns the response of a refusal.
    #[error(transparent)]
    Handshake(#[from] ClientError),
    /// The server does not open WebSockets over HTTP/2: it has not announced that it accepts
    /// CONNECT with `:protocol` (RFC 8441 §3).
    #[error("the server does not open WebSockets over HTTP/2: connect over HTTP/1.1")]
    Http2Unsupported,
    /// The transport failed during the TLS handshake or the opening handshake.
    #[error("the transport failed: {0}")]
    Io(#[source] io::Error),
    /// The server ended the transport before its response was complete. An
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) of a TLS stream is treated as such an end.
    #[error(
        "the server ended the connection before its response was complete: check host, port and scheme"
    )]
    Lost,
    /// The proxy could not be reached, or it did not connect this client to the server. Or the
    /// credentials of the proxy cannot be sent.
    #[error(transparent)]
    Proxy(Box<ProxyError>),
    /// The server redirected this client, and the redirect cannot be followed.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The settings of the [`Connector`](crate::Connector) make no valid request. Nothing was sent
    /// to this server.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The URL is not a valid WebSocket URL. Nothing was sent.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The host name of the server could not be resolved.
    #[error("the name of the server cannot be resolved: {0}")]
    Resolve(#[source] io::Error),
    /// Connecting took longer than
    /// [`Connector::handshake_timeout`](crate::Connector::handshake_timeout), or a phase took
    /// longer than [`Connector::phase_timeout`](crate::Connector::phase_timeout).
    #[error("{0}: see `Connector::handshake_timeout` and `phase_timeout`")]
    Timeout(ConnectPhase),
    /// TLS with the server failed, or TLS lacks something, for instance root certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The scheme of the URL is `wss`, or that of the proxy is `https`, and TLS is not built in.
    #[error("TLS is needed and not built in: enable the feature `tls`, or set `Connector::tls`")]
    TlsUnavailable,
    /// The Unix socket could not be reached. The error is
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the runtime has no Unix sockets.
    #[error("the Unix socket cannot be reached: {0}")]
    UnixSocket(#[source] io::Error),
    /// No address of the server could be reached. The error has all addresses.
    ///
    /// If the time runs out before the last address has failed, the error is
    /// [`Timeout`](Self::Timeout) if no address has failed, and this error otherwise.
    #[error("the server cannot be reached: {0}")]
    Unreachable(Unreachable),
}

/// The phase of connecting that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectPhase {
    /// Resolving the name of the server or of the proxy.
    Resolve,
    /// Connecting to the server or to the proxy.
    Connect,
    /// TLS to the proxy, and the dialogue with it.
    Proxy,
    /// The TLS handshake with the server.
    Tls,
    /// The opening handshake.
    Handshake,
}

impl ConnectError {
    /// Returns `true` if connecting took too long, or an attempt with an address did.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout(_) => true,
            Self::Proxy(error) => error.is_timeout(),
            Self::Unreachable(error) => error.is_timeout(),
            Self::Handshake(_)
            | Self::Http2Unsupported
            | Self::Io(_)
            | Self::Lost
            | Self::Redirect(_)
            | Self::Request(_)
            | Self::Resolve(_)
            | Self::Target(_)
            | Self::Tls(_)
            | Self::TlsUnavailable
            | Self::UnixSocket(_) => false,
        }
    }

    /// Returns `true` if the server was unreachable, disconnected, or stopped responding. A later
    /// attempt may succeed.
    ///
    /// Returns `false` for a refusal, even for the status 503. See [`response`](Self::response).
    pub fn is_disconnect(&self) -> bool {
        match self {
            Self::Io(error) => is_loss(error),
            Self::Lost | Self::Resolve(_) | Self::Timeout(_) => true,
            Self::Proxy(error) => error.is_disconnect(),
            Self::Tls(error) => error.is_disconnect(),
            // `WouldBlock`: the queue of connections that the server has not accepted is full.
            Self::UnixSocket(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NotFound
                | io::ErrorKind::WouldBlock => true,
                _ => is_loss(error),
            },
            Self::Unreachable(error) => error.is_disconnect(),
            Self::Handshake(_)
            | Self::Http2Unsupported
            | Self::Redirect(_)
            | Self::Request(_)
            | Self::Target(_)
            | Self::TlsUnavailable => false,
        }
    }

    /// Returns the response with which the server refused the request. `None` for any other error.
    ///
    /// The response holds the head and the beginning of the body. If the body does not end, the
    /// response holds the part that arrived within 1 s after the head.
    ///
    /// [`ProxyError::response`] returns the response of a proxy.
    pub fn response(&self) -> Option<&Response<Vec<u8>>> {
        match self {
            Self::Handshake(error) => error.refusal(),
            _ => None,
        }
    }
}

impl fmt::Display for ConnectPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the name of the server or of the proxy was not resolved in time",
            Self::Connect => "the server or the proxy could not be reached in time",
            Self::Proxy => {
                "the proxy did not connect to the server in time; check its scheme and port"
            }
            Self::Tls => "the server did not complete the TLS handshake in time",
            Self::Handshake => "the server did not complete the opening handshake in time",
        })
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Io(error),
            Fault::Lost => Self::Lost,
            Fault::Tls(error) => Self::Tls(error),
            Fault::Timeout => Self::Timeout(ConnectPhase::Handshake),
        }
    }
}
