//! The client's opening handshake.

use std::marker::PhantomData;
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
use crate::limits::Limits;
use crate::masks::{OsMasks, random};
use crate::transport::{Runtime, Timer, Transport, Wrap};
use crate::upgrade::{FAREWELL, Fault, Upgrade, within};
use crate::websocket::{Side, WebSocket};

/// The settings by which a client connects. Cheap to clone.
///
/// Defaults: no subprotocol; reaching the server and the handshake may take 10 s together; masking keys from the
/// operating system; limits as in [`Config`].
pub struct Connector<R> {
    settings: Arc<Settings>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Clone)]
struct Settings {
    limits: Limits,
    handshake_timeout: Duration,
    masks: Arc<dyn Fn() -> Box<dyn MaskSource> + Send + Sync>,
    request: Request,
}

impl<R> Connector<R> {
    /// Makes a connector with the defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            limits: Limits::default(),
            handshake_timeout: Duration::from_secs(10),
            masks: Arc::new(|| Box::new(OsMasks::new())),
            request: Request::new(),
        };
        Self {
            settings: Arc::new(settings),
            runtime: PhantomData,
        }
    }

    /// Sets limits and time limits of the connection. Default: [`Config::default`].
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

    /// Sets the time for reaching the server and the opening handshake together. Default: 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.edit().handshake_timeout = timeout;
        self
    }

    /// Offers a subprotocol, after those offered before.
    #[must_use]
    pub fn subprotocol(self, name: &str) -> Self {
        self.request(|request| request.protocol(name))
    }

    /// Offers an extension, after those offered before. The caller has to honour it, if the server agrees.
    #[must_use]
    pub fn extension(self, extension: Extension) -> Self {
        self.request(|request| request.extension(extension))
    }

    /// Sends a header with the request: strings or types of [`http`]. Faults are reported when connecting.
    #[must_use]
    pub fn header(self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.request(|request| request.header(name, value))
    }

    /// Sends these headers with the request.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.request(|request| request.headers(headers))
    }

    /// Takes masking keys from elsewhere: `masks` makes a source for each connection. Default: [`OsMasks`].
    ///
    /// RFC 6455 §10.3 asks for keys that nobody can predict.
    #[must_use]
    pub fn masks<M: MaskSource + 'static>(
        mut self,
        masks: impl Fn() -> M + Send + Sync + 'static,
    ) -> Self {
        self.edit().masks = Arc::new(move || Box::new(masks()));
        self
    }

    fn request(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        let request = &mut self.edit().request;
        *request = change(std::mem::take(request));
        self
    }

    fn edit(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl<R: Runtime> Connector<R> {
    /// Connects to a `ws://` URL over TCP: to the first address of the host that answers.
    ///
    /// The TCP stream sends small segments at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// [`ConnectError::Target`] and [`ConnectError::Request`] before anything is sent;
    /// [`ConnectError::TlsUnavailable`] for `wss://`; [`ConnectError::Io`] if the server cannot be reached;
    /// [`ConnectError::Handshake`] if its answer is a refusal or wrong; [`ConnectError::Lost`] if there was none;
    /// [`ConnectError::Timeout`]. A refusal whose body does not end is reported at most 1 s after its last
    /// byte.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt.
    pub async fn connect(
        &self,
        url: impl IntoTarget,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        let target = url.into_target()?;
        // The attempt takes no room in the task for as long as the connection lives.
        Box::pin(async {
            if target.is_secure() {
                return Err(ConnectError::TlsUnavailable);
            }
            // Checked before the server hears anything.
            let handshake = self.build(&target)?;
            let deadline = self.deadline();
            let mut timer = R::Timer::at(deadline);
            let reached = within(&mut timer, reach::<R>(target.host(), target.port())).await;
            let stream = reached.ok_or(ConnectError::Timeout(ConnectPhase::Connect))??;
            let transport = AnyTransport::from_tcp(stream);
            self.upgrade(handshake, transport, timer, deadline).await
        })
        .await
    }

    /// Does the opening handshake over a stream that is connected already, such as TLS or a proxy's tunnel. The URL
    /// says what to ask for; its scheme is not looked at.
    ///
    /// A TCP stream sends small segments at once from here on (`TCP_NODELAY`). Below another stream, such as TLS, set
    /// that yourself.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
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

    /// Makes a connection of a stream over which another HTTP client has done the opening handshake: with what was
    /// [agreed](Agreed) on, and the bytes that arrived behind the response. Nothing is read or written here.
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

    /// [`handshake`](Self::handshake) over a transport, whose type the connection keeps.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
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
                // A body without a length would last as long as the server likes.
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

    /// Builds the request with everything that is offered.
    fn build(&self, target: &Target) -> Result<ClientHandshake, RequestError> {
        let request = &self.settings.request;
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return request.clone().deflate(deflate).build(target, random());
        }
        request.build(target, random())
    }

    fn deadline(&self) -> Instant {
        R::Timer::after(self.settings.handshake_timeout)
    }
}

/// Passes on what arrived: done with the response, or with `None` while only the body of a refusal is awaited.
fn receive(
    handshake: &mut ClientHandshake,
    piece: &[u8],
) -> Result<Progress<Option<Established>>, ClientError> {
    let Progress { consumed, done } = handshake.receive(piece)?;
    let is_refused = handshake.is_refused();
    let done = done.map(Some).or(is_refused.then_some(None));
    Ok(Progress { consumed, done })
}

/// The error of a handshake that was cut short: a refusal says more than that its body was.
fn cut_short(handshake: &mut ClientHandshake, fault: Fault) -> ConnectError {
    let so_far = handshake.end_of_input();
    match so_far.refusal() {
        Some(_) => so_far.into(),
        None => fault.into(),
    }
}

/// Connects to the first address of `host` that answers.
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

impl<R> Default for Connector<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for Connector<R> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("limits", &self.settings.limits)
            .field("handshake_timeout", &self.settings.handshake_timeout)
            .finish_non_exhaustive()
    }
}
