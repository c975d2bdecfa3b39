//! The settings of the way to the server.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ws_handshake::Proxies;

use super::Connector;
#[cfg(feature = "socket-options")]
use crate::dial::SocketOptions;
use crate::error::ConnectPhase;
use crate::transport::{ClientTls, Runtime};

/// Only [`connect`](Self::connect) uses these settings, except for the timeout of the phase
/// [`ConnectPhase::Handshake`].
impl<R: Runtime> Connector<R> {
    /// Sets the TLS for `wss://` URLs and for `https` proxies, with the certificate of the client if
    /// it has one. Redirects use it for every server. Default: the TLS of the adapter, if
    /// one of its features for TLS is enabled.
    #[must_use]
    pub fn tls(mut self, tls: impl ClientTls<R> + 'static) -> Self {
        self.edit().dial.tls = Some(Arc::new(tls));
        self
    }

    /// Connects through a proxy. Default: no proxy.
    ///
    /// Pass one [`Proxy`](ws_handshake::Proxy), or [`Proxies`] to choose by the URL.
    /// [`Proxies::from_env`] reads the environment variables that name proxies. An HTTP proxy is
    /// asked for a tunnel (CONNECT) even for `ws://` URLs (RFC 6455 §4.1).
    ///
    /// [`peer_addr`](crate::WebSocket::peer_addr) is then the address of the proxy.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use ws_tokio::Connector;
    /// use ws_tokio::handshake::{Proxies, Proxy};
    ///
    /// let proxy = Proxy::parse("socks5h://user:password@proxy.example.com:1080")?;
    /// let ws = Connector::new().proxy(proxy).connect("wss://example.com/").await?;
    /// # drop(ws);
    ///
    /// let connector = Connector::new().proxy(Proxies::from_env()?);
    /// # drop(connector);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn proxy(mut self, proxies: impl Into<Proxies>) -> Self {
        self.edit().dial.proxies = proxies.into();
        self
    }

    /// Follows at most `max` redirects. Default: 0, which reports a redirect as a refusal.
    ///
    /// `http` and `https` in a `Location` count as `ws` and `wss`. A redirect from `wss` to `ws` is
    /// never followed. After a redirect to another origin, the headers and the authentication of
    /// this connector are not sent any more, except for
    /// [`header_for_any_origin`](Self::header_for_any_origin). Subprotocols and extensions are
    /// offered to every server: do not follow redirects if a subprotocol is a credential.
    #[must_use]
    pub fn redirects(mut self, max: usize) -> Self {
        self.edit().redirects = max;
        self
    }

    /// Resolves host names with `resolve` instead of the resolver of the runtime. The arguments are
    /// the name and the port. The port of the returned addresses is used. An empty list is
    /// [`ConnectError::Resolve`](crate::ConnectError::Resolve).
    ///
    /// The names of proxies are resolved as well. A `socks5` proxy gets only the first address of
    /// the server. An IP address in a URL is not resolved. A `socks5h` or HTTP proxy resolves the
    /// name of the server itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # let server = tokio::spawn(async move {
    /// #     ws_tokio::accept(listener.accept().await.unwrap().0).await
    /// # });
    /// use ws_tokio::Connector;
    ///
    /// let connector = Connector::new().resolver(move |host, _port| async move {
    ///     assert_eq!(host, "chat.internal");
    ///     Ok(vec![address])
    /// });
    /// let ws = connector.connect("ws://chat.internal/").await?;
    /// # server.await??;
    /// # drop(ws);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resolver<F, A>(mut self, resolve: F) -> Self
    where
        F: Fn(String, u16) -> A + Send + Sync + 'static,
        A: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.edit().dial.resolver = Some(Arc::new(move |host, port| Box::pin(resolve(host, port))));
        self
    }

    /// Sets options of TCP sockets. Default: the options of the operating system, and
    /// `TCP_NODELAY`.
    #[cfg(feature = "socket-options")]
    #[must_use]
    pub fn socket_options(mut self, options: SocketOptions) -> Self {
        self.edit().dial.socket = options;
        self
    }

    /// Connects to the Unix socket at `path`. The host of a URL is then only the `Host` header, and
    /// the name in the certificate for `wss://`. No proxy and no resolver is used. A redirect leads
    /// to the same socket.
    ///
    /// Runtimes without Unix sockets report [`ConnectError::UnixSocket`].
    ///
    /// [`ConnectError::UnixSocket`]: crate::ConnectError::UnixSocket
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.edit().dial.unix_socket = Some(path.into());
        self
    }

    /// Sets the time that one phase may take, in addition to the [total](Self::handshake_timeout).
    /// Default: no limit for a phase.
    ///
    /// With a `socks5` proxy, [`ConnectPhase::Resolve`] occurs twice: for the server and for the
    /// proxy.
    ///
    /// If a redirect is followed, each phase begins again. The total does not.
    #[must_use]
    pub fn phase_timeout(mut self, phase: ConnectPhase, timeout: Duration) -> Self {
        self.edit().dial.timeouts.set(phase, timeout);
        self
    }
}
