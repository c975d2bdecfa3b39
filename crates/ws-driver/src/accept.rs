//! The opening handshake of a server, in two steps: read the request, then decide.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use ws_handshake::{Agreed, Answer, Extension, OriginPolicy, ServerHandshake};
use ws_proto::Config;

use crate::any::AnyTransport;
use crate::error::AcceptError;
use crate::limits::{Limits, shared_settings};
use crate::transport::{Runtime, ServerTls, Timer, Transport, Wrap};
use crate::upgrade::{Fault, Upgrade, within};
use crate::websocket::{Side, WebSocket};

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
    origins: OriginPolicy,
    tls: Option<Arc<dyn ServerTls<R>>>,
}

impl<R: Runtime> Clone for Settings<R> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits.clone(),
            origins: self.origins.clone(),
            tls: self.tls.clone(),
        }
    }
}

impl<R: Runtime> Default for Settings<R> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            origins: OriginPolicy::default(),
            tls: None,
        }
    }
}

shared_settings!(Acceptor);

impl<R: Runtime> Acceptor<R> {
    /// Accepts connections over TLS. The default is plain TCP.
    ///
    /// [`accept`](Self::accept) and [`read`](Self::read) then begin with the TLS handshake. The
    /// other methods do not use `tls`.
    #[must_use]
    pub fn tls(mut self, tls: impl ServerTls<R> + 'static) -> Self {
        self.edit().tls = Some(Arc::new(tls));
        self
    }

    /// Sets the time for the TLS handshake, reading the request and writing the answer together.
    /// The time for the decision between the two is not included. Default: 10 s.
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
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.edit().origins = origins;
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
    pub async fn accept<S>(&self, stream: S) -> Result<WebSocket<AnyTransport<R>>, AcceptError>
    where
        R: Wrap<S>,
    {
        // Boxed, so that the task holds the stream once, and not again as a transport.
        Box::pin(async { self.read(stream).await?.accept().await }).await
    }

    /// Reads the opening request and returns it as an [`Offer`], which the caller accepts or
    /// rejects.
    ///
    /// Sets `TCP_NODELAY` as [`accept`](Self::accept) does.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Tls`] if the TLS handshake failed. [`AcceptError::Rejected`] if the request
    /// is not acceptable. The client was sent an HTTP status. [`AcceptError::Timeout`],
    /// [`AcceptError::Io`] and [`AcceptError::Lost`] if no complete request arrived.
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
            let (deadline, mut timer) = self.start_timer();
            let transport = self.secure(transport, &mut timer).await?;
            self.read_request(transport, deadline, timer).await
        })
        .await
    }

    /// Makes a connection from a stream that another HTTP server, such as hyper, has upgraded.
    ///
    /// `agreed` is the [result](Agreed) of the negotiation. `leftover` is the input that arrived
    /// after the request.
    ///
    /// This reads and writes nothing. So [`origins`](Self::origins) and
    /// [`handshake_timeout`](Self::handshake_timeout) do not apply. Pass the origins to
    /// [`UpgradeRequest::from_request`](ws_handshake::UpgradeRequest::from_request).
    ///
    /// Messages are compressed if `agreed` includes compression. The compression settings are those
    /// of [`config`](Self::config). If the configuration has no compression settings, the default
    /// ones apply.
    pub fn upgraded<S>(
        &self,
        stream: S,
        agreed: Agreed,
        leftover: impl Into<Vec<u8>>,
    ) -> WebSocket<AnyTransport<R>>
    where
        R: Wrap<S>,
    {
        self.upgraded_on(R::wrap(stream), agreed, leftover)
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
    pub async fn accept_on<T>(&self, transport: T) -> Result<WebSocket<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        Box::pin(async { self.read_on(transport).await?.accept().await }).await
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
        let (deadline, timer) = self.start_timer();
        Box::pin(self.read_request(transport, deadline, timer)).await
    }

    /// Does the same as [`upgraded`](Self::upgraded) on a transport. The connection keeps the type
    /// of the transport.
    pub fn upgraded_on<T>(
        &self,
        transport: T,
        agreed: Agreed,
        leftover: impl Into<Vec<u8>>,
    ) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let config = self.settings.limits.to_config();
        WebSocket::open(transport, Side::Server, &config, agreed, leftover.into())
    }

    /// Returns the deadline of the handshake, and a timer for it.
    fn start_timer(&self) -> (Instant, R::Timer) {
        let deadline = R::Timer::after(self.settings.limits.handshake_timeout);
        (deadline, R::Timer::at(deadline))
    }

    /// Performs the TLS handshake, if the server uses TLS.
    async fn secure(
        &self,
        transport: AnyTransport<R>,
        timer: &mut R::Timer,
    ) -> Result<AnyTransport<R>, Fault> {
        match &self.settings.tls {
            Some(tls) => {
                let secured = within(timer, tls.accept(transport)).await;
                Ok(secured.ok_or(Fault::Timeout)??)
            }
            None => Ok(transport),
        }
    }

    async fn read_request<T>(
        &self,
        transport: T,
        deadline: Instant,
        timer: R::Timer,
    ) -> Result<Offer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let settings = &*self.settings;
        let mut upgrade = Upgrade { transport, timer };
        let mut handshake = ServerHandshake::new(settings.origins.clone());
        match upgrade.read(|piece| handshake.receive(piece)).await? {
            Ok((request, leftover)) => Ok(Offer {
                upgrade,
                time_left: deadline.saturating_duration_since(R::Timer::now()),
                request: Box::new(request),
                leftover,
                answer: self.answer(),
                config: settings.limits.to_config(),
                peer_addr: None,
            }),
            Err(refused) => {
                // An error of the transport is ignored. The error to report is the reason for the
                // refusal.
                let _ = upgrade.refuse(&refused.encode()).await;
                Err(AcceptError::Rejected(refused.reason()))
            }
        }
    }

    /// Returns the initial answer, which agrees to compression if it is configured.
    fn answer(&self) -> Answer {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return Answer::new().deflate(deflate);
        }
        Answer::new()
    }
}

impl<R: Runtime> fmt::Debug for Acceptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("limits", &self.settings.limits)
            .field("origins", &self.settings.origins)
            .finish_non_exhaustive()
    }
}

/// A valid opening request. The caller decides to [`accept`](Self::accept) or to
/// [`reject`](Self::reject) it.
///
/// The decision may take any time. Dropping the offer drops the stream without an answer.
///
/// ```
/// use ws_tokio::Acceptor;
/// use ws_tokio::http::StatusCode;
///
/// # async fn serve(stream: tokio::io::DuplexStream) -> std::io::Result<()> {
/// let offer = Acceptor::new().read(stream).await?;
/// if offer.path() != "/chat" {
///     return Ok(offer.reject(StatusCode::NOT_FOUND).await?);
/// }
/// if !offer.protocols().any(|name| name == "chat.v2") {
///     return Ok(offer.reject(StatusCode::BAD_REQUEST).await?);
/// }
/// let mut ws = offer.subprotocol("chat.v2").accept().await?;
/// ws.send("welcome").await?;
/// # Ok(())
/// # }
/// #
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, far) = tokio::io::duplex(4096);
/// # tokio::spawn(serve(far));
/// # let connector = ws_tokio::Connector::new();
/// # let error = connector.handshake("ws://example.com/elsewhere", near).await.unwrap_err();
/// # assert_eq!(error.response().map(|response| response.status()), Some(StatusCode::NOT_FOUND));
/// # Ok(())
/// # }
/// ```
pub struct Offer<T: Transport> {
    upgrade: Upgrade<T>,
    /// The rest of the handshake timeout. The timeout does not run during the decision.
    time_left: Duration,
    request: Box<ws_handshake::UpgradeRequest>,
    /// The input after the request.
    leftover: Vec<u8>,
    answer: Answer,
    config: Config,
    /// Overrides the address that the transport returns.
    peer_addr: Option<SocketAddr>,
}

impl<T: Transport> Offer<T> {
    /// Returns the path of the request target.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// Returns the query of the request target, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.request.query()
    }

    /// Returns the request target: usually the path and the query, rarely a whole `http` URI.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// Returns the request headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the `Origin` header, in which a browser names the web site that sent the request.
    /// `None` if the header is missing.
    pub fn origin(&self) -> Option<&str> {
        self.request.origin()
    }

    /// Returns the subprotocols that the client offers, in the order of its preference.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.request.protocols()
    }

    /// Returns the extensions that the client offers.
    pub fn extensions(&self) -> &[Extension] {
        self.request.extensions()
    }

    /// Returns the address of the client.
    ///
    /// This is the address that was [set](Self::set_peer_addr). If none was set, it is the address
    /// of the socket, if the transport is a socket.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
            .or_else(|| self.upgrade.transport.peer_addr())
    }

    /// Sets the address that [`peer_addr`](Self::peer_addr) returns, here and on the connection.
    ///
    /// This is for clients behind a proxy, and for transports without an address, such as the TLS
    /// stream of another library.
    pub fn set_peer_addr(&mut self, address: SocketAddr) {
        self.peer_addr = Some(address);
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &T {
        &self.upgrade.transport
    }

    /// Sets the subprotocol of the answer. It must be one of the subprotocols that the client
    /// [offers](Self::protocols).
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.answer = self.answer.protocol(name);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.answer = self.answer.header(name, value);
        self
    }

    /// Adds headers to the answer.
    #[must_use]
    pub fn answer_headers(mut self, headers: HeaderMap) -> Self {
        self.answer = self.answer.headers(headers);
        self
    }

    /// Accepts the request and returns the connection.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Answer`] if the answer is not valid for this request. The client was sent the
    /// status 500. [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take the
    /// answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn accept(self) -> Result<WebSocket<T>, AcceptError> {
        Box::pin(async move {
            let mut upgrade = self.upgrade;
            let accepted = match self.request.accept(self.answer) {
                Ok(accepted) => accepted,
                Err(error) => {
                    // The caller made a mistake. The client still receives a status.
                    let response = self.request.reject(bare(StatusCode::INTERNAL_SERVER_ERROR));
                    let _ = upgrade.refuse(&response).await;
                    return Err(error.into());
                }
            };
            upgrade.resume(self.time_left);
            upgrade.write(&accepted.encode()).await?;
            let (_, agreed) = accepted.into_parts();
            let (transport, leftover) = (upgrade.transport, self.leftover);
            let mut ws = WebSocket::open(transport, Side::Server, &self.config, agreed, leftover);
            if let Some(address) = self.peer_addr {
                ws.set_peer_addr(address);
            }
            Ok(ws)
        })
        .await
    }

    /// Refuses the request with an HTTP status. Waits until the client has taken the answer and has
    /// ended the transport, for at most 1 s.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take the answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject(self, status: StatusCode) -> Result<(), AcceptError> {
        self.reject_with(bare(status)).await
    }

    /// Refuses the request with a complete HTTP response. Waits as [`reject`](Self::reject) does.
    ///
    /// # Errors
    ///
    /// The errors of [`reject`](Self::reject).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject_with(self, response: Response<Vec<u8>>) -> Result<(), AcceptError> {
        let response = self.request.reject(response);
        Ok(self.upgrade.refuse(&response).await?)
    }
}

/// Makes a response without a body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

impl<T: Transport> fmt::Debug for Offer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
