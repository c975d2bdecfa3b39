//! The server's opening handshake, in two steps: read the request, then decide.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use ws_handshake::{Agreed, Answer, Extension, OriginPolicy, ServerHandshake};
use ws_proto::Config;

use crate::any::AnyTransport;
use crate::error::AcceptError;
use crate::limits::Limits;
use crate::transport::{Runtime, Timer, Transport, Wrap};
use crate::upgrade::Upgrade;
use crate::websocket::{Side, WebSocket};

/// The settings by which a server accepts connections. Cheap to clone, shared by all of them.
///
/// Defaults: requests from browsers pass only if their Origin is the host that was asked for; the handshake may take
/// 10 s; limits as in [`Config`].
pub struct Acceptor<R> {
    settings: Arc<Settings>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Clone, Debug)]
struct Settings {
    limits: Limits,
    handshake_timeout: Duration,
    origins: OriginPolicy,
}

impl<R> Acceptor<R> {
    /// Makes an acceptor with the defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            limits: Limits::default(),
            handshake_timeout: Duration::from_secs(10),
            origins: OriginPolicy::default(),
        };
        Self {
            settings: Arc::new(settings),
            runtime: PhantomData,
        }
    }

    /// Sets limits and time limits of the connections. Default: [`Config::default`].
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.edit().limits.config = config;
        self
    }

    /// Sets the longest message in bytes, in one frame or many, whatever [`config`](Self::config) says, before or
    /// after. Default: the limit of the configuration, which is 16 MiB unless it was set.
    #[must_use]
    pub fn max_message(mut self, len: usize) -> Self {
        self.edit().limits.max_message = Some(len);
        self
    }

    /// Sets the time for reading the request and writing the answer together, without the decision between them.
    /// Default: 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().handshake_timeout = timeout;
        self
    }

    /// Sets the web pages from which a browser may connect (RFC 6455 §10.2). Default: those of the host that was asked
    /// for.
    ///
    /// Without this check any web page could use the cookies of its visitor to talk to this server.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.edit().origins = origins;
        self
    }

    fn edit(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl<R: Runtime> Acceptor<R> {
    /// Reads the opening request and accepts it, without a subprotocol.
    ///
    /// A TCP stream sends small segments at once from here on (`TCP_NODELAY`). Below another stream, such as TLS, set
    /// that yourself.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read) and [`Offer::accept`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> Result<WebSocket<AnyTransport<R>>, AcceptError>
    where
        R: Wrap<S>,
    {
        // The stream takes room in the task once, not again as a transport.
        Box::pin(async { self.read_on(R::wrap(stream)).await?.accept().await }).await
    }

    /// Reads the opening request. Decide with the [`Offer`].
    ///
    /// # Errors
    ///
    /// [`AcceptError::Rejected`] if the request is not an acceptable one: it was answered with an HTTP status.
    /// [`AcceptError::Timeout`], [`AcceptError::Io`] and [`AcceptError::Lost`] if it did not arrive.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn read<S>(&self, stream: S) -> Result<Offer<AnyTransport<R>>, AcceptError>
    where
        R: Wrap<S>,
    {
        self.read_on(R::wrap(stream)).await
    }

    /// Makes a connection of a stream that another HTTP server has upgraded, such as hyper: with what it
    /// [agreed](Agreed) on, and the bytes that arrived behind the request. Nothing is read or written here, so
    /// [`origins`](Self::origins) and [`handshake_timeout`](Self::handshake_timeout) do not apply: pass the origins to
    /// [`UpgradeRequest::from_request`](ws_handshake::UpgradeRequest::from_request).
    ///
    /// Compression works if it was agreed, with the settings of [`config`](Self::config) or else the defaults.
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

    /// [`accept`](Self::accept) on a transport, whose type the connection keeps.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept).
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

    /// [`read`](Self::read) on a transport, whose type the offer keeps.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn read_on<T>(&self, transport: T) -> Result<Offer<T>, AcceptError>
    where
        T: Transport<Timer = R::Timer>,
    {
        // What the handshake takes is not to take room in the task for as long as the connection lives.
        Box::pin(async {
            let settings = &*self.settings;
            let deadline = R::Timer::after(settings.handshake_timeout);
            let mut upgrade = Upgrade {
                transport,
                timer: R::Timer::at(deadline),
            };
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
                    // The request's fault is the error to report, whether or not the peer waits for the answer.
                    let _ = upgrade.refuse(&refused.encode()).await;
                    Err(AcceptError::Rejected(refused.reason()))
                }
            }
        })
        .await
    }

    /// [`upgraded`](Self::upgraded) on a transport, whose type the connection keeps.
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

    /// The answer before the user adds to it: it agrees to compression where that is configured.
    fn answer(&self) -> Answer {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return Answer::new().deflate(deflate);
        }
        Answer::new()
    }
}

impl<R> Default for Acceptor<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for Acceptor<R> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Acceptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// An acceptable opening request that waits for a decision: [`accept`](Self::accept) or [`reject`](Self::reject).
///
/// The decision may take any time. Dropping the offer drops the stream without an answer.
pub struct Offer<T: Transport> {
    upgrade: Upgrade<T>,
    /// Of the time for the handshake; it stands still during the decision.
    time_left: Duration,
    request: Box<ws_handshake::UpgradeRequest>,
    /// Input behind the request.
    leftover: Vec<u8>,
    answer: Answer,
    config: Config,
    /// Overrides what the transport says.
    peer_addr: Option<SocketAddr>,
}

impl<T: Transport> Offer<T> {
    /// Returns the path that was asked for.
    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// Returns the query that was asked for, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.request.query()
    }

    /// Returns the request target.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// Returns the request headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the web page from which the request came, if a browser sent it.
    pub fn origin(&self) -> Option<&str> {
        self.request.origin()
    }

    /// Returns the subprotocols that the client speaks, the preferred first.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.request.protocols()
    }

    /// Returns the extensions that the client offers.
    pub fn extensions(&self) -> &[Extension] {
        self.request.extensions()
    }

    /// Returns the address of the client: the one that was [set](Self::set_peer_addr), or that of the socket if the
    /// transport knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
            .or_else(|| self.upgrade.transport.peer_addr())
    }

    /// Sets the address of the client where the transport does not know it, such as behind TLS or a proxy. The
    /// connection takes it over.
    pub fn set_peer_addr(&mut self, address: SocketAddr) {
        self.peer_addr = Some(address);
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &T {
        &self.upgrade.transport
    }

    /// Answers with this subprotocol, one of those [offered](Self::protocols).
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.answer = self.answer.protocol(name);
        self
    }

    /// Answers with this header.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.answer = self.answer.header(name, value);
        self
    }

    /// Answers with these headers.
    #[must_use]
    pub fn answer_headers(mut self, headers: HeaderMap) -> Self {
        self.answer = self.answer.headers(headers);
        self
    }

    /// Accepts the request.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Answer`] if the answer is not one that can be given to this request: the client got a status 500;
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take it.
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
                    // The fault is ours, and the client hears of it too.
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

    /// Refuses the request with an HTTP status, and waits until the client has taken the answer.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Timeout`] and [`AcceptError::Io`] if the client did not take it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject(self, status: StatusCode) -> Result<(), AcceptError> {
        self.reject_with(bare(status)).await
    }

    /// Refuses the request with an HTTP response of your own.
    ///
    /// # Errors
    ///
    /// As for [`reject`](Self::reject).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn reject_with(self, response: Response<Vec<u8>>) -> Result<(), AcceptError> {
        let response = self.request.reject(response);
        Ok(self.upgrade.refuse(&response).await?)
    }
}

/// A response with this status and no body.
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
