//! The opening handshake of a client.

mod open;
mod request;
mod route;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ws_handshake::{
    Agreed, ClientHandshake, Established, IntoTarget, Redirects, Request, RequestError, Target,
};
use ws_proto::{Config, MaskSource};

use crate::any::AnyTransport;
use crate::dial::{DialSettings, Dialer};
use crate::error::{ConnectError, ConnectPhase};
use crate::http2::ClientHttp2;
use crate::limits::{Limits, shared_settings};
use crate::masks::{OsMasks, random};
use crate::trace;
use crate::transport::{Runtime, Timer, Transport, Wrap};
use crate::upgrade::Upgrade;
use crate::websocket::{Side, WebSocket};

/// The settings with which a client connects.
///
/// Clones share the settings and are cheap. By default, no subprotocol is offered, and connecting
/// may take 10 s in total. The masking keys come from the operating system. The limits are those of
/// [`Config`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (stream, far) = tokio::io::duplex(4096);
/// # let server = tokio::spawn(async move {
/// #     let offer = ws_tokio::Acceptor::new().read(far).await?;
/// #     assert_eq!(offer.headers()["authorization"], "Bearer 0123");
/// #     offer.subprotocol("chat.v2").accept().await
/// # });
/// use ws_tokio::Connector;
///
/// let connector = Connector::new()
///     .subprotocol("chat.v2")
///     .subprotocol("chat.v1")
///     .header("Authorization", "Bearer 0123")
///     .max_message(1 << 20);
/// // `stream` is connected already, in any way. `connect` opens a stream itself.
/// let ws = connector.handshake("wss://example.com/chat", stream).await?;
/// assert_eq!(ws.protocol(), Some("chat.v2"));
/// # server.await??;
/// # Ok(())
/// # }
/// ```
pub struct Connector<R: Runtime> {
    settings: Arc<Settings<R>>,
}

struct Settings<R: Runtime> {
    limits: Limits,
    masks: Arc<dyn Fn() -> Box<dyn MaskSource> + Send + Sync>,
    request: Request,
    dial: DialSettings<R>,
    /// The number of redirects to follow.
    redirects: usize,
    /// `None` for HTTP/1.1 only.
    http2: Option<Arc<dyn ClientHttp2<R>>>,
}

impl<R: Runtime> Clone for Settings<R> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits.clone(),
            masks: Arc::clone(&self.masks),
            request: self.request.clone(),
            dial: self.dial.clone(),
            redirects: self.redirects,
            http2: self.http2.clone(),
        }
    }
}

impl<R: Runtime> Default for Settings<R> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            masks: Arc::new(|| Box::new(OsMasks::new())),
            request: Request::new(),
            dial: DialSettings::default(),
            redirects: 0,
            http2: None,
        }
    }
}

shared_settings!(Connector);

impl<R: Runtime> Connector<R> {
    /// Sets the time for reaching the server, the TLS handshake, the opening handshake, and all
    /// redirects together. Default: 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().limits.handshake_timeout = timeout;
        self
    }

    /// Sets the source of the masking keys. `masks` makes a source for each connection. Default:
    /// [`OsMasks`].
    ///
    /// RFC 6455 §10.3 requires unpredictable keys.
    #[must_use]
    pub fn masks<M: MaskSource + 'static>(
        mut self,
        masks: impl Fn() -> M + Send + Sync + 'static,
    ) -> Self {
        self.edit().masks = Arc::new(move || Box::new(masks()));
        self
    }
}

impl<R: Runtime> Connector<R> {
    /// Connects to a `ws://` or `wss://` URL, at the first address of the host that accepts the
    /// connection.
    ///
    /// The addresses are tried as RFC 8305 describes: the next attempt starts when one has failed,
    /// or after 250 ms. Sets `TCP_NODELAY`, so that small segments are sent without delay.
    ///
    /// # Errors
    ///
    /// Before anything is sent:
    ///
    /// * [`ConnectError::Target`] if the URL is not a valid WebSocket URL.
    /// * [`ConnectError::Request`] if the settings make no valid request.
    /// * [`ConnectError::TlsUnavailable`] for `wss://` and for an `https` proxy if TLS is not built
    ///   in. [`ConnectError::Tls`] if TLS lacks something, for instance root certificates.
    /// * [`ConnectError::Proxy`] if the user name and password of the [proxy](Self::proxy) cannot
    ///   be sent.
    ///
    /// After that:
    ///
    /// * [`ConnectError::Resolve`] if the host name cannot be resolved.
    /// * [`ConnectError::Unreachable`] if no address of the server can be reached.
    ///   [`ConnectError::UnixSocket`] if the [Unix socket](Self::unix_socket) cannot be reached.
    /// * [`ConnectError::Proxy`] if the proxy cannot be reached, or does not connect to the server.
    /// * [`ConnectError::Tls`] if the TLS handshake failed.
    ///   [`TlsError::kind`](crate::TlsError::kind) returns the cause.
    /// * [`ConnectError::Io`] if the transport failed.
    /// * [`ConnectError::Lost`] if the server ended the transport before its response was complete.
    /// * [`ConnectError::Handshake`] if the server refused the request or its response is invalid.
    ///   If the body of a refusal does not end, the refusal is reported 1 s after its head.
    /// * [`ConnectError::Redirect`] if a [redirect](Self::redirects) cannot be followed.
    /// * [`ConnectError::Timeout`] if connecting took longer than the
    ///   [timeout](Self::handshake_timeout), or a phase took longer than its
    ///   [timeout](Self::phase_timeout).
    ///
    /// After a redirect, the errors of the first list are also possible for the new URL.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt and drops the stream.
    pub async fn connect(
        &self,
        url: impl IntoTarget,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        // Boxed, so that the memory of the attempt is freed before the connection is used.
        let connected = match url.into_target() {
            Ok(target) => Box::pin(self.follow(target)).await,
            Err(error) => Err(error.into()),
        };
        connected.inspect_err(trace::not_connected)
    }

    /// Performs the opening handshake over a stream that is already connected, such as the TLS
    /// stream of another library.
    ///
    /// The request is made from the host, path and query of the URL. The scheme may be `ws` or
    /// `wss`: it does not select TLS here.
    ///
    /// This sets `TCP_NODELAY` on a TCP stream, so that small segments are sent without delay. Set
    /// this option yourself on a TCP stream inside another stream, such as the TLS stream of
    /// another library.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Target`], [`ConnectError::Request`], [`ConnectError::Tls`],
    /// [`ConnectError::Io`], [`ConnectError::Lost`], [`ConnectError::Handshake`] and
    /// [`ConnectError::Timeout`], as for [`connect`](Self::connect). A redirect is not followed,
    /// and is reported as a refusal.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn handshake<S>(
        &self,
        url: impl IntoTarget,
        stream: S,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError>
    where
        R: Wrap<S>,
    {
        self.handshake_on(url, R::wrap(stream)).await
    }

    /// Makes a connection from a stream over which another HTTP client has performed the opening
    /// handshake.
    ///
    /// `agreed` is the [result](Agreed) of the negotiation. `leftover` is the input that arrived
    /// after the response. This reads and writes nothing.
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

    /// Does the same as [`handshake`](Self::handshake) over a transport. The connection keeps the
    /// type of the transport.
    ///
    /// # Errors
    ///
    /// The errors of [`handshake`](Self::handshake).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the transport.
    pub async fn handshake_on<T>(
        &self,
        url: impl IntoTarget,
        transport: T,
    ) -> Result<WebSocket<T>, ConnectError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let opening = async {
            let handshake = self.build(&self.settings.request, &url.into_target()?)?;
            let deadline = self.deadlines().of::<R::Timer>(ConnectPhase::Handshake);
            let timer = R::Timer::at(deadline);
            self.upgrade(handshake, transport, timer, deadline).await
        };
        Box::pin(opening).await.inspect_err(trace::not_connected)
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
        let side = Side::Client((self.settings.masks)(), None);
        let config = self.settings.limits.to_config();
        let mut ws = WebSocket::open(transport, side, &config, agreed, leftover.into());
        ws.trace_open();
        ws
    }

    /// Connects to `target`, or to the target that its server redirects to.
    async fn follow(&self, mut target: Target) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        let settings = &*self.settings;
        let mut dialer = Dialer::new(&settings.dial, self.deadlines());
        let mut redirects = Redirects::new(settings.redirects);
        let mut request = Cow::Borrowed(&settings.request);
        loop {
            let opened = self.open_at(&mut dialer, &request, &target).await;
            let refusal = match opened {
                Err(ConnectError::Handshake(error)) => error,
                other => return other,
            };
            let next = match refusal.refusal() {
                Some(response) if settings.redirects > 0 => redirects.next(&target, response)?,
                _ => None,
            };
            let Some(next) = next else {
                return Err(refusal.into());
            };
            if !next.is_same_origin(&target) {
                request = Cow::Owned(request.for_other_origin());
            }
            target = next;
        }
    }

    async fn upgrade<T>(
        &self,
        mut handshake: ClientHandshake,
        transport: T,
        timer: R::Timer,
        deadline: Instant,
    ) -> Result<WebSocket<T>, ConnectError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let mut upgrade = Upgrade { transport, timer };
        upgrade.write(handshake.request()).await?;
        let (established, leftover) = upgrade.read_reply(&mut handshake, deadline).await??;
        Ok(self.open(upgrade.transport, established, leftover))
    }

    fn open<T>(&self, transport: T, established: Established, leftover: Vec<u8>) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let (response, agreed) = established.into_parts();
        let side = Side::Client((self.settings.masks)(), Some(response));
        let config = self.settings.limits.to_config();
        let mut ws = WebSocket::open(transport, side, &config, agreed, leftover);
        ws.trace_open();
        ws
    }

    fn build(&self, request: &Request, target: &Target) -> Result<ClientHandshake, RequestError> {
        self.offers(request).build(target, random())
    }

    /// Returns the request, with the offer of compression if it is configured.
    fn offers<'a>(&self, request: &'a Request) -> Cow<'a, Request> {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return Cow::Owned(request.clone().deflate(deflate));
        }
        Cow::Borrowed(request)
    }
}

impl<R: Runtime> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("limits", &self.settings.limits)
            .finish_non_exhaustive()
    }
}
