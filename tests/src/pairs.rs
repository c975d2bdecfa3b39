//! Both ends of one connection, each over a separate scripted transport.

use ws_driver::{Acceptor, Config, Connector};

use crate::exec;
use crate::scripted::{self, End, Manual, Peer, Ws};

/// One end of a connection, and the peer at the other end of its scripted transport.
pub type Place = (Ws, Peer);

/// Returns the two ends of a connection with compression. The first is the end that `end` names,
/// with the configuration `ours`. The second is the other end, with the configuration `theirs`. The
/// test must move the data between the two transports.
///
/// # Panics
///
/// If the two ends do not agree on compression.
#[must_use]
pub fn compressing(end: End, ours: &Config, theirs: &Config) -> (Place, Place) {
    let (client_config, server_config) = match end {
        End::Client => (ours, theirs),
        End::Server => (theirs, ours),
    };
    let (at_server, server_peer) = scripted::pair();
    let (at_client, client_peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().config(server_config.clone());
    let connector = Connector::<Manual>::new().config(client_config.clone());
    let handshake = connector.handshake_on("ws://server.example.com/", at_client);
    let mut server = None;
    let client = scripted::answered(handshake, &client_peer, |request| {
        server_peer.push(request.as_bytes());
        server = Some(exec::run(acceptor.accept_on(at_server)).expect("the handshake"));
        server_peer.take_output()
    })
    .expect("the handshake");
    let server = server.expect("a request");
    assert_eq!(client.extensions(), server.extensions());
    assert_eq!(client.extensions().len(), 1, "{:?}", client.extensions());
    let (client, server) = ((client, client_peer), (server, server_peer));
    match end {
        End::Client => (client, server),
        End::Server => (server, client),
    }
}
