//! The opening handshake of a client.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use http::{HeaderMap, HeaderValue};
use ws_handshake::{
    Agreed, ClientError, ClientHandshake, Established, Extension, IntoTarget, Progress, Request,
    RequestError, Target,
};
use ws_proto::{Config, MaskSource};

use crate::any::AnyTransport;
use crate::error::{ConnectError, ConnectPhase};
use crate::limits::{Limits, shared_settings};
use crate::masks::{OsMasks, random};
use crate::transport::{ClientTls, Runtime, Timer, Transport, Wrap};
use crate::upgrade::{FAREWELL, Fault, Upgrade, within};
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
    /// Overrides the default of the runtime.
    tls: Option<Arc<dyn ClientTls<R>>>,
}

impl<R: Runtime> Clone for Settings<R> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits.clone(),
            masks: Arc::clone(&self.masks),
            request: self.request.clone(),
            tls: self.tls.clone(),
        }
    }
}

impl<R: Runtime> Default for Settings<R> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            masks: Arc::new(|| Box::new(OsMasks::new())),
            request: Request::new(),
            tls: None,
        }
    }
}

shared_settings!(Connector);

impl<R: Runtime> Connector<R> {
    /// Sets the time for reaching the server, the TLS handshake, and the opening handshake
    /// together. Default: 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().limits.handshake_timeout = timeout;
        self
    }

    /// Offers a subprotocol. The order of the calls is the order of preference.
    #[must_use]
    pub fn subprotocol(self, name: &str) -> Self {
        self.request(|request| request.protocol(name))
    }

    /// Offers an extension. The order of the calls is the order of preference. The caller must
    /// implement the extension if the server agrees to it.
    #[must_use]
    pub fn extension(self, extension: Extension) -> Self {
        self.request(|request| request.extension(extension))
    }

    /// Adds a header to the request. The arguments are strings or types of [`http`]. Invalid
    /// headers are reported as [`ConnectError::Request`] when the connector is used.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.request(|request| request.header(name, value))
    }

    /// Adds headers to the request.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.request(|request| request.headers(headers))
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

    /// Sets the TLS for `wss://` URLs. Default: the TLS of the adapter, if one of its features for
    /// TLS is enabled.
    ///
    /// Only [`connect`](Self::connect) uses it.
    #[must_use]
    pub fn tls(mut self, tls: impl ClientTls<R> + 'static) -> Self {
        self.edit().tls = Some(Arc::new(tls));
        self
    }

    fn request(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        let request = &mut self.edit().request;
        *request = change(std::mem::take(request));
        self
    }
}

impl<R: Runtime> Connector<R> {
    /// Connects to a `ws://` or `wss://` URL, at the first address of the host that answers.
    ///
    /// Sets `TCP_NODELAY`, so that small segments are sent without delay.
    ///
    /// # Errors
    ///
    /// Before anything is sent:
    ///
    /// * [`ConnectError::Target`] if the URL is not a valid WebSocket URL.
    /// * [`ConnectError::Request`] if the settings make no valid request.
    /// * [`ConnectError::TlsUnavailable`] for `wss://` if TLS is not built in.
    ///   [`ConnectError::Tls`] if TLS lacks something, for instance root certificates.
    ///
    /// After that:
    ///
    /// * [`ConnectError::Resolve`] if the host name cannot be resolved.
    /// * [`ConnectError::Tls`] if the TLS handshake failed.
    ///   [`TlsError::kind`](crate::TlsError::kind) returns the cause.
    /// * [`ConnectError::Io`] if the server cannot be reached or the transport failed.
    /// * [`ConnectError::Handshake`] if the server refused the request or its response is invalid.
    ///   If the body of a refusal does not end, the refusal is reported 1 s after the last byte
    ///   that arrived.
    /// * [`ConnectError::Lost`] if the server ended the transport before its response was complete.
    /// * [`ConnectError::Timeout`] if connecting took longer than the
    ///   [timeout](Self::handshake_timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt and drops the stream.
    pub async fn connect(
        &self,
        url: impl IntoTarget,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        let target = url.into_target()?;
        // Boxed, so that the memory of the attempt is freed before the connection is used.
        Box::pin(async {
            // Settings are checked first, so that a mistake is reported before anything is sent.
            let tls = target.is_secure().then(|| self.client_tls()).transpose()?;
            let handshake = self.build(&target)?;
            let deadline = self.deadline();
            let mut timer = R::Timer::at(deadline);
            let reached = within(&mut timer, reach::<R>(target.host(), target.port())).await;
            let stream = reached.ok_or(ConnectError::Timeout(ConnectPhase::Connect))??;
            let mut transport = AnyTransport::from_tcp(stream);
            if let Some(tls) = tls {
                let secured = within(&mut timer, tls.connect(target.host(), transport)).await;
                transport = secured
                    .ok_or(ConnectError::Timeout(ConnectPhase::Tls))?
                    .map_err(Fault::from)?;
            }
            self.upgrade(handshake, transport, timer, deadline).await
        })
        .await
    }

    /// Performs the opening handshake over a stream that is already connected, such as the TLS
    /// stream of another library, the tunnel of a proxy or a Unix socket.
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
    /// The errors of [`connect`](Self::connect), except [`ConnectError::Resolve`] and
    /// [`ConnectError::TlsUnavailable`].
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
        let handshake = self.build(&url.into_target()?)?;
        let deadline = self.deadline();
        let timer = R::Timer::at(deadline);
        Box::pin(self.upgrade(handshake, transport, timer, deadline)).await
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
        WebSocket::open(transport, side, &config, agreed, leftover.into())
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
        let (established, leftover) = loop {
            match upgrade.read(|piece| receive(&mut handshake, piece)).await {
                Ok(Ok((Some(established), leftover))) => break (established, leftover),
                // The response is a refusal whose body is still arriving. A body without a length
                // may never end.
                Ok(Ok((None, _))) => {
                    let soon = deadline.min(R::Timer::after(FAREWELL));
                    upgrade.timer.reset(soon);
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(fault) => return Err(cut_short(&mut handshake, fault)),
            }
        };
        let (response, agreed) = established.into_parts();
        let side = Side::Client((self.settings.masks)(), Some(response));
        let config = self.settings.limits.to_config();
        let transport = upgrade.transport;
        Ok(WebSocket::open(transport, side, &config, agreed, leftover))
    }

    /// Builds the request. Offers compression if it is configured.
    fn build(&self, target: &Target) -> Result<ClientHandshake, RequestError> {
        let request = &self.settings.request;
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return request.clone().deflate(deflate).build(target, random());
        }
        request.build(target, random())
    }

    /// Returns the TLS of the caller, or else the default of the runtime.
    fn client_tls(&self) -> Result<Arc<dyn ClientTls<R>>, ConnectError> {
        self.settings.tls.clone().map_or_else(R::default_tls, Ok)
    }

    fn deadline(&self) -> Instant {
        R::Timer::after(self.settings.limits.handshake_timeout)
    }
}

/// Passes `piece` to the handshake. In the result, `done` holds the response once it is complete.
/// It holds `Some(None)` while the body of a refusal is still arriving.
fn receive(
    handshake: &mut ClientHandshake,
    piece: &[u8],
) -> Result<Progress<Option<Established>>, ClientError> {
    let Progress { consumed, done } = handshake.receive(piece)?;
    let is_refused = handshake.is_refused();
    let done = done.map(Some).or(is_refused.then_some(None));
    Ok(Progress { consumed, done })
}

/// Returns the error of a handshake that was interrupted. A refusal without a complete body is
/// reported as a refusal.
fn cut_short(handshake: &mut ClientHandshake, fault: Fault) -> ConnectError {
    let so_far = handshake.end_of_input();
    match so_far.refusal() {
        Some(_) => so_far.into(),
        None => fault.into(),
    }
}

/// Connects to the first address of `host` that answers. Returns the error of the last address if
/// no address answers.
async fn reach<R: Runtime>(host: &str, port: u16) -> Result<R::TcpStream, ConnectError> {
    let addresses = R::resolve(host, port).await;
    let mut fault = None;
    for address in addresses.map_err(ConnectError::Resolve)? {
        match R::connect_tcp(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => fault = Some(error),
        }
    }
    Err(match fault {
        Some(error) => ConnectError::Io(error),
        None => ConnectError::Resolve(io::ErrorKind::NotFound.into()),
    })
}

impl<R: Runtime> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("limits", &self.settings.limits)
            .finish_non_exhaustive()
    }
}
