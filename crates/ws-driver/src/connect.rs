//! The client's opening handshake.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ws_handshake::{Agreed, ClientHandshake, Extension, Request, RequestError, Target};
use ws_proto::{Config, MaskSource};

use crate::error::{Error, Phase};
use crate::masks::{OsMasks, random};
use crate::transport::{Runtime, Timer, Transport, Wrap};
use crate::upgrade::{Upgrade, within};
use crate::websocket::{Side, WebSocket};

/// How a client connects. Cheap to clone.
///
/// Defaults: no subprotocol; reaching the server and the handshake may take 10 s together; masking keys from the
/// operating system; limits as in [`Config`].
pub struct Connector<R> {
    settings: Arc<Settings>,
    runtime: PhantomData<fn() -> R>,
}

#[derive(Clone)]
struct Settings {
    config: Config,
    handshake_timeout: Duration,
    masks: Arc<dyn Fn() -> Box<dyn MaskSource> + Send + Sync>,
    request: Request,
}

impl<R> Connector<R> {
    /// A connector with the defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings {
            config: Config::default(),
            handshake_timeout: Duration::from_secs(10),
            masks: Arc::new(|| Box::new(OsMasks::new())),
            request: Request::new(),
        };
        Connector {
            settings: Arc::new(settings),
            runtime: PhantomData,
        }
    }

    /// Limits and time-outs of the connection. Default: [`Config::default`].
    ///
    /// Replaces what [`max_message`](Self::max_message) set before.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.edit().config = config;
        self
    }

    /// The longest message in bytes, in one frame or many. Default: 16 MiB.
    #[must_use]
    pub fn max_message(mut self, len: usize) -> Self {
        let config = &mut self.edit().config;
        *config = config.clone().max_frame_len(len).max_message_len(len);
        self
    }

    /// How long reaching the server and the opening handshake may take together. Default: 10 s.
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

    /// Offers an extension, after those offered before. What is agreed, the caller has to honour.
    #[must_use]
    pub fn extension(self, extension: Extension) -> Self {
        self.request(|request| request.extension(extension))
    }

    /// Sends a header with the request. Faults are reported when connecting.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.request(|request| request.header(name, value))
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
    /// Connects to a `ws://` URL over TCP.
    ///
    /// # Errors
    ///
    /// [`Error::Target`] and [`Error::Request`] before anything is sent; [`Error::TlsUnavailable`] for `wss://`;
    /// [`Error::Io`] if the server cannot be reached; [`Error::Handshake`] if its answer is a refusal or wrong;
    /// [`Error::Timeout`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt.
    pub async fn connect(
        &self,
        url: &str,
    ) -> Result<WebSocket<<R as Wrap<<R as Runtime>::TcpStream>>::Transport>, Error>
    where
        R: Wrap<<R as Runtime>::TcpStream>,
    {
        // What this takes is not to take room in the task for as long as the connection lives.
        Box::pin(async {
            let target = Target::parse(url)?;
            if target.is_secure() {
                return Err(Error::TlsUnavailable);
            }
            // Checked before the server hears anything.
            let handshake = self.build(&target)?;
            let mut timer = self.timer();
            let stream = R::connect(target.host(), target.port());
            let stream = within(&mut timer, Phase::Connect, stream).await??;
            self.upgrade(handshake, stream, timer).await
        })
        .await
    }

    /// Does the opening handshake over a stream that is connected already, such as TLS or a proxy's tunnel. The URL
    /// says what to ask for; its scheme is not looked at.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    pub async fn handshake<S>(&self, url: &str, stream: S) -> Result<WebSocket<R::Transport>, Error>
    where
        R: Wrap<S>,
    {
        let handshake = self.build(&Target::parse(url)?)?;
        Box::pin(self.upgrade(handshake, stream, self.timer())).await
    }

    /// Takes over a transport whose opening handshake someone else has done, with the bytes that arrived behind the
    /// response.
    pub fn take_over<T>(&self, transport: T, leftover: Vec<u8>) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let side = Side::Client((self.settings.masks)(), None);
        let config = &self.settings.config;
        WebSocket::open(transport, side, config, Agreed::default(), leftover)
    }

    async fn upgrade<S>(
        &self,
        mut handshake: ClientHandshake,
        stream: S,
        timer: R::Timer,
    ) -> Result<WebSocket<R::Transport>, Error>
    where
        R: Wrap<S>,
    {
        let transport = R::wrap(stream);
        let mut upgrade = Upgrade { transport, timer };
        upgrade.write(handshake.request()).await?;
        let read = upgrade.read(|piece| handshake.receive(piece)).await;
        let (established, leftover) = read.map_err(|error| {
            // A refusal says more than that its body was cut short.
            let so_far = handshake.end_of_input();
            if matches!(error, Error::Lost) || so_far.refusal().is_some() {
                so_far.into()
            } else {
                error
            }
        })??;
        let (response, agreed) = established.into_parts();
        let side = Side::Client((self.settings.masks)(), Some(response));
        let (transport, config) = (upgrade.transport, &self.settings.config);
        Ok(WebSocket::open(transport, side, config, agreed, leftover))
    }

    /// Builds the request with everything that is offered.
    fn build(&self, target: &Target) -> Result<ClientHandshake, RequestError> {
        let request = &self.settings.request;
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.config.deflate_config() {
            return request.clone().deflate(deflate).build(target, random());
        }
        request.build(target, random())
    }

    fn timer(&self) -> R::Timer {
        R::Timer::at(R::Timer::after(self.settings.handshake_timeout))
    }
}

impl<R> Default for Connector<R> {
    fn default() -> Self {
        Connector::new()
    }
}

impl<R> Clone for Connector<R> {
    fn clone(&self) -> Self {
        Connector {
            settings: Arc::clone(&self.settings),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.settings.config)
            .field("handshake_timeout", &self.settings.handshake_timeout)
            .finish_non_exhaustive()
    }
}
