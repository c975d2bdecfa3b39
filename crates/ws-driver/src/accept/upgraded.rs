//! The part of an acceptor that is used if another HTTP server reads requests and sends answers.

use std::time::Duration;

use http::Request;
use ws_handshake::{
    Accepted, Agreed, Answer, AnswerError, OriginPolicy, Rejection, UpgradeRequest,
};

use super::Acceptor;
use crate::any::AnyTransport;
use crate::serve::{Admission, Registry, Unavailable};
use crate::trace;
use crate::transport::{Runtime, Transport, Wrap};
use crate::websocket::{Side, WebSocket};

/// Methods for requests that another HTTP server has read. `ws-hyper` uses them for hyper.
impl<R: Runtime> Acceptor<R> {
    /// Checks an opening request, including its origin.
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks. Send [`Rejection::response`].
    pub fn check_request<B>(&self, request: &Request<B>) -> Result<UpgradeRequest, Rejection> {
        let checked = UpgradeRequest::from_request(request, self.settings.rules.clone());
        checked.inspect_err(trace::rejected)
    }

    /// Checks an extended CONNECT request of HTTP/2, including its origin (RFC 8441). `protocol` is
    /// its pseudo-header `:protocol`.
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks. Send [`Rejection::response`].
    pub fn check_connect<B>(
        &self,
        request: &Request<B>,
        protocol: Option<&str>,
    ) -> Result<UpgradeRequest, Rejection> {
        let checked = UpgradeRequest::from_connect(request, protocol, self.settings.rules.clone());
        checked.inspect_err(trace::rejected)
    }

    /// Applies an origin policy after the other checks (RFC 6455 §10.2), for servers that choose it
    /// then: see [`UpgradeRequest::check_origin`].
    ///
    /// # Errors
    ///
    /// [`Rejection`] if the policy does not allow the origin.
    pub fn check_origin(
        &self,
        request: &UpgradeRequest,
        origins: &OriginPolicy,
    ) -> Result<(), Rejection> {
        request.check_origin(origins).inspect_err(trace::rejected)
    }

    /// Accepts a request with this answer, and with compression if the
    /// [configuration](Self::config) has compression and the client offers it.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the answer does not fit the request or has an invalid header.
    pub fn accept_request(
        &self,
        request: &UpgradeRequest,
        answer: Answer,
    ) -> Result<Accepted, AnswerError> {
        request.accept(self.with_compression(answer))
    }

    /// Agrees to compression if it is configured.
    pub(super) fn with_compression(&self, answer: Answer) -> Answer {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.settings.limits.config.deflate_config() {
            return answer.deflate(deflate);
        }
        answer
    }

    /// Returns the time that was set with [`handshake_timeout`](Self::handshake_timeout).
    pub fn handshake_time(&self) -> Duration {
        self.settings.limits.handshake_timeout
    }

    /// Asks the [registry](Self::registry) for the place of a connection. Without a registry, there
    /// always is one.
    ///
    /// Call this before the answer is sent, and pass the result to
    /// [`upgraded_as`](Self::upgraded_as). The connection counts as opening until then.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the registry is full or was shut down. Send [`Unavailable::response`].
    pub fn admit(&self) -> Result<Admission, Unavailable> {
        self.seat().inspect_err(trace::unavailable)
    }

    pub(super) fn seat(&self) -> Result<Admission, Unavailable> {
        match &self.settings.registry {
            Some(registry) => registry.admit(),
            None => Ok(Admission::default()),
        }
    }

    /// Makes a connection from a stream that another HTTP server, such as hyper, has upgraded.
    ///
    /// `agreed` is the [result](Agreed) of the negotiation. `leftover` is the input that arrived
    /// after the request.
    ///
    /// This reads and writes nothing. So [`origins`](Self::origins) and
    /// [`handshake_timeout`](Self::handshake_timeout) do not apply.
    /// [`check_request`](Self::check_request) applies the origins.
    ///
    /// Messages are compressed if `agreed` includes compression. The compression settings are those
    /// of [`config`](Self::config). If the configuration has no compression settings, the default
    /// ones apply.
    ///
    /// If there is a [registry](Self::registry), the connection enters it even if it is full.
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
        let registry = self.settings.registry.as_ref();
        let admission = registry.map(Registry::admit_always).unwrap_or_default();
        self.upgraded_as(admission, transport, agreed, leftover)
    }

    /// Does the same as [`upgraded_on`](Self::upgraded_on) for a connection that has been
    /// [admitted](Self::admit).
    pub fn upgraded_as<T>(
        &self,
        admission: Admission,
        transport: T,
        agreed: Agreed,
        leftover: impl Into<Vec<u8>>,
    ) -> WebSocket<T>
    where
        T: Transport<Timer = R::Timer>,
    {
        let config = self.settings.limits.to_config();
        let leftover = leftover.into();
        let mut ws = WebSocket::open(transport, Side::Server, &config, agreed, leftover);
        ws.admit(admission);
        ws.trace_open();
        ws
    }
}
