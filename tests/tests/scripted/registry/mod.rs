//! The registry of a server: admission, counts, age, and shutdown.

mod admission;
mod age;
mod budget;
mod pace;
mod report;
mod waits;

use std::time::Duration;

use ws_driver::{CloseCode, Config, Registry, Shutdown};
use ws_tests::exec;
use ws_tests::http;
use ws_tests::scripted::{self, Manual, Peer, Ws};
use ws_tests::wire::From;

type Acceptor = ws_driver::Acceptor<Manual>;

/// The timeout of the shutdowns. Shorter than all timeouts of a connection.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Accepts a connection of the registry.
fn open(registry: &Registry<Manual>, config: &Config) -> (Ws, Peer) {
    open_with(registry, config, &[])
}

/// Accepts a connection of the registry, whose request has these headers.
fn open_with(registry: &Registry<Manual>, config: &Config, headers: &[&str]) -> (Ws, Peer) {
    let (transport, peer) = scripted::pair();
    peer.push(http::request_with(headers));
    let acceptor = Acceptor::new().config(config.clone()).registry(registry);
    let ws = exec::run(acceptor.accept_on(transport)).expect("the handshake");
    let output = peer.take_output();
    assert!(output.starts_with(b"HTTP/1.1 101 "));
    (ws, peer)
}

fn shutdown(registry: &Registry<Manual>) -> Shutdown<Manual> {
    registry.shutdown(CloseCode::GOING_AWAY, "restart", TIMEOUT)
}

/// Returns the Close with which the peer answers.
fn answer() -> Vec<u8> {
    From::Client.close(1001, "")
}
