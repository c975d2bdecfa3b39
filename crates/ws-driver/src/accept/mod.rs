//! The opening handshake of a server, in two steps: read the request, then decide.

mod offer;
mod plain;
#[cfg(feature = "proxy-protocol")]
mod proxy_protocol;
mod steps;
mod upgraded;

pub use offer::Offer;
pub use plain::{AnyOffer, PlainRequest};
#[cfg(feature = "proxy-protocol")]
pub use proxy_protocol::ProxyProtocol;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ws_handshake::{HeadLimits, OriginPolicy, ServerRules};
use ws_proto::Config;

use crate::any::AnyTransport;
use crate::error::AcceptError;
use crate::limits::{Limits, shared_settings};
use crate::serve::Registry;
use crate::trace;
use crate::transport::{Runtime, ServerTls, Transport, Wrap};
use crate::websocket::WebSocket;

/// The settings with which a server accepts connections.
///
/// Clones share the settings and are cheap: make one for each task. By default, a request from a
/// browser is accepted only if its `Origin` matches the requested host. The handshake may take 10
/// s. The limits are those of [`Config`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, stream) = tokio::io::duplex(4096);
/// # let client = tokio::spawn(async move {
/// #     ws_tokio::Connector::new().handshake("ws://example.com/", near).await
/// # });
/// use std::time::Duration;
/// use ws_tokio::{Acceptor, Config, OriginPolicy};
///
/// let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(10));
/// let acceptor = Acceptor::new()
///     .config(config)
///     .max_message(1 << 20)
///     .origins(OriginPolicy::allow_list(["https://app.example.com"]))
///     .handshake_timeout(Duration::from_secs(3));
/// let mut ws = acceptor.accept(stream).await?;
/// ws.send("welcome").await?;
/// # client.await??;
/// # Ok(())
/// # }
/// ```
pub struct Acceptor<R: Runtime> {
    settings: Arc<Settings<R>>,
}

struct Settings<R: Runtime> {
    limits: Limits,
    rules: ServerRules,
    tls: Option<Arc<dyn ServerTls<R>>>,
    registry: Option<Registry<R>>,
    #[cfg(feature = "proxy-protocol")]
    proxy_protocol: Option<ProxyProtocol>,
}

impl<R: Runtime> Clone for Settings<R> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits.clone(),
            rules: self.rules.clone(),
            tls: self.tls.clone(),
            registry: self.registry.clone(),
            #[cfg(feature = "proxy-protocol")]
            proxy_protocol: self.proxy_protocol.clone(),
        }
    }
}

impl<R: Runtime> Default for Settings<R> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            rules: ServerRules::default(),
            tls: None,
            registry: None,
            #[cfg(feature = "proxy-protocol")]
            proxy_protocol: None,
        }
    }
}

shared_settings!(Acceptor);

impl<R: Runtime> Acceptor<R> {
    /// Accepts connections over TLS. The default is plain TCP.
    ///
    /// [`accept`](Self::accept), [`read`](Self::read) and [`read_any`](Self::read_any) then begin
    /// with the TLS handshake. The methods that end in `_on` and [`upgraded`](Self::upgraded) do
    /// not use `tls`.
    #[must_use]
    pub fn tls(mut self, tls: impl ServerTls<R> + 'static) -> Self {
        self.edit().tls = Some(Arc::new(tls));
        self
    }

    /// Puts every connection into `registry`, from the beginning of its opening handshake. The
    /// default is no registry.
    ///
    /// The [`Registry`] limits the number of connections, counts them, and shuts them down.
    #[must_use]
    pub fn registry(mut self, registry: &Registry<R>) -> Self {
        self.edit().registry = Some(registry.clone());
        self
    }

    /// Requires a header of the PROXY protocol from trusted proxies. The default is that no
    /// connection begins with such a header.
    ///
    /// [`accept`](Self::accept), [`read`](Self::read), [`read_any`](Self::read_any) and the same
    /// methods on a transport then begin with this header, before TLS. The address of the client in
    /// the header becomes [`Offer::peer_addr`] and [`WebSocket::peer_addr`].
    ///
    /// If the header has no IP address of a client (`LOCAL`, `UNKNOWN`, a Unix socket), the address
    /// remains that of the proxy. So do not grant rights to the address of the proxy.
    #[cfg(feature = "proxy-protocol")]
    #[must_use]
    pub fn proxy_protocol(mut self, proxies: ProxyProtocol) -> Self {
        self.edit().proxy_protocol = Some(proxies);
        self
    }

    /// Sets the time for the PROXY protocol, the TLS handshake, reading the request and writing the
    /// answer together. The time for the decision between the two is not included. Default: 10 s.
    ///
    /// This does not apply to the refusal of a request, which the client must take within 1 s. If
    /// the timeout passes while a client is told why its TLS handshake failed, the error is
    /// [`AcceptError::Timeout`].
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().limits.handshake_timeout = timeout;
        self
    }

    /// Sets the web pages from which a browser may connect (RFC 6455 §10.2). Default: the pages of
    /// the requested host.
    ///
    /// Without this check, any web page could connect to this server with the cookies of its
    /// visitor.
    #[must_use]
    pub fn origins(self, origins: OriginPolicy) -> Self {
        self.edit_rules(|rules| rules.origins(origins))
    }

    /// Sets the limits of the head of a request. Default: [`HeadLimits::default`].
    #[must_use]
    pub fn head_limits(self, limits: HeadLimits) -> Self {
        self.edit_rules(|rules| rules.head_limits(limits))
    }

    /// Accepts a `Sec-WebSocket-Key` of any length. See [`ServerRules::allow_any_key_length`].
    ///
    /// The default is to refuse a key that is not 16 bytes (RFC 6455 §4.2.1). Some devices send
    /// other keys.
    #[must_use]
    pub fn allow_any_key_length(self) -> Self {
        self.edit_rules(ServerRules::allow_any_key_length)
    }

    fn edit_rules(mut self, edit: impl FnOnce(ServerRules) -> ServerRules) -> Self {
        let rules = &mut self.edit().rules;
        *rules = edit(std::mem::take(rules));
        self
    }
}

impl<R: Runtime> Acceptor<R> {
    /// Reads the opening request and accepts it without a subprotocol.
    ///
    /// This sets `TCP_NODELAY` on a TCP stream, so that small segments are sent without delay. Set
    /// this option yourself on a TCP stream inside another stream, such as the TLS stream of
    /// another library.
    ///
    /// # Errors
    ///
    /// The errors of [`read`](Self::read) and [`Offer::accept`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub fn accept<S>(
        &self,
        stream: S,
    ) -> impl Future<Output = Result<WebSocket<AnyTransport<R>>, AcceptError>>
    where
        R: Wrap<S>,
    {
        // Boxed at once, so that the task of the caller has no memory for the stream.
        let accepting = Box::pin(async {
            let begun = self.begin_secured(R::wrap(stream)).await?;
            self.read_request(begun).await?.establish().await
        });
        async {
            let accepted = accepting.await.inspect_err(trace::not_accepted);
            accepted.map(WebSocket::compact)
        }
    }

    /// Reads the opening request and returns it as an [`Offer`], which the caller accepts or
    /// rejects.
    ///
    /// Sets `TCP_NODELAY` as [`accept`](Self::accept) does.
    ///
    /// # Errors
    ///
    /// [`AcceptError::ProxyProtocol`] if the source is not trusted or its header is invalid.
    /// [`AcceptError::Tls`] if the TLS handshake failed. [`AcceptError::Rejected`] if the request
    /// is not acceptable. The client was sent an HTTP status. [`AcceptError::Timeout`],
    /// [`AcceptError::Io`] and [`AcceptError::Lost`] if no complete request arrived.
    /// [`AcceptError::Unavailable`] if the [registry](Self::registry) is full or was shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn read<S>(&self, stream: S) -> Result<Offer<AnyTransport<R>>, AcceptError>
    where
        R: Wrap<S>,
    {
        let transport = R::wrap(stream);
        Box::pin(async {
            self.read_request(self.begin_secured(transport).await?)
                .await
        })
        .await
        .inspect_err(trace::not_accepted)
    }

    /// Does the same as [`read`](Self::read), but also returns requests that do not ask for a
    /// WebSocket, for instance health checks.
    ///
    /// # Errors
    ///
    /// The errors of [`read`](Self::read). A request that asks for a WebSocket must be a valid
    /// opening request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn read_any<S>(&self, stream: S) -> Result<AnyOffer<AnyTransport<R>>, AcceptError>
    where
        R: Wrap<S>,
    {
        let transport = R::wrap(stream);
        Box::pin(async {
            self.read_any_request(self.begin_secured(transport).await?)
                .await
        })
        .await
        .inspect_err(trace::not_accepted)
    }

    /// Does the same as [`accept`](Self::accept) on a transport. The connection keeps the type of
    /// the transport.
    ///
    /// # Errors
    ///
    /// The errors of [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub fn accept_on<T>(
        &self,
        transport: T,
    ) -> impl Future<Output = Result<WebSocket<T>, AcceptError>>
    where
        T: Transport<Timer = R::Timer>,
    {
        let accepting = Box::pin(async {
            let begun = self.begin(transport).await?;
            self.read_request(begun).await?.establish().await
        });
        async {
            let accepted = accepting.await.inspect_err(trace::not_accepted);
            accepted.map(WebSocket::compact)
        }
    }

    /// Does the same as [`read`](Self::read) on a transport. The offer keeps the type of the
    /// transport.
    ///
    /// # Errors
    ///
    /// The errors of [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn read_on<T>(&self, transport: T) -> Result<Offer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        // Boxed, so that the memory of the handshake is freed before the connection is used.
        Box::pin(async { self.read_request(self.begin(transport).await?).await })
            .await
            .inspect_err(trace::not_accepted)
    }

    /// Does the same as [`read_any`](Self::read_any) on a transport. The request keeps the type of
    /// the transport.
    ///
    /// # Errors
    ///
    /// The errors of [`read_any`](Self::read_any).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn read_any_on<T>(&self, transport: T) -> Result<AnyOffer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        Box::pin(async { self.read_any_request(self.begin(transport).await?).await })
            .await
            .inspect_err(trace::not_accepted)
    }
}

impl<R: Runtime> fmt::Debug for Acceptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("limits", &self.settings.limits)
            .field("rules", &self.settings.rules)
            .finish_non_exhaustive()
    }
}
