//! TLS over TCP.
//!
//! The peer of the end under test is another end of this library, or rustls itself, over a blocking
//! stream.

mod certificates;
mod client_certificates;
mod deadlines;
mod descriptors;
mod endings;
mod not_tls;
mod peer;
mod proxied;
mod sessions;
mod stalls;
mod traffic;

pub use certificates::*;
pub use client_certificates::*;
pub use deadlines::*;
#[cfg(target_os = "linux")]
pub(in crate::suite) use descriptors::open_descriptors;
pub use descriptors::*;
pub use endings::*;
pub use not_tls::*;
pub use proxied::*;
pub use sessions::*;
pub use stalls::*;
pub use traffic::*;

use std::future::Future;
use std::net::{SocketAddr, TcpStream};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{Connection, SupportedProtocolVersion};
use socket2::SockRef;
use ws_driver::transport::{AnyTransport, Wrap};
use ws_driver::{AcceptError, Config, ConnectError, TlsErrorKind};
use ws_test_certificates::Identity;
use ws_tls::{TlsAcceptor, TlsConnector, TlsTransport};

use self::peer::TlsStream;
use super::roles::{self, Role};
use super::{Acceptor, Connector, Running, Stream, Suite, Transport, Ws, server};
use crate::fault::Fault;
use crate::socket::{self, RawPeer};
use crate::steps::echo;
use crate::tls::{certificates, client_config, server_config};

/// Returns the TLS of servers with a valid certificate.
fn tls_acceptor() -> TlsAcceptor {
    acceptor_with(&certificates().server)
}

fn acceptor_with(identity: &Identity) -> TlsAcceptor {
    let Identity { certificate, key } = identity;
    TlsAcceptor::from_pem(certificate.clone(), key.clone()).expect("a certificate and its key")
}

/// Returns the TLS of clients that trust the authority.
fn tls_connector() -> TlsConnector {
    let roots = certificates().authority.certificate();
    let builder = TlsConnector::builder().roots_pem(roots);
    builder.build().expect("the certificate of an authority")
}

/// Returns the first certificate in a PEM text.
fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

/// Returns a connector for `wss://` URLs that trusts the authority.
pub(in crate::suite) fn connector<S: Suite>() -> Connector<S> {
    Connector::<S>::new().tls(tls_connector())
}

/// Returns an acceptor that uses TLS with a valid certificate.
pub(in crate::suite) fn acceptor<S: Suite>() -> Acceptor<S> {
    Acceptor::<S>::new().tls(tls_acceptor())
}

/// Returns the URL of a server on this machine. Its certificate is valid for this name.
pub(in crate::suite) fn url(address: SocketAddr) -> String {
    format!("wss://localhost:{}/", address.port())
}

/// Passes the TLS session of a connection to `look`.
fn look<S: Suite, R>(ws: &Ws<S>, look: impl FnOnce(&Connection) -> R) -> R {
    look_below::<S, R>(ws.get_ref().expect("an open connection"), |tls| {
        look(tls.session())
    })
}

/// Passes the TLS session of a transport to `look`.
fn look_below<S: Suite, R>(
    transport: &Transport<S>,
    look: impl FnOnce(&TlsTransport<Transport<S>>) -> R,
) -> R {
    let tls = transport.downcast_ref::<TlsTransport<Transport<S>>>();
    look(&tls.expect("a transport over TLS"))
}

/// Starts an echo server for one connection.
fn echo_server<S: Suite>(acceptor: Acceptor<S>) -> (SocketAddr, Running<Result<(), Fault>>) {
    server::<S, _, _>(|stream| serve::<S>(acceptor, stream))
}

async fn serve<S: Suite>(acceptor: Acceptor<S>, stream: Stream<S>) -> Result<(), Fault> {
    let mut ws = acceptor.accept(stream).await?;
    Ok(echo(&mut ws).await?)
}

/// Starts a client that connects and then receives until the end. Returns the stream of the server
/// to which the client has opened a TCP connection.
fn calling<S: Suite>(connector: Connector<S>) -> (TcpStream, Running<Result<(), Fault>>) {
    let (listener, address) = socket::listen();
    let running = Running::start(move || S::block_on(call::<S>(connector, url(address))));
    let (stream, _) = listener.accept().expect("a client");
    socket::configure(&stream);
    (stream, running)
}

async fn call<S: Suite>(connector: Connector<S>, url: String) -> Result<(), Fault> {
    let mut ws = connector.connect(&url).await?;
    while ws.recv().await?.is_some() {}
    Ok(())
}

/// Runs a client and an echo server until one of them fails. Returns both results.
fn meet<S: Suite>(
    connector: Connector<S>,
    acceptor: Acceptor<S>,
) -> (Result<(), Fault>, Result<(), Fault>) {
    let (address, served) = echo_server::<S>(acceptor);
    let called = S::block_on(call::<S>(connector, url(address)));
    (called, served.finish())
}

/// Returns the kind of an error of TLS of a client, which may be reported after the opening
/// handshake.
fn client_kind(called: &Result<(), Fault>) -> Option<TlsErrorKind> {
    match called {
        Err(Fault::Connect(ConnectError::Tls(error))) => Some(error.kind()),
        Err(Fault::Connection(ws_driver::Error::Io(error))) => {
            let error = error.get_ref()?.downcast_ref::<ws_driver::TlsError>()?;
            Some(error.kind())
        }
        _ => None,
    }
}

/// Returns the kind of an error of TLS of a server.
fn server_kind(served: &Result<(), Fault>) -> Option<TlsErrorKind> {
    match served {
        Err(Fault::Accept(AcceptError::Tls(error))) => Some(error.kind()),
        _ => None,
    }
}

/// The settings of a connection between an end under test and a peer that uses rustls directly.
struct Setup {
    config: Config,
    /// The size of the buffers of both sockets in both directions. Default buffers can grow to
    /// megabytes.
    buffers: Option<usize>,
    version: &'static SupportedProtocolVersion,
}

impl Setup {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        Self {
            config: Config::default(),
            buffers: None,
            version,
        }
    }
}

/// Opens a connection in `role` and starts `act` with the connection. Returns the peer.
fn open<S, R, F>(
    role: Role,
    setup: Setup,
    act: impl FnOnce(Ws<S>) -> F + Send + 'static,
) -> (RawPeer<TlsStream>, Running<R>)
where
    S: Suite,
    R: Send + 'static,
    F: Future<Output = R>,
{
    let Setup {
        config,
        buffers,
        version,
    } = setup;
    let (listener, address) = socket::listen();
    // Accepted sockets inherit the buffer sizes of the listener.
    roles::limit(SockRef::from(&listener), buffers);
    match role {
        Role::Server => {
            let running = Running::start(move || {
                let (stream, _) = listener.accept().expect("a client");
                S::block_on(async move {
                    let acceptor = acceptor::<S>().config(config);
                    let accepted = acceptor.accept(S::adopt(stream)).await;
                    act(accepted.expect("the handshake")).await
                })
            });
            let tcp = roles::connect(address, buffers);
            let peer = RawPeer::request_over(TlsStream::client(tcp, client_config(&[version])));
            (peer, running)
        }
        Role::Client => {
            let running = Running::start(move || {
                let stream = roles::connect(address, buffers);
                S::block_on(async move {
                    let tcp = S::Runtime::wrap(S::adopt(stream));
                    let tls = tls_connector().connect("localhost", tcp).await;
                    let tls = AnyTransport::new(tls.expect("the TLS handshake"));
                    let connector = Connector::<S>::new().config(config);
                    let opened = connector.handshake_on("wss://localhost/", tls);
                    act(opened.await.expect("the handshake")).await
                })
            });
            let (tcp, _) = listener.accept().expect("a client");
            let peer = RawPeer::answer_over(TlsStream::server(tcp, server_config(&[version])));
            (peer, running)
        }
    }
}
