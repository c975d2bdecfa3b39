//! The ways to a server.

use ws_driver::{ConnectPhase, Connector};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Op, Server};

use super::{MILLISECOND, connector, through};

const OPENED: &str = "HTTP/1.1 200 OK\r\n\r\n";
/// The length of the answer to the handshake in place of TLS.
const OK: usize = 3;
/// A reply of SOCKS5 with an IPv4 address.
const REPLY: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 1, 0];

/// A way to a server.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) url: &'static str,
    pub(crate) connector: Connector<Manual>,
    /// The index of the connection that may have a fault.
    connection: usize,
    /// The beginning of the script of this connection.
    server: Server,
    /// Completes the script of the server, and adds the server to the network.
    place: fn(Server),
    /// The phases before the opening handshake on this connection, with the number of bytes that
    /// the client reads in each.
    phases: Vec<(ConnectPhase, usize)>,
}

impl Route {
    fn plain(name: &'static str, place: fn(Server)) -> Self {
        Self {
            name,
            url: "ws://server/",
            connector: connector().redirects(1),
            connection: 0,
            server: Server::new(),
            place,
            phases: Vec::new(),
        }
    }

    fn secure(name: &'static str, place: fn(Server)) -> Self {
        Self {
            url: "wss://server/",
            server: Server::new().hello("server"),
            phases: vec![(ConnectPhase::Tls, OK)],
            ..Self::plain(name, place)
        }
    }

    /// A route through a proxy. `dialogue` is the script of the proxy, from which the client reads
    /// `len` bytes.
    fn proxied(proxy: &'static str, dialogue: Server, len: usize) -> Self {
        Self {
            connector: through(proxy),
            server: dialogue.hello("server"),
            phases: vec![(ConnectPhase::Proxy, len), (ConnectPhase::Tls, OK)],
            ..Self::secure(proxy, |server| place(9, server.upgrade()))
        }
    }

    /// Prepares the network. `adapt` changes the connection that may have a fault.
    pub(crate) fn prepare(&self, adapt: impl FnOnce(Server) -> Server) {
        network::clear();
        for host in ["proxy", "server"] {
            // The first address is silent, so another attempt is running when the second one wins.
            let port = match (host, self.url) {
                ("proxy", _) => 9,
                (_, "ws://server/") => 80,
                _ => 443,
            };
            let text = format!("192.0.2.99:{port} 127.0.0.1:{port}");
            let found = Answer::success(network::addresses(&text));
            network::name(host, found.after(MILLISECOND));
        }
        (self.place)(adapt(self.server.clone().in_pieces(7)));
    }

    /// Takes the operations of the connection that may have a fault.
    pub(crate) fn take_log(&self) -> Vec<Op> {
        network::peers()[self.connection].take_log()
    }

    /// Returns the phase of the operation after `log`.
    pub(crate) fn phase_after(&self, log: &[Op]) -> ConnectPhase {
        let lens = log.iter().map(|op| match op {
            Op::Read { got, .. } => *got,
            _ => 0,
        });
        let mut read: usize = lens.sum();
        for (phase, len) in &self.phases {
            if read < *len {
                return *phase;
            }
            read -= len;
        }
        ConnectPhase::Handshake
    }
}

/// Adds a server that is connected after some time.
fn place(port: u16, server: Server) {
    let answer = Answer::success(server).after(MILLISECOND);
    network::at(&format!("127.0.0.1:{port}"), answer);
}

/// Returns all routes.
pub(crate) fn all() -> Vec<Route> {
    let mut routes = direct();
    routes.extend(proxied());
    routes
}

fn direct() -> Vec<Route> {
    let unix = Route::secure("Unix socket", |server| {
        let answer = Answer::success(server.upgrade()).after(MILLISECOND);
        network::at_path("/run/server", answer);
    });
    let after = Route::plain("after a redirect", |server| {
        place(80, Server::new().redirect("/other"));
        place(80, server.upgrade());
    });
    vec![
        Route::plain("direct", |server| place(80, server.upgrade())),
        Route::secure("direct with TLS", |server| place(443, server.upgrade())),
        Route::plain("before a redirect", |server| {
            place(80, server.redirect("/other"));
            place(80, Server::new().upgrade());
        }),
        Route {
            connection: 1,
            ..after
        },
        Route {
            connector: connector().unix_socket("/run/server"),
            ..unix
        },
    ]
}

fn proxied() -> Vec<Route> {
    let tunnel = Server::new().answer(OPENED);
    let tls_tunnel = Server::new().hello("proxy").answer(OPENED);
    let by_name = Server::new().expect([5, 1, 0]).send([5, 0]);
    let command = b"\x05\x01\x00\x03\x06server\x01\xbb";
    let by_name = by_name.expect(command).send(REPLY);
    let by_address = Server::new().expect([5, 2, 0, 2]).send([5, 2]);
    let by_address = by_address.expect(b"\x01\x01u\x01p").send([1, 0]);
    let command = [5, 1, 0, 1, 192, 0, 2, 99, 1, 187];
    let by_address = by_address.expect(command).send(REPLY);
    vec![
        Route::proxied("http://proxy:9", tunnel, OPENED.len()),
        Route::proxied("https://proxy:9", tls_tunnel, OK + OPENED.len()),
        Route::proxied("socks5h://proxy:9", by_name, 2 + REPLY.len()),
        Route::proxied("socks5://u:p@proxy:9", by_address, 2 + 2 + REPLY.len()),
    ]
}
