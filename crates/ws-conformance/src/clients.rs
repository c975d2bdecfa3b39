//! Tests of clients: the suite is the server.

mod commands;
mod connection;
mod page;
mod replies;
mod route;

pub use route::UNKNOWN_CLIENT;

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use connection::{Front, Shared};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use crate::case::{Case, Http};
use crate::record::Record;
use crate::settings::Settings;
use crate::tls::{HandshakeError, Identity};

/// The most connections at a time. Others are refused.
const MAX_CONNECTIONS: usize = 256;
/// The most threads. Connections beyond them are closed without an answer.
const MAX_THREADS: usize = 4 * MAX_CONNECTIONS;
/// The interval at which the listener checks the stop flags.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits for clients and runs the cases that they request.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    poll: Mutex<Poll>,
    cases: Vec<&'static Case>,
    settings: Settings,
    identity: Option<Identity>,
    http: Http,
}

/// The reason why there is no listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Listening on the address failed.
    Io(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot listen: {error}; port 0 takes any free port"),
        }
    }
}

// The text includes the cause. A `source` would print the cause twice.
impl std::error::Error for BindError {}

/// The reason why [`Listener::serve`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// A client requested `/stopServer`.
    StopRequested,
    /// A client requested reports with `shutdownOnComplete`, and the reports were written.
    Complete,
    /// [`Observer::ends_now`] returned `true`.
    ByObserver,
    /// [`Settings::stop`] was set.
    Interrupted,
}

/// Receives the events of a run, from the threads of the connections.
pub trait Observer: Sync {
    /// Called when a client requested a case.
    fn started(&self, agent: &str, case: &'static Case) {
        let _ = (agent, case);
    }

    /// Called when a client requested a path that is not about cases. Returns `true` if its
    /// commands are executed. Otherwise the connection is closed at once.
    fn takes_commands(&self, path: &str) -> bool {
        let _ = path;
        true
    }

    /// Called when a client failed the TLS handshake.
    fn tls_failed(&self, error: &HandshakeError) {
        let _ = error;
    }

    /// Called when a case is over.
    fn finished(&self, record: Record);

    /// Returns `true` if this case is excluded for this client. The connection is then closed at
    /// once.
    fn skips(&self, agent: &str, case: &'static Case) -> bool {
        let _ = (agent, case);
        false
    }

    /// Called when a client requested `/updateReports`. Returns when the reports are written.
    fn update_reports(&self, agent: &str);

    /// Returns `true` if [`Listener::serve`] ends after the first `/updateReports`, as if each
    /// requested `shutdownOnComplete`.
    fn ends_after_reports(&self) -> bool {
        false
    }

    /// Returns `true` if [`Listener::serve`] ends now. It is called between connections.
    fn ends_now(&self) -> bool {
        false
    }
}

impl Listener {
    /// Listens on an address such as `127.0.0.1:9001` for clients that request these cases.
    pub fn bind(
        address: impl ToSocketAddrs,
        cases: Vec<&'static Case>,
        settings: Settings,
    ) -> Result<Self, BindError> {
        let (listener, poll) = listen(address).map_err(BindError::Io)?;
        Ok(Self {
            listener,
            poll: Mutex::new(poll),
            cases,
            settings,
            identity: None,
            http: Http::One,
        })
    }

    /// Serves all clients over TLS, with this certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Serves all clients over HTTP/2 (RFC 8441), with prior knowledge, or agreed on by ALPN over
    /// TLS. A connection has one stream at a time.
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        self.http = Http::Two;
        self
    }

    /// Returns the address of the listener, which is useful after a bind to port 0.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves clients until a client or [`Settings::stop`] ends it. Each connection has a thread.
    pub fn serve(&self, observer: &impl Observer) -> Ended {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Events::with_capacity(4);
        let front = Front {
            identity: self.identity.as_ref(),
            http: self.http,
        };
        let shared = Shared::new(&self.cases, &self.settings, front, observer);
        let connections = AtomicUsize::new(0);
        thread::scope(|scope| {
            loop {
                if self.settings.stop.is_raised() {
                    shared.end(Ended::Interrupted);
                }
                if observer.ends_now() {
                    shared.end(Ended::ByObserver);
                }
                if let Some(ended) = shared.ended() {
                    return ended;
                }
                // A connection that breaks before it is accepted is not reported.
                let Ok((stream, _)) = self.listener.accept() else {
                    if poll.poll(&mut events, Some(POLL_INTERVAL)).is_err() {
                        thread::sleep(POLL_INTERVAL);
                    }
                    continue;
                };
                let others = connections.fetch_add(1, Ordering::Relaxed);
                let (shared, connections) = (&shared, &connections);
                let serve = move || {
                    shared.serve(stream, others >= MAX_CONNECTIONS);
                    connections.fetch_sub(1, Ordering::Relaxed);
                };
                let thread = thread::Builder::new();
                if others >= MAX_THREADS || thread.spawn_scoped(scope, serve).is_err() {
                    connections.fetch_sub(1, Ordering::Relaxed);
                }
            }
        })
    }
}

fn listen(address: impl ToSocketAddrs) -> io::Result<(TcpListener, Poll)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, Token(0), Interest::READABLE)?;
    Ok((listener, poll))
}
