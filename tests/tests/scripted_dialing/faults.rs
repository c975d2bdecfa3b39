//! Every way to a server, with a fault at every operation, and dropped at every await.

use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;

use ws_driver::{ConnectError, ConnectPhase, Connector, ProxyErrorKind};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Fault, Manual, Op, Server};

use super::{MILLISECOND, assert_nothing_left, connector, through};

use ConnectPhase::{Handshake, Proxy, Tls};

const OPENED: &str = "HTTP/1.1 200 OK\r\n\r\n";
/// The length of the answer to the handshake in place of TLS.
const OK: usize = 3;

const KINDS: [ErrorKind; 8] = [
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::InvalidData,
    ErrorKind::Other,
    ErrorKind::TimedOut,
    ErrorKind::UnexpectedEof,
    ErrorKind::WouldBlock,
];

/// A way to a server.
struct Route {
    name: &'static str,
    url: &'static str,
    connector: Connector<Manual>,
    /// The script of the connection that has the fault.
    server: Server,
    /// Adds the server to the network.
    place: fn(Server),
    /// The phases of the connection, with the number of bytes that the client reads in each.
    phases: Vec<(ConnectPhase, usize)>,
}

impl Route {
    fn direct(url: &'static str, place: fn(Server)) -> Self {
        let is_secure = url.starts_with("wss");
        let server = Server::new();
        Self {
            name: "direct",
            url,
            connector: connector(),
            server: if is_secure {
                server.hello("server")
            } else {
                server
            },
            place,
            phases: if is_secure { vec![(Tls, OK)] } else { vec![] },
        }
    }

    /// A route through a proxy, whose dialogue is the script `server`.
    fn proxied(proxy: &'static str, dialogue: Server, read: usize) -> Self {
        Self {
            name: proxy,
            url: "wss://server/",
            connector: through(proxy),
            server: dialogue.hello("server"),
            place: |server| place("127.0.0.1:9", server),
            phases: vec![(Proxy, read), (Tls, OK)],
        }
    }

    fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Prepares the network.
    fn prepare(&self, adapt: impl FnOnce(Server) -> Server) {
        network::clear();
        // The first address is silent, so another attempt is running when the second one wins.
        let found = network::addresses("192.0.2.99:9 127.0.0.1:9");
        network::name("proxy", Answer::success(found).after(MILLISECOND));
        let found = network::addresses("192.0.2.99:80 127.0.0.1:80");
        network::name("server", Answer::success(found).after(MILLISECOND));
        (self.place)(adapt(self.server.clone().in_pieces(7)));
    }

    /// Returns the phase of the operation after `log`.
    fn phase_after(&self, log: &[Op]) -> ConnectPhase {
        let mut read = log.iter().map(|op| match op {
            Op::Read { got, .. } => *got,
            _ => 0,
        });
        let mut read = read.by_ref().sum::<usize>();
        for (phase, len) in &self.phases {
            if read < *len {
                return *phase;
            }
            read -= len;
        }
        Handshake
    }
}

/// Adds a server that is connected after some time.
fn place(address: &str, server: Server) {
    network::at(address, Answer::success(server).after(MILLISECOND));
}

fn routes() -> Vec<Route> {
    let at_80 = |server: Server| place("127.0.0.1:80", server.upgrade());
    let at_443 = |server: Server| place("127.0.0.1:443", server.upgrade());
    let tunnel = || Server::new().answer(OPENED);
    let tls_tunnel = Server::new().hello("proxy").answer(OPENED);
    let v4 = [5, 0, 0, 1, 127, 0, 0, 1, 1, 0];
    let by_name = Server::new().expect([5, 1, 0]).send([5, 0]);
    let by_name = by_name
        .expect(b"\x05\x01\x00\x03\x06server\x01\xbb")
        .send(v4);
    let by_address = Server::new().expect([5, 2, 0, 2]).send([5, 2]);
    let by_address = by_address.expect(b"\x01\x01u\x01p").send([1, 0]);
    let by_address = by_address
        .expect([5, 1, 0, 1, 192, 0, 2, 99, 1, 187])
        .send(v4);
    let mut routes = vec![
        Route::direct("ws://server/", at_80),
        Route::direct("wss://127.0.0.1/", at_443).named("direct with TLS"),
        Route::proxied("http://proxy:9", tunnel(), OPENED.len()),
        Route::proxied("https://proxy:9", tls_tunnel, OK + OPENED.len()),
        Route::proxied("socks5h://proxy:9", by_name, 2 + 10),
        Route::proxied("socks5://u:p@proxy:9", by_address, 2 + 2 + 10),
        Route::direct("wss://server/", |server| {
            let answer = Answer::success(server.upgrade()).after(MILLISECOND);
            network::at_path("/run/server", answer);
        })
        .named("Unix socket"),
        Route::direct("ws://server/", |server| {
            place("127.0.0.1:80", server.redirect("/other"));
            place("127.0.0.1:80", Server::new().upgrade());
        })
        .named("before a redirect"),
        Route::direct("ws://server/", |server| {
            place("127.0.0.1:80", Server::new().redirect("/other"));
            place("127.0.0.1:80", server.upgrade());
        })
        .named("after a redirect"),
    ];
    for route in &mut routes {
        let connector = route.connector.clone().redirects(1);
        route.connector = match route.name {
            "Unix socket" => connector.unix_socket("/run/server"),
            _ => connector,
        };
        // The host of this route is an address.
        if route.name == "direct with TLS" {
            route.server = Server::new().hello("127.0.0.1");
        }
        // Each proxied route upgrades after the tunnel.
        if !route.phases.is_empty() && route.phases[0].0 == Proxy {
            route.server = route.server.clone().upgrade();
        }
    }
    routes
}

/// Returns the operations of the connection that may have the fault.
fn log_of(route: &Route) -> Vec<Op> {
    let peers = network::peers();
    let index = usize::from(route.name == "after a redirect");
    peers
        .get(index)
        .map_or_else(Vec::new, |peer| peer.take_log())
}

fn run(route: &Route) -> Result<(), ConnectError> {
    let connecting = async { route.connector.connect(route.url).await.map(drop) };
    let result = exec::run(network::serving(connecting));
    assert_nothing_left();
    result
}

/// Returns the phase of each operation without a fault.
fn phases(route: &Route) -> Vec<ConnectPhase> {
    route.prepare(|server| server);
    run(route).expect(route.name);
    let log = log_of(route);
    assert!(log.len() > 5, "{}", route.name);
    (0..log.len())
        .map(|at| route.phase_after(&log[..at]))
        .collect()
}

/// Returns `true` if the error is that of a transport which failed with `kind` in `phase`.
fn is_failure(error: &ConnectError, phase: ConnectPhase, kind: ErrorKind) -> bool {
    let is_end = kind == ErrorKind::UnexpectedEof;
    match (error, phase) {
        (ConnectError::Proxy(error), Proxy) => match error.kind() {
            ProxyErrorKind::Io(error) => !is_end && error.kind() == kind,
            ProxyErrorKind::Lost => is_end,
            _ => false,
        },
        (ConnectError::Io(error), Tls | Handshake) => !is_end && error.kind() == kind,
        (ConnectError::Lost, Tls | Handshake) => is_end,
        _ => false,
    }
}

#[test]
fn a_failure_of_any_kind_at_any_operation_is_an_error_of_its_phase() {
    for route in routes() {
        for (at, phase) in phases(&route).into_iter().enumerate() {
            for kind in KINDS {
                route.prepare(|server| server.fault(at, Fault::Fail, kind));
                let error = run(&route).expect_err(route.name);
                assert!(
                    is_failure(&error, phase, kind),
                    "{} {at} {phase:?} {kind:?}: {error:?}",
                    route.name
                );
            }
        }
    }
}

#[test]
fn an_operation_that_never_completes_is_a_timeout_of_its_phase() {
    for route in routes() {
        for (at, phase) in phases(&route).into_iter().enumerate() {
            route.prepare(|server| server.fault(at, Fault::Stick, ErrorKind::Other));
            match run(&route) {
                Err(ConnectError::Timeout(reported)) => {
                    assert_eq!(reported, phase, "{} {at}", route.name);
                }
                other => panic!("{} {at}: {other:?}", route.name),
            }
        }
    }
}

#[test]
fn a_short_or_interrupted_operation_changes_nothing() {
    for route in routes() {
        for at in 0..phases(&route).len() {
            for fault in [Fault::Shorten, Fault::Interrupt] {
                route.prepare(|server| server.fault(at, fault, ErrorKind::Other));
                let result = run(&route);
                assert!(result.is_ok(), "{} {at} {fault:?}: {result:?}", route.name);
            }
        }
    }
}

/// Polls `connect` at most `polls` times, and drops it. Returns `true` if it was done before.
fn run_dropping(route: &Route, polls: usize) -> bool {
    let mut connecting = pin!(network::serving(route.connector.connect(route.url)));
    let mut task = Task::new();
    for _ in 0..polls {
        if let Poll::Ready(result) = task.poll(connecting.as_mut()) {
            result.expect(route.name);
            return true;
        }
        // Two attempts, or one transport.
        assert!(network::live() <= 2, "{}", route.name);
        while !task.is_woken() {
            assert!(clock::advance_to_alarm(), "{} hangs", route.name);
        }
    }
    false
}

#[test]
fn a_connect_that_is_dropped_at_any_await_leaves_nothing() {
    for route in routes() {
        for polls in 0.. {
            route.prepare(|server| server);
            let done = run_dropping(&route, polls);
            assert_nothing_left();
            if done {
                assert!(polls > 15, "{}: {polls} polls", route.name);
                break;
            }
        }
    }
}

#[test]
fn a_connect_that_is_dropped_in_a_stuck_operation_leaves_nothing() {
    for route in routes() {
        for at in 0..phases(&route).len() {
            route.prepare(|server| server.fault(at, Fault::Stick, ErrorKind::Other));
            let mut connecting = Box::pin(network::serving(route.connector.connect(route.url)));
            let mut task = Task::new();
            let start = clock::elapsed();
            while clock::elapsed() - start < 5000 * MILLISECOND {
                assert!(task.poll(connecting.as_mut()).is_pending());
                if !task.is_woken() {
                    clock::advance(MILLISECOND * 100);
                }
            }
            assert_eq!(network::live(), 1, "{} {at}", route.name);
            drop(connecting);
            assert_nothing_left();
        }
    }
}
