//! The version of HTTP in which a connection opens.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use ws_handshake::{ConnectHandshake, Request, RequestError, Target};

use super::Connector;
use crate::any::AnyTransport;
use crate::dial::{Deadlines, Dialer};
use crate::error::{ConnectError, ConnectPhase};
use crate::http2::{ClientHttp2, HttpVersion, Reached};
use crate::transport::{Runtime, Transport};
use crate::websocket::WebSocket;

impl<R: Runtime> Connector<R> {
    /// Opens connections over HTTP/2 (RFC 8441). Default: over HTTP/1.1. Only
    /// [`connect`](Self::connect) uses this.
    ///
    /// Pass a `ws_h2::Http2`. The settings of this connector apply in both versions.
    #[must_use]
    pub fn http2(mut self, http2: impl ClientHttp2<R> + 'static) -> Self {
        self.edit().http2 = Some(Arc::new(http2));
        self
    }

    /// Reaches the server of `target`, without an opening handshake: its address, the proxy, and
    /// TLS. TLS agrees on one of `versions`, in this order of preference. Without TLS, the server
    /// must expect the first of them.
    ///
    /// This is for other implementations of the opening handshake, such as `ws-h2`.
    ///
    /// # Errors
    ///
    /// The errors of [`connect`](Self::connect) before the opening handshake.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt and drops the stream.
    pub async fn reach(
        &self,
        target: &Target,
        versions: &[HttpVersion],
    ) -> Result<Reached<R>, ConnectError> {
        let mut dialer = Dialer::new(&self.settings.dial, self.deadlines());
        dialer.reach(target, versions).await
    }

    /// Returns the request for HTTP/2 (RFC 8441), which another HTTP stack sends. `ws-h2` uses it.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the settings make no valid request.
    pub fn connect_request(&self, target: &Target) -> Result<ConnectHandshake, RequestError> {
        self.offers(&self.settings.request).connect(target)
    }

    /// Makes a connection from a stream of HTTP/2, over which another HTTP stack has sent the
    /// request of `handshake` and read `response`. `ws-h2` uses it.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Handshake`] if the server refused the request or its response is invalid.
    pub fn established_on<T>(
        &self,
        handshake: &ConnectHandshake,
        response: Response<Vec<u8>>,
        transport: T,
    ) -> Result<WebSocket<T>, ConnectError>
    where
        T: Transport<Timer = R::Timer>,
    {
        let established = handshake.establish(response)?;
        Ok(self.open(transport, established, Vec::new()))
    }

    /// Returns the time that the opening handshake may take.
    pub fn handshake_time(&self) -> Duration {
        let total = self.settings.limits.handshake_timeout;
        let phase = self.settings.dial.timeouts.get(ConnectPhase::Handshake);
        phase.map_or(total, |phase| phase.min(total))
    }

    /// Returns the deadlines of a call that begins now.
    pub(super) fn deadlines(&self) -> Deadlines<'_> {
        let total = self.settings.limits.handshake_timeout;
        Deadlines::new::<R::Timer>(total, &self.settings.dial.timeouts)
    }

    /// Reaches the server of `target` and performs the opening handshake, in the version of HTTP
    /// that the settings and the server select.
    pub(super) async fn open_at(
        &self,
        dialer: &mut Dialer<'_, R>,
        request: &Request,
        target: &Target,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        // Built first, so that a mistake is reported before anything is sent.
        let handshake = self.build(request, target)?;
        let versions = self.versions(target);
        let mut reached = dialer.reach(target, versions).await?;
        if let (HttpVersion::Http2, Some(http2)) = (reached.version, &self.settings.http2) {
            let request = self.offers(request).connect(target)?;
            let opening = self.open_http2(&**http2, dialer, &request, reached.transport);
            match opening.await {
                Err(ConnectError::Http2Unsupported) if versions.contains(&HttpVersion::Http1) => {}
                opened => return opened,
            }
            reached = dialer.reach(target, &[HttpVersion::Http1]).await?;
        }
        if !versions.contains(&reached.version) {
            return Err(ConnectError::Http2Unsupported);
        }
        let (deadline, timer) = dialer.start_handshake();
        self.upgrade(handshake, reached.transport, timer, deadline)
            .await
    }

    /// Returns the versions of HTTP for a server, in the order of preference. Without TLS, a server
    /// cannot choose, so HTTP/2 is used only if it must be.
    fn versions(&self, target: &Target) -> &'static [HttpVersion] {
        use HttpVersion::{Http1, Http2};

        match &self.settings.http2 {
            Some(http2) if !http2.allows_http1() => &[Http2],
            Some(_) if target.is_secure() => &[Http2, Http1],
            Some(_) | None => &[Http1],
        }
    }

    async fn open_http2(
        &self,
        http2: &dyn ClientHttp2<R>,
        dialer: &mut Dialer<'_, R>,
        handshake: &ConnectHandshake,
        transport: AnyTransport<R>,
    ) -> Result<WebSocket<AnyTransport<R>>, ConnectError> {
        let opening = http2.open(handshake, transport);
        let opened = dialer.run(ConnectPhase::Handshake, opening).await?;
        let (transport, response) = opened?;
        self.established_on(handshake, response, transport)
    }
}
