//! The road to the server, on real sockets: addresses, socket options, Unix sockets, proxies and
//! redirects.

mod addresses;
mod injection;
mod proxies;
mod proxy_failures;
mod redirects;

pub use addresses::*;
pub use injection::*;
pub use proxies::*;
pub use proxy_failures::*;
pub use redirects::*;

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod http_server;
#[cfg(target_os = "linux")]
pub use descriptors::*;

#[cfg(unix)]
mod options;
#[cfg(unix)]
mod unix;

/// The tests that need Unix.
#[cfg(unix)]
pub mod on_unix {
    pub use super::options::*;
    pub use super::unix::*;
}

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};
use ws_driver::{CloseCode, Message};
use ws_tls::{TlsAcceptor, TlsConnector};

use super::{Acceptor, Connector, Running, Suite, Ws, server};
use crate::fault::Fault;
use crate::steps::echo;
use crate::tls::certificates;

/// A port at which no program listens, while this value exists.
struct Refusing {
    _socket: Socket,
    address: SocketAddr,
}

impl Refusing {
    fn new() -> Self {
        // A bound socket that does not listen keeps others from the port.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("the address of the socket");
        Self {
            address: address.as_socket().expect("an address of TCP"),
            _socket: socket,
        }
    }
}

/// Returns an acceptor, with TLS for `wss`.
fn acceptor<S: Suite>(scheme: &str) -> Acceptor<S> {
    let acceptor = Acceptor::<S>::new();
    if scheme != "wss" {
        return acceptor;
    }
    let identity = certificates().server.clone();
    let tls = TlsAcceptor::from_pem(identity.certificate, identity.key);
    acceptor.tls(tls.expect("a certificate and its key"))
}

/// Returns a connector that trusts the authority of the tests.
fn connector<S: Suite>() -> Connector<S> {
    let roots = certificates().authority.certificate();
    let tls = TlsConnector::builder().roots_pem(roots).build();
    Connector::<S>::new().tls(tls.expect("the certificate of an authority"))
}

/// Starts an echo server for one connection.
fn echo_server<S: Suite>(scheme: &'static str) -> (SocketAddr, Running<Result<(), Fault>>) {
    server::<S, _, _>(move |stream| async move {
        let mut ws = acceptor::<S>(scheme).accept(stream).await?;
        Ok(echo(&mut ws).await?)
    })
}

/// Sends a message of 100,000 bytes, receives it again, and closes the connection.
async fn assert_echoes<S: Suite>(ws: &mut Ws<S>) {
    let message = vec![7; 100_000];
    ws.send(&message).await.expect("the server reads");
    let echoed = ws.recv().await.expect("an echo");
    assert!(echoed.is_some_and(|echoed| echoed == Message::Binary(message.into())));
    ws.close(CloseCode::NORMAL, "").await.expect("a Close");
}

/// Asserts that no client has connected.
fn assert_unused(listener: &TcpListener) {
    listener.set_nonblocking(true).expect("the flag is set");
    let accepted = listener.accept().map(|(_, address)| address);
    let kind = accepted.expect_err("no client").kind();
    assert_eq!(kind, std::io::ErrorKind::WouldBlock);
}
