//! Tests clients: the suite is the server.

mod commands;
mod connection;
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

use connection::Shared;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use crate::case::Case;
use crate::record::Record;
use crate::settings::Settings;
use crate::tls::{HandshakeError, Identity};

/// More connections than this at a time are refused.
const MAX_CONNECTIONS: usize = 256;
/// Beyond this, they are not even told why.
const MAX_THREADS: usize = 4 * MAX_CONNECTIONS;
/// How often the listener looks up from its socket.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits for clients and runs the cases that they ask for.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    poll: Mutex<Poll>,
    cases: Vec<&'static Case>,
    settings: Settings,
    identity: Option<Identity>,
}

/// Why there is no listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be listened on.
    Io(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot listen: {error}; port 0 takes any free port"),
        }
    }
}

// Its text says what the cause is: `source` would make people read that twice.
impl std::error::Error for BindError {}

/// Why [`Listener::serve`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// A client asked for `/stopServer`.
    StopRequested,
    /// A client asked for reports with `shutdownOnComplete`, and they were written.
    Complete,
    /// [`Settings::stop`] was raised.
    Interrupted,
}

/// Told what happens, from the threads of the connections.
pub trait Observer: Sync {
    /// A client asked for a case.
    fn started(&self, agent: &str, case: &'static Case) {
        let _ = (agent, case);
    }

    /// A client did not come to speak TLS.
    fn tls_failed(&self, error: &HandshakeError) {
        let _ = error;
    }

    /// A case is over.
    fn finished(&self, record: Record);

    /// Whether this client is not to get this case: then its connection is closed at once.
    fn skips(&self, agent: &str, case: &'static Case) -> bool {
        let _ = (agent, case);
        false
    }

    /// A client asked for `/updateReports`: returns when they are written.
    fn update_reports(&self, agent: &str);

    /// Whether [`Listener::serve`] ends after the first `/updateReports`, as if each asked for
    /// `shutdownOnComplete`.
    fn ends_after_reports(&self) -> bool {
        false
    }
}

impl Listener {
    /// Listens on an address such as `127.0.0.1:9001` for clients that want these cases.
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
        })
    }

    /// Speaks TLS with all clients, and shows them this certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Where it listens: useful after a bind to port 0.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves clients until one of them, or [`Settings::stop`], ends it. Each connection has a
    /// thread.
    pub fn serve(&self, observer: &impl Observer) -> Ended {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Events::with_capacity(4);
        let identity = self.identity.as_ref();
        let shared = Shared::new(&self.cases, &self.settings, identity, observer);
        let connections = AtomicUsize::new(0);
        thread::scope(|scope| {
            loop {
                if self.settings.stop.is_raised() {
                    shared.end(Ended::Interrupted);
                }
                if let Some(ended) = shared.ended() {
                    return ended;
                }
                // A connection that breaks before it is accepted is no event.
                let Ok((stream, _)) = self.listener.accept() else {
                    if poll.poll(&mut events, Some(GLANCE)).is_err() {
                        thread::sleep(GLANCE);
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
