//! Reaching a server over the scripted network: addresses, deadlines, proxies, redirects, Unix
//! sockets, and faults at every operation.

mod deadlines;
mod faults;
mod http_proxies;
mod race;
mod redirects;
mod refusals;
mod routes;
mod socks_proxies;

use std::io;
use std::time::Duration;

use ws_driver::{ConnectError, Connector, ProxyError, ProxyErrorKind};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Hello, Manual, Server};
use ws_tests::steps::timed;
use ws_tests::{clock, exec};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns a connector with [`Hello`] in place of TLS.
fn connector() -> Connector<Manual> {
    Connector::new().tls(Hello)
}

/// Returns a connector through a proxy.
fn through(proxy: &str) -> Connector<Manual> {
    let proxy = ws_driver::handshake::Proxy::parse(proxy).expect("the URL of a proxy");
    connector().proxy(proxy)
}

/// Connects and drops the connection. Returns the result, and the virtual time that has passed.
///
/// Asserts that no lookup, attempt, transport or timer of the client is left.
fn connect(connector: &Connector<Manual>, url: &str) -> (Result<(), ConnectError>, Duration) {
    let connecting = async { connector.connect(url).await.map(drop) };
    let (result, time) = timed(|| exec::run(network::serving(connecting)));
    assert_nothing_left();
    (result, time)
}

/// Connects. Returns the error, and the virtual time that has passed.
fn fail(connector: &Connector<Manual>, url: &str) -> (ConnectError, Duration) {
    let (result, time) = connect(connector, url);
    (result.expect_err("no connection"), time)
}

/// Connects. Returns the error of the proxy.
fn fail_at_proxy(connector: &Connector<Manual>, url: &str) -> Box<ProxyError> {
    match fail(connector, url).0 {
        ConnectError::Proxy(error) => error,
        other => panic!("{other:?}"),
    }
}

fn assert_nothing_left() {
    assert_eq!(network::live(), 0, "the client has dropped everything");
    assert_eq!(clock::timers(), network::timers(), "timers are left");
}

/// Adds a server that answers at once.
fn serve(address: &str, server: Server) {
    network::at(address, Answer::success(server));
}

/// Returns the texts of an error and of its sources.
fn texts(error: &dyn std::error::Error) -> String {
    let mut texts = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        texts += &format!(" {error} {error:?}");
        source = error.source();
    }
    texts
}

/// Returns the kind of the transport's error.
fn io_kind(error: &ProxyErrorKind) -> Option<io::ErrorKind> {
    match error {
        ProxyErrorKind::Io(error) => Some(error.kind()),
        _ => None,
    }
}
