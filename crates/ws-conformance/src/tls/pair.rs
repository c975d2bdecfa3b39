//! TLS connections for tests.

use std::net::{TcpListener, TcpStream};
use std::{fs, thread};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::Connection;
use rustls::pki_types::ServerName;

use std::io::{Read, Write};

use crate::case::Http;

use super::{Identity, TlsStream, Trust};

/// Returns a client and a server that trust each other.
pub(crate) fn connections() -> (Connection, Connection) {
    connections_for(Http::One, Http::One)
}

/// Returns a client and a server that trust each other, for these versions of HTTP.
pub(crate) fn connections_for(of_client: Http, of_server: Http) -> (Connection, Connection) {
    let name = "localhost";
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.into()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&certificate, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    let trust = Trust::only(&certificate).unwrap();
    let identity = Identity::load(&certificate, &key).unwrap();
    let client = trust.connection(ServerName::try_from(name).unwrap(), of_client);
    (client.unwrap(), identity.connection(of_server).unwrap())
}

/// Returns two ends of a TCP connection.
pub(crate) fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Returns TLS over a blocking socket, so that no call fails with `WouldBlock`.
pub(crate) fn blocking(tcp: TcpStream, tls: Connection) -> TlsStream {
    TlsStream::new(Box::new(mio::net::TcpStream::from_std(tcp)), tls)
}

/// Returns a client and a server after the TLS handshake.
pub(crate) fn streams() -> (TlsStream, TlsStream) {
    let (client, server) = connections();
    let (near, far) = sockets();
    let (mut client, mut server) = (blocking(near, client), blocking(far, server));
    thread::scope(|scope| {
        scope.spawn(|| client.shake_hands().unwrap());
        server.shake_hands().unwrap();
    });
    // Session tickets follow the handshake. Unread, they would turn the end into a reset.
    server.write_all(b".").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 1);
    (client, server)
}
