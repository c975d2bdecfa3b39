//! Reaching a server: its addresses, proxies, Unix sockets, and TLS.
//!
//! [`Dialer`] performs the phases before the opening handshake. [`race`] connects to one of several
//! addresses, [`proxy`] opens a tunnel, and [`deadlines`] has the time that each phase may take.

mod deadlines;
mod proxy;
mod race;
#[cfg(feature = "socket-options")]
mod socket;

pub(crate) use deadlines::{Deadlines, PhaseTimeouts};
#[cfg(feature = "socket-options")]
pub use socket::{SocketOptions, TcpKeepalive};

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use ws_handshake::{Proxies, Target};

use crate::any::AnyTransport;
use crate::error::{ConnectError, ConnectPhase};
use crate::http2::{HttpVersion, Reached};
use crate::transport::{ClientTls, Runtime, Timer};
use crate::upgrade::Fault;
use proxy::ProxyRoute;
use race::Race;

/// A function that resolves a host name, in place of the resolver of the runtime.
pub(crate) type Resolver = Arc<dyn Fn(String, u16) -> Resolving + Send + Sync>;

/// The future of a [`Resolver`].
type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The settings of a client that concern the way to the server.
pub(crate) struct DialSettings<R: Runtime> {
    pub(crate) proxies: Proxies,
    pub(crate) resolver: Option<Resolver>,
    #[cfg(feature = "socket-options")]
    pub(crate) socket: SocketOptions,
    pub(crate) timeouts: PhaseTimeouts,
    /// Overrides the default of the runtime.
    pub(crate) tls: Option<Arc<dyn ClientTls<R>>>,
    pub(crate) unix_socket: Option<PathBuf>,
}

impl<R: Runtime> Clone for DialSettings<R> {
    fn clone(&self) -> Self {
        Self {
            proxies: self.proxies.clone(),
            resolver: self.resolver.clone(),
            #[cfg(feature = "socket-options")]
            socket: self.socket.clone(),
            timeouts: self.timeouts.clone(),
            tls: self.tls.clone(),
            unix_socket: self.unix_socket.clone(),
        }
    }
}

impl<R: Runtime> Default for DialSettings<R> {
    fn default() -> Self {
        Self {
            proxies: Proxies::default(),
            resolver: None,
            #[cfg(feature = "socket-options")]
            socket: SocketOptions::default(),
            timeouts: PhaseTimeouts::default(),
            tls: None,
            unix_socket: None,
        }
    }
}

impl<R: Runtime> DialSettings<R> {
    /// Returns the TLS of the caller, or else the default of the runtime.
    fn tls(&self) -> Result<Arc<dyn ClientTls<R>>, ConnectError> {
        self.tls.clone().map_or_else(R::default_tls, Ok)
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let addresses = match &self.resolver {
            Some(resolve) => resolve(host.to_owned(), port).await?,
            None => R::resolve(host, port).await?,
        };
        if addresses.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(addresses)
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<R::TcpStream> {
        #[cfg(feature = "socket-options")]
        if !self.socket.is_default() {
            return self.socket.connect::<R>(address).await;
        }
        R::connect_tcp(address).await
    }
}

/// One call of `connect`: its settings, and the time that is left.
pub(crate) struct Dialer<'a, R: Runtime> {
    settings: &'a DialSettings<R>,
    deadlines: Deadlines<'a>,
    timer: R::Timer,
}

impl<'a, R: Runtime> Dialer<'a, R> {
    pub(crate) fn new(settings: &'a DialSettings<R>, deadlines: Deadlines<'a>) -> Self {
        let timer = R::Timer::at(deadlines.of::<R::Timer>(ConnectPhase::Resolve));
        Self {
            settings,
            deadlines,
            timer,
        }
    }

    /// Returns a transport to the server. If the URL requires TLS, the TLS handshake has been
    /// performed, and has agreed on one of `versions`. Without TLS, the server must expect the
    /// first of them.
    ///
    /// Missing TLS and faulty settings of a proxy are reported before anything is sent.
    pub(crate) async fn reach(
        &mut self,
        target: &Target,
        versions: &[HttpVersion],
    ) -> Result<Reached<R>, ConnectError> {
        let tls = target.is_secure().then(|| self.settings.tls());
        let tls = tls.transpose()?;
        let transport = self.route(target).await?;
        let Some(tls) = tls else {
            let version = versions.first().copied().unwrap_or(HttpVersion::Http1);
            return Ok(Reached::new(transport, version));
        };
        let secured = tls.connect(target.host(), versions, transport);
        let secured = self.run(ConnectPhase::Tls, secured).await?;
        Ok(secured.map_err(Fault::from)?)
    }

    /// Returns the deadline of the opening handshake, which begins now, and a timer for it.
    pub(crate) fn start_handshake(&mut self) -> (Instant, R::Timer) {
        let deadline = self.deadlines.of::<R::Timer>(ConnectPhase::Handshake);
        (deadline, R::Timer::at(deadline))
    }

    async fn route(&mut self, target: &Target) -> Result<AnyTransport<R>, ConnectError> {
        let settings = self.settings;
        if let Some(path) = &settings.unix_socket {
            let connected = self.run(ConnectPhase::Connect, R::connect_unix(path));
            return connected.await?.map_err(ConnectError::UnixSocket);
        }
        match settings.proxies.proxy_for(target) {
            Some(proxy) => ProxyRoute::new(settings, proxy)?.open(self, target).await,
            None => self.connect(target.host(), target.port()).await,
        }
    }

    /// Connects to an address of `host`.
    async fn connect(&mut self, host: &str, port: u16) -> Result<AnyTransport<R>, ConnectError> {
        let settings = self.settings;
        let addresses = self.resolve(host, port).await?;
        let mut race: Race<_, _, R::Timer> =
            Race::new(addresses, |address| settings.connect_tcp(address));
        match self.run(ConnectPhase::Connect, race.run()).await {
            Ok(Some(stream)) => Ok(AnyTransport::from_tcp(stream)),
            Err(timeout) if !race.has_failures() => Err(timeout),
            Ok(None) | Err(_) => Err(ConnectError::Unreachable(race.into_unreachable())),
        }
    }

    /// Returns at least one address of `host`.
    async fn resolve(&mut self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let resolving = self.settings.resolve(host, port);
        let resolved = self.run(ConnectPhase::Resolve, resolving).await?;
        resolved.map_err(ConnectError::Resolve)
    }

    pub(crate) async fn run<F: Future>(
        &mut self,
        phase: ConnectPhase,
        future: F,
    ) -> Result<F::Output, ConnectError> {
        self.deadlines.run(&mut self.timer, phase, future).await
    }
}
