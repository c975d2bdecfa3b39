//! The extractor.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use ws_hyper::Refusal;
use ws_tokio::handshake::UpgradeRequest;
use ws_tokio::http::HeaderValue;
use ws_tokio::http::request::Parts;
use ws_tokio::{Acceptor, Config, OriginPolicy, Registry, Tokio, WebSocket};

use crate::rejection::Rejection;

type BoxError = Box<dyn Error + Send + Sync>;

/// An extractor for requests that ask for a WebSocket.
///
/// Extraction checks the request by RFC 6455 §4.2.1, or over HTTP/2 by RFC 8441 §5.
/// [`accept`](Self::accept) checks the origin: by default, a browser may connect only from the
/// pages of the requested host.
///
/// ```
/// use std::time::Duration;
///
/// use axum::extract::{Path, State};
/// use axum::response::Response;
/// use ws_axum::{OriginPolicy, Upgrade};
///
/// async fn room(State(node): State<u32>, Path(room): Path<String>, upgrade: Upgrade) -> Response {
///     upgrade
///         .protocols(["chat.v2", "chat.v1"])
///         .origins(OriginPolicy::allow_list(["https://app.example.com"]))
///         .keepalive(Duration::from_secs(30), Duration::from_secs(10))
///         .max_message(64 * 1024)
///         .on_error(|error| eprintln!("{error}"))
///         .accept(async move |mut ws| ws.send(format!("{room} on node {node}")).await)
/// }
/// # let app: axum::Router = axum::Router::new()
/// #     .route("/rooms/{room}", axum::routing::any(room))
/// #     .with_state(1);
/// ```
#[must_use = "nothing is sent unless the response of `accept` is returned"]
pub struct Upgrade {
    upgrade: ws_hyper::Upgrade<Tokio>,
    config: Config,
    origins: OriginPolicy,
    registry: Option<Registry>,
    /// `true` if the connection may be opened although nothing has shown that the answer was sent.
    is_lenient: bool,
    on_error: Option<Box<dyn FnOnce(BoxError) + Send>>,
}

impl Upgrade {
    /// Returns the request: its path, its headers, and the subprotocols that the client offers.
    pub fn request(&self) -> &UpgradeRequest {
        self.upgrade.request()
    }

    /// Chooses the first of these subprotocols that the client offers. If it offers none of them,
    /// the answer names none.
    pub fn protocols<P: AsRef<str>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        let is_offered = |name: &P| {
            let mut offered = self.request().protocols();
            offered.any(|other| other == name.as_ref())
        };
        let chosen = names.into_iter().find(is_offered);
        if let Some(name) = chosen {
            self.upgrade = self.upgrade.subprotocol(name.as_ref());
        }
        self
    }

    /// Sets the web pages from which a browser may connect (RFC 6455 §10.2). Default: the pages of
    /// the requested host.
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets all limits and timeouts, and compression. Call this before the methods that change one
    /// of them. Default: [`Config::default`].
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Puts the connection into `registry`. If the registry is full or was shut down, the response
    /// is a refusal with status 503. The default is no registry.
    ///
    /// ```
    /// use axum::extract::State;
    /// use axum::response::Response;
    /// use ws_axum::{Registry, Upgrade};
    ///
    /// async fn echo(State(registry): State<Registry>, upgrade: Upgrade) -> Response {
    ///     upgrade.registry(&registry).accept(async move |mut ws| {
    ///         while let Some(message) = ws.recv().await? {
    ///             ws.send(message).await?;
    ///         }
    ///         Ok::<_, ws_axum::Error>(())
    ///     })
    /// }
    /// # let app: axum::Router = axum::Router::new()
    /// #     .route("/echo", axum::routing::any(echo))
    /// #     .with_state(Registry::new());
    /// ```
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Compresses messages if the client agrees (RFC 7692). The default is no compression.
    #[cfg(feature = "deflate")]
    pub fn deflate(self, deflate: ws_tokio::DeflateConfig) -> Self {
        self.edit(|config| config.deflate(deflate))
    }

    /// Sends a Ping after `interval` without input, and fails the connection if nothing arrives
    /// within `timeout` after it. See [`Config::keepalive`].
    pub fn keepalive(self, interval: Duration, timeout: Duration) -> Self {
        self.edit(|config| config.keepalive(interval, timeout))
    }

    /// Sets the length of the longest message that is accepted, in bytes. Default: 16 MiB.
    pub fn max_message(self, len: usize) -> Self {
        self.edit(|config| config.max_message(len))
    }

    /// Adds a header to the answer, for instance `Set-Cookie`.
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.upgrade = self.upgrade.header(name, value);
        self
    }

    /// Opens the connection even if a layer replaces or wraps the body of the answer, such as
    /// `ResponseBodyTimeoutLayer` of tower-http.
    ///
    /// By default, the empty body of the answer shows that the server has sent the answer. If it
    /// does not, there is no connection: [`UpgradeError::Replaced`](crate::UpgradeError::Replaced).
    /// With this setting there may be one, although a layer has sent another response instead of
    /// the answer. So it is only for services whose layers refuse requests before the handler runs.
    pub fn allow_wrapped_body(mut self) -> Self {
        self.is_lenient = true;
        self
    }

    /// Sets a function for the error of the handler, and for an upgrade that fails
    /// ([`UpgradeError`](crate::UpgradeError)). By default these errors are dropped: most of them
    /// only say that a client has disconnected.
    ///
    /// Use `error.downcast_ref::<ws_axum::Error>()` for
    /// [`is_disconnect`](crate::Error::is_disconnect). A refused request is no error of the
    /// handler: see [`try_accept`](Self::try_accept).
    pub fn on_error(mut self, report: impl FnOnce(BoxError) + Send + 'static) -> Self {
        self.on_error = Some(Box::new(report));
        self
    }

    /// Accepts the request. Returns the response, and serves the connection with `handler` in a new
    /// task of tokio once the response was sent.
    ///
    /// A handler that returns without [`WebSocket::close`] drops the connection. The client then
    /// gets no Close, and reports the code 1006 (RFC 6455 §7.1.5).
    ///
    /// The error may have any type. If the compiler cannot infer it, end the handler with
    /// `Ok::<_, ws_axum::Error>(())`.
    ///
    /// The response is a refusal if the origin is not allowed (status 403), if a header of the
    /// answer is invalid (status 500), or if the [registry](Self::registry) has no place (503).
    pub fn accept<H, F, E>(self, handler: H) -> Response
    where
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.try_accept(handler)
            .unwrap_or_else(IntoResponse::into_response)
    }

    /// Does the same as [`accept`](Self::accept), but returns a refusal as an error.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if the origin is not allowed, if a header of the answer is invalid, or if the
    /// [registry](Self::registry) has no place.
    pub fn try_accept<H, F, E>(self, handler: H) -> Result<Response, Rejection>
    where
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let mut acceptor = Acceptor::new().config(self.config);
        if let Some(registry) = &self.registry {
            acceptor = acceptor.registry(registry);
        }
        let origin = acceptor.check_origin(self.upgrade.request(), &self.origins);
        origin.map_err(Refusal::from)?;
        let upgrade = self.upgrade.acceptor(acceptor);
        let (response, upgrading) = if self.is_lenient {
            upgrade.accept()?
        } else {
            let (response, upgrading) = upgrade.accept_if_sent()?;
            (response.map(Body::new), upgrading)
        };
        let on_error = self.on_error;
        tokio::spawn(async move {
            let served = async { handler(upgrading.await?).await.map_err(Into::into) };
            if let (Err(error), Some(report)) = (served.await, on_error) {
                report(error);
            }
        });
        Ok(response)
    }

    fn edit(mut self, edit: impl FnOnce(Config) -> Config) -> Self {
        self.config = edit(self.config);
        self
    }
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let acceptor = Acceptor::new().origins(OriginPolicy::AllowAll);
        Ok(Self {
            upgrade: ws_hyper::Upgrade::from_parts(&acceptor, parts)?,
            config: Config::default(),
            origins: OriginPolicy::default(),
            registry: None,
            is_lenient: false,
            on_error: None,
        })
    }
}

/// `None` if the request does not [ask for a WebSocket](ws_hyper::asks_for_web_socket).
impl<S: Sync> OptionalFromRequestParts<S> for Upgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        if !ws_hyper::asks_for_web_socket(parts) {
            return Ok(None);
        }
        let upgrade = <Self as FromRequestParts<S>>::from_request_parts(parts, state);
        upgrade.await.map(Some)
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("request", self.request())
            .finish_non_exhaustive()
    }
}
