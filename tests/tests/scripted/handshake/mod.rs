//! The opening handshake in memory: its timeout, the decision of the application, refusals, and
//! faults of the transport.

mod client;
mod plain;
mod refusals;
mod server;

use std::time::Duration;

use ws_driver::{AcceptError, Acceptor, Config, ConnectError, Connector, Error};
use ws_tests::exec;
use ws_tests::http;
use ws_tests::scripted::{self, Manual};
use ws_tests::wire::From;

const SECOND: Duration = Duration::from_secs(1);

/// TLS reports an unexpected end if the peer ends TCP without a `close_notify` alert.
#[test]
fn an_unexpected_end_is_a_loss() {
    let (transport, peer) = scripted::pair();
    peer.push(&http::request()[..40]);
    peer.cut();
    let result = exec::run(Acceptor::<Manual>::new().accept(transport));
    assert!(matches!(result, Err(AcceptError::Lost)), "{result:?}");
    let (transport, peer) = scripted::pair();
    peer.cut();
    let connector = Connector::<Manual>::new();
    let result = exec::run(connector.handshake("ws://h/", transport));
    assert!(matches!(result, Err(ConnectError::Lost)), "{result:?}");
}

/// The order of `max_message` and `config` does not matter.
#[test]
fn max_message_and_config_commute() {
    let config = || Config::default().max_message(1000);
    let acceptor = Acceptor::<Manual>::new;
    let connector = Connector::<Manual>::new;
    for acceptor in [
        acceptor().config(config()).max_message(5),
        acceptor().max_message(5).config(config()),
    ] {
        let (transport, peer) = scripted::pair();
        peer.push([http::request(), From::Client.text("123456")].concat());
        let mut ws = exec::run(acceptor.accept(transport)).unwrap();
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    }
    for connector in [
        connector().config(config()).max_message(5),
        connector().max_message(5).config(config()),
    ] {
        let (transport, peer) = scripted::pair();
        let handshake = connector.handshake("ws://h/", transport);
        let mut ws = scripted::answered(handshake, &peer, |request| {
            [http::switching(request), From::Server.text("123456")].concat()
        })
        .unwrap();
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    }
}
