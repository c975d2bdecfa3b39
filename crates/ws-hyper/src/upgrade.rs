//! An opening request that hyper has read.

use std::fmt;

use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use ws_driver::Acceptor;
use ws_driver::handshake::{Answer, Rejection, UpgradeRequest};

use crate::error::Refusal;
use crate::runtime::HyperRuntime;
use crate::sent_body::{Sent, SentBody};
use crate::upgrading::Upgrading;

/// A valid opening request that waits for a decision.
///
/// To refuse it, drop it and return any response.
pub struct Upgrade<R: HyperRuntime> {
    acceptor: Acceptor<R>,
    request: UpgradeRequest,
    answer: Answer,
    on_upgrade: OnUpgrade,
}

impl<R: HyperRuntime> Upgrade<R> {
    /// Checks a request by the settings of `acceptor`, including the origin.
    ///
    /// Over HTTP/2, the request is an extended CONNECT (RFC 8441). The server must announce that it
    /// accepts these: `enable_connect_protocol` of hyper's builder for HTTP/2.
    ///
    /// # Errors
    ///
    /// [`Refusal::Rejected`] if the request is not an acceptable opening request.
    /// [`Refusal::NotUpgradable`] if hyper cannot upgrade the connection.
    pub fn new<B>(acceptor: &Acceptor<R>, mut request: Request<B>) -> Result<Self, Refusal> {
        Self::take_from(acceptor, &mut request)
    }

    /// Does the same as [`new`](Self::new) with the head of a request, which loses nothing but the
    /// upgrade.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub fn from_parts(acceptor: &Acceptor<R>, parts: &mut Parts) -> Result<Self, Refusal> {
        let (nothing, ()) = Request::new(()).into_parts();
        let mut request = Request::from_parts(std::mem::replace(parts, nothing), ());
        let upgrade = Self::take_from(acceptor, &mut request);
        (*parts, ()) = request.into_parts();
        upgrade
    }

    /// Checks a request, and takes only the upgrade out of it.
    fn take_from<B>(acceptor: &Acceptor<R>, request: &mut Request<B>) -> Result<Self, Refusal> {
        let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
        Ok(Self {
            acceptor: acceptor.clone(),
            request: check(acceptor, request)?,
            answer: Answer::new(),
            on_upgrade: on_upgrade.ok_or(Refusal::NotUpgradable)?,
        })
    }

    /// Returns the request: its path, its headers, and the subprotocols that the client offers.
    pub fn request(&self) -> &UpgradeRequest {
        &self.request
    }

    /// Replaces the settings of the connection. The request is not checked again.
    #[must_use]
    pub fn acceptor(mut self, acceptor: Acceptor<R>) -> Self {
        self.acceptor = acceptor;
        self
    }

    /// Sets the subprotocol of the answer. It must be one of those that the client
    /// [offers](UpgradeRequest::protocols).
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
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.answer = self.answer.headers(headers);
        self
    }

    /// Accepts the request. Return the response to hyper, and await the connection in another task:
    /// hyper upgrades the connection after it has sent the response.
    ///
    /// The response must be sent. If a layer of the service sends another one instead, hyper still
    /// upgrades the connection when it would end. Use
    /// [`accept_if_sent`](Self::accept_if_sent) under such layers.
    ///
    /// # Errors
    ///
    /// [`Refusal::Answer`] if the subprotocol or a header of the answer is not valid.
    /// [`Refusal::Unavailable`] if the registry of the acceptor is full or was shut down.
    pub fn accept<B: Default>(self) -> Result<(Response<B>, Upgrading<R>), Refusal> {
        let (response, upgrading) = self.answer(|_| None)?;
        Ok((response.map(|()| B::default()), upgrading))
    }

    /// Does the same as [`accept`](Self::accept), but there is no connection if another response is
    /// sent instead. The empty body of the response notices that.
    ///
    /// Over HTTP/2, hyper itself opens no stream unless the response is the answer.
    ///
    /// # Errors
    ///
    /// The errors of [`accept`](Self::accept).
    pub fn accept_if_sent(self) -> Result<(Response<SentBody>, Upgrading<R>), Refusal> {
        let body = SentBody::default();
        // The body of a response to CONNECT is never asked.
        let is_asked = |status| status == StatusCode::SWITCHING_PROTOCOLS;
        let (response, upgrading) = self.answer(|status| is_asked(status).then(|| body.sent()))?;
        Ok((response.map(|()| body), upgrading))
    }

    /// Answers the request. `sent` gets the status of the answer.
    fn answer(
        self,
        sent: impl FnOnce(StatusCode) -> Option<Sent>,
    ) -> Result<(Response<()>, Upgrading<R>), Refusal> {
        let accepted = self.acceptor.accept_request(&self.request, self.answer)?;
        let admission = self.acceptor.admit()?;
        let (response, agreed) = accepted.into_parts();
        let sent = sent(response.status());
        let upgrading = Upgrading::new(self.acceptor, admission, agreed, self.on_upgrade, sent);
        Ok((response, upgrading))
    }
}

fn check<R: HyperRuntime, B>(
    acceptor: &Acceptor<R>,
    request: &Request<B>,
) -> Result<UpgradeRequest, Rejection> {
    #[cfg(feature = "http2")]
    if request.version() == Version::HTTP_2 {
        let protocol = request.extensions().get::<hyper::ext::Protocol>();
        return acceptor.check_connect(request, protocol.map(hyper::ext::Protocol::as_str));
    }
    acceptor.check_request(request)
}

/// Returns `true` if a request asks for a WebSocket, although it may break a rule: `Upgrade` lists
/// `websocket`, or the method is CONNECT over HTTP/2.
///
/// In HTTP/1.0, `Upgrade` means nothing (RFC 9110 §7.8).
pub fn asks_for_web_socket(request: &Parts) -> bool {
    match request.version {
        Version::HTTP_11 => UpgradeRequest::is_asked_for(&request.headers),
        version => version > Version::HTTP_11 && request.method == Method::CONNECT,
    }
}

impl<R: HyperRuntime> fmt::Debug for Upgrade<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
