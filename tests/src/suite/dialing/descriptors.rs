//! The descriptors of connection attempts that succeed, fail or are dropped, on every way to a
//! server.

use std::future::{Future, poll_fn};
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use ws_driver::ConnectError;
use ws_driver::handshake::RedirectError;

use super::http_server::{HttpServer, MOVED, MOVED_TO_ITSELF, MOVED_TO_REFUSED, REFUSED};
use super::proxies::url;
use super::unix::SocketPath;
use super::*;
use crate::proxy::{Deed, Plan, Protocol, Proxy};
use crate::socket::{self, TOO_LONG};
use crate::suite::tls::open_descriptors;

/// The number of attempts for each way and each end.
const ATTEMPTS: usize = 100;

/// The number of polls after which an attempt must have completed. Usual attempts need 3 to 6.
const MOST_POLLS: usize = 1000;

/// A way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    /// The first address of the server refuses.
    Addresses,
    /// A proxy with this scheme and this protocol.
    Proxy(&'static str, Protocol),
    Redirect,
    UnixSocket,
}

const WAYS: [Way; 8] = [
    Way::Direct,
    Way::Addresses,
    Way::Proxy("http", Protocol::Http),
    Way::Proxy("https", Protocol::Https),
    Way::Proxy("socks5", Protocol::Socks5),
    Way::Proxy("socks5h", Protocol::Socks5),
    Way::Redirect,
    Way::UnixSocket,
];

/// The end of some attempts.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Each attempt succeeds, and the connection is dropped.
    Succeeds,
    /// Each attempt fails, in turn at the server and on the way to it.
    Fails,
    /// The future is dropped after 1 poll, after 2 polls, and so on until one completes. Then the
    /// number begins at 1 again.
    IsDropped,
}

/// The expected result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Connection,
    /// The server refuses the request.
    Refusal,
    /// The server is not reached.
    Obstacle,
}

/// The servers of one way.
struct Servers {
    way: Way,
    tcp: HttpServer,
    address: SocketAddr,
    unix: HttpServer,
    path: SocketPath,
    missing: SocketPath,
    proxy: Option<Proxy>,
    refusing: Refusing,
}

impl Servers {
    fn start(way: Way) -> Self {
        let (listener, address) = socket::listen();
        let path = SocketPath::new();
        let unix = UnixListener::bind(path.get()).expect("a path");
        let proxy = match way {
            Way::Proxy(_, protocol) => Some(Proxy::start(Plan {
                protocol,
                credentials: Some(("alice", "s3cret")),
                deed: Deed::Relay,
            })),
            _ => None,
        };
        Self {
            way,
            tcp: HttpServer::on_tcp(listener),
            address,
            unix: HttpServer::on_unix(unix),
            path,
            missing: SocketPath::new(),
            proxy,
            refusing: Refusing::new(),
        }
    }

    /// Stops the servers once their last connections have ended.
    fn stop(self) {
        // The proxy may be connected to the server.
        drop(self.proxy.map(Proxy::stop));
        self.tcp.stop();
        self.unix.stop();
    }

    fn connector<S: Suite>(&self, goal: Goal) -> Connector<S> {
        let is_blocked = goal == Goal::Obstacle;
        let mut connector = connector::<S>();
        let mut addresses = Vec::new();
        match self.way {
            Way::Direct => {}
            Way::Addresses => addresses.push(self.refusing.address),
            Way::Proxy(scheme, _) => {
                let password = if is_blocked { "wrong" } else { "s3cret" };
                let proxy = self.proxy.as_ref().expect("a proxy for this way");
                let url = url(scheme, &format!("alice:{password}@"), proxy.address);
                connector = connector.proxy(url);
            }
            Way::Redirect => connector = connector.redirects(1),
            Way::UnixSocket => {
                let path = if is_blocked {
                    &self.missing
                } else {
                    &self.path
                };
                connector = connector.unix_socket(path.get());
            }
        }
        connector.resolver(move |_, port| {
            let mut addresses = addresses.clone();
            addresses.push(SocketAddr::from(([127, 0, 0, 1], port)));
            async move { Ok(addresses) }
        })
    }

    fn url(&self, goal: Goal) -> String {
        let address = match (self.way, goal) {
            (Way::Direct | Way::Addresses, Goal::Obstacle) => self.refusing.address,
            _ => self.address,
        };
        let path = match (self.way, goal) {
            (Way::Redirect, Goal::Connection) => MOVED,
            (Way::Redirect, Goal::Refusal) => MOVED_TO_REFUSED,
            (Way::Redirect, Goal::Obstacle) => MOVED_TO_ITSELF,
            (_, Goal::Refusal) => REFUSED,
            _ => "/",
        };
        format!("ws://server.test:{}{path}", address.port())
    }

    /// Asserts that the attempt had the expected result. Drops the connection.
    fn check<S: Suite>(&self, goal: Goal, result: Result<Ws<S>, ConnectError>) {
        let is_expected = match (goal, self.way, &result) {
            (Goal::Connection, _, result) => result.is_ok(),
            (Goal::Refusal, _, Err(error)) => error
                .response()
                .is_some_and(|response| response.status() == 403),
            (Goal::Obstacle, way, Err(error)) => match way {
                Way::Direct | Way::Addresses => matches!(error, ConnectError::Unreachable(_)),
                Way::Proxy(..) => matches!(error, ConnectError::Proxy(_)),
                Way::Redirect => {
                    matches!(error, ConnectError::Redirect(RedirectError::TooMany))
                }
                Way::UnixSocket => matches!(error, ConnectError::UnixSocket(_)),
            },
            (Goal::Refusal | Goal::Obstacle, _, Ok(_)) => false,
        };
        assert!(is_expected, "{:?} {goal:?}: {result:?}", self.way);
    }

    async fn attempt<S: Suite>(&self, goals: [Goal; 2], attempts: usize) {
        let goals = goals.map(|goal| (goal, self.connector::<S>(goal), self.url(goal)));
        for (goal, connector, url) in goals.iter().cycle().take(attempts) {
            let result = connector.connect(&**url).await;
            self.check::<S>(*goal, result);
        }
    }

    async fn drop_attempts<S: Suite>(&self, attempts: usize) {
        let goal = Goal::Connection;
        let connector = self.connector::<S>(goal);
        let url = self.url(goal);
        let (mut polls, mut started, mut completed) = (1, 0, 0);
        while started < attempts || completed == 0 {
            started += 1;
            if let Some(result) = poll_times(connector.connect(&*url), polls).await {
                self.check::<S>(goal, result);
                completed += 1;
                polls = 1;
            } else {
                polls += 1;
                assert!(polls < MOST_POLLS, "{:?}: no attempt completes", self.way);
            }
        }
    }
}

/// Polls a future at most this number of times. Drops it then.
async fn poll_times<F: Future>(future: F, max: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls >= max => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Starts servers, makes attempts one after the other, and stops the servers.
async fn run<S: Suite>(way: Way, end: End, attempts: usize) {
    let servers = Servers::start(way);
    match end {
        End::Succeeds => {
            let goals = [Goal::Connection, Goal::Connection];
            servers.attempt::<S>(goals, attempts).await;
        }
        End::Fails => {
            let goals = [Goal::Refusal, Goal::Obstacle];
            servers.attempt::<S>(goals, attempts).await;
        }
        End::IsDropped => servers.drop_attempts::<S>(attempts).await,
    }
    servers.stop();
}

/// The runtime runs while the descriptors are counted, because its end could close some.
///
/// No other test may run in the process at the same time, because it would open descriptors.
///
/// # Panics
///
/// If the test fails.
pub fn no_descriptor_of_an_attempt_remains<S: Suite>() {
    S::block_on(async {
        for way in WAYS {
            for end in [End::Succeeds, End::Fails, End::IsDropped] {
                // The runtime keeps the descriptors that it opens at the first use.
                run::<S>(way, end, 2).await;
                let before = open_descriptors();
                run::<S>(way, end, ATTEMPTS).await;
                // A background thread of a runtime may close a descriptor a moment later.
                let start = Instant::now();
                while open_descriptors() != before {
                    let now = open_descriptors();
                    assert!(
                        start.elapsed() < TOO_LONG,
                        "{way:?} {end:?}: {now} descriptors, {before} before"
                    );
                    S::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    });
}
