//! Connecting through a proxy.

use std::sync::Arc;
use std::time::Instant;

use ws_handshake::{Progress, Proxy, ProxyScheme, Socks5, Socks5Error, Target, Tunnel};

use super::{DialSettings, Dialer};
use crate::any::AnyTransport;
use crate::error::{ConnectError, ConnectPhase, ProxyError, ProxyErrorKind};
use crate::http2::HttpVersion;
use crate::transport::{ClientTls, Runtime, Timer, Transport};
use crate::upgrade::{Fault, Upgrade, within};

/// The way to a server through a proxy.
pub(super) struct ProxyRoute<'a, R: Runtime> {
    proxy: &'a Proxy,
    /// The TLS to the proxy itself, if the scheme of the proxy is `https`.
    tls: Option<Arc<dyn ClientTls<R>>>,
}

/// The protocol that the proxy speaks, before its first message.
enum Protocol {
    Tunnel(Tunnel),
    Socks5(Socks5),
}

/// The reason why a proxy opened no tunnel.
enum Failure {
    Kind(ProxyErrorKind),
    Timeout,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => Self::Kind(ProxyErrorKind::Io(error)),
            Fault::Lost => Self::Kind(ProxyErrorKind::Lost),
            Fault::Tls(error) => Self::Kind(ProxyErrorKind::Tls(error)),
            Fault::Timeout => Self::Timeout,
        }
    }
}

impl<E: Into<ProxyErrorKind>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Kind(error.into())
    }
}

impl<'a, R: Runtime> ProxyRoute<'a, R> {
    /// # Errors
    ///
    /// [`ConnectError::TlsUnavailable`] and [`ConnectError::Tls`] if the proxy requires TLS and TLS
    /// is missing.
    pub(super) fn new(settings: &DialSettings<R>, proxy: &'a Proxy) -> Result<Self, ConnectError> {
        let is_secure = proxy.scheme() == ProxyScheme::Https;
        let tls = is_secure.then(|| settings.tls()).transpose()?;
        Ok(Self { proxy, tls })
    }

    /// Connects to the proxy, which connects to the server.
    pub(super) async fn open(
        self,
        dialer: &mut Dialer<'_, R>,
        target: &Target,
    ) -> Result<AnyTransport<R>, ConnectError> {
        // Made first, so that unusable credentials are reported before anything is sent.
        let protocol = self.protocol(dialer, target).await?;
        let connected = dialer.connect(self.proxy.host(), self.proxy.port()).await;
        let transport = connected.map_err(|error| self.unreachable(error))?;
        let deadline = dialer.deadlines.of::<R::Timer>(ConnectPhase::Proxy);
        let opened = self.tunnel(protocol, transport, deadline).await;
        opened.map_err(|failure| match failure {
            Failure::Kind(kind) => self.error(kind),
            Failure::Timeout => ConnectError::Timeout(ConnectPhase::Proxy),
        })
    }

    async fn protocol(
        &self,
        dialer: &mut Dialer<'_, R>,
        target: &Target,
    ) -> Result<Protocol, ConnectError> {
        let (host, port) = (target.host(), target.port());
        let credentials = self.proxy.credentials();
        let socks5 = |host: &str| {
            let socks5 = Socks5::new(host, port, credentials).map_err(|error| self.error(error));
            socks5.map(Protocol::Socks5)
        };
        match self.proxy.scheme() {
            ProxyScheme::Http | ProxyScheme::Https => {
                let tunnel = Tunnel::new(host, port, credentials);
                let tunnel = tunnel.map_err(|error| self.error(error))?;
                Ok(Protocol::Tunnel(tunnel))
            }
            ProxyScheme::Socks5h => socks5(host),
            ProxyScheme::Socks5 => {
                // Any address will do to check the credentials before the lookup.
                socks5("0.0.0.0")?;
                let addresses = dialer.resolve(host, port).await?;
                let first = addresses.first().map(|address| address.ip().to_string());
                socks5(first.as_deref().unwrap_or(host))
            }
        }
    }

    /// Performs the TLS handshake with the proxy, if it requires TLS, and opens the tunnel.
    async fn tunnel(
        &self,
        protocol: Protocol,
        mut transport: AnyTransport<R>,
        deadline: Instant,
    ) -> Result<AnyTransport<R>, Failure> {
        let mut timer = R::Timer::at(deadline);
        if let Some(tls) = &self.tls {
            let securing = tls.connect(self.proxy.host(), &[HttpVersion::Http1], transport);
            let secured = within(&mut timer, securing).await;
            transport = secured
                .ok_or(Failure::Timeout)?
                .map_err(Fault::from)?
                .transport;
        }
        let mut upgrade = Upgrade { transport, timer };
        let early = match protocol {
            Protocol::Tunnel(mut tunnel) => {
                upgrade.write(tunnel.request()).await?;
                let ((), early) = upgrade.read_reply(&mut tunnel, deadline).await??;
                early
            }
            Protocol::Socks5(socks5) => negotiate(&mut upgrade, socks5).await?,
        };
        if !early.is_empty() {
            return Err(ProxyErrorKind::EarlyData.into());
        }
        Ok(upgrade.transport)
    }

    fn error(&self, kind: impl Into<ProxyErrorKind>) -> ConnectError {
        let error = ProxyError::new(self.proxy.to_string(), kind.into());
        ConnectError::Proxy(Box::new(error))
    }

    /// Converts an error of reaching the proxy.
    fn unreachable(&self, error: ConnectError) -> ConnectError {
        match error {
            ConnectError::Resolve(error) => self.error(ProxyErrorKind::Resolve(error)),
            ConnectError::Unreachable(error) => self.error(error),
            error => error,
        }
    }
}

/// Performs the dialogue of SOCKS5 (RFC 1928). Returns the input that follows it.
async fn negotiate<T: Transport>(
    upgrade: &mut Upgrade<T>,
    mut socks5: Socks5,
) -> Result<Vec<u8>, Failure> {
    let mut message = socks5.take_output();
    loop {
        upgrade.write(&message).await?;
        let read = upgrade
            .read(|piece| next_message(&mut socks5, piece))
            .await?;
        let (next, rest) = read?;
        match next {
            None => return Ok(rest),
            Some(_) if !rest.is_empty() => return Err(ProxyErrorKind::EarlyData.into()),
            Some(next) => message = next,
        }
    }
}

/// Passes input to the machine. In the result, `done` holds the next message for the proxy, or
/// `None` once the tunnel is open.
fn next_message(
    socks5: &mut Socks5,
    piece: &[u8],
) -> Result<Progress<Option<Vec<u8>>>, Socks5Error> {
    let Progress { consumed, done } = socks5.receive(piece)?;
    let output = socks5.take_output();
    let done = match done {
        Some(()) => Some(None),
        None if output.is_empty() => None,
        None => Some(Some(output)),
    };
    Ok(Progress { consumed, done })
}
