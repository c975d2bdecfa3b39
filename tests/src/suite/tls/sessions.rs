//! The choice of the protocol, resumption of sessions, and new certificates.

use std::net::{SocketAddr, TcpStream};

use rustls::pki_types::CertificateDer;
use rustls::version::TLS13;
use rustls::{AlertDescription, Connection, HandshakeKind};
use ws_driver::{CloseCode, TlsErrorKind};
use ws_tls::{TlsAcceptor, TlsConnector};

use super::peer::TlsStream;
use super::{
    acceptor, acceptor_with, certificate, echo_server, look, serve, server_kind, tls_acceptor,
    tls_connector, url,
};
use crate::socket;
use crate::steps::echo;
use crate::suite::{Acceptor, Connector, Running, Suite, Ws, server};
use crate::tls::{VERSIONS, certificates, client_config, server_config};

/// The list of the caller is for other uses of its configuration. An end that agreed to HTTP/2
/// would not understand the opening handshake.
pub fn configurations_that_list_h2_negotiate_http_1_1<S: Suite>() {
    let mut client = client_config(&[&TLS13]);
    client.alpn_protocols = vec![b"h2".to_vec()];
    let mut server_side = server_config(&[&TLS13]);
    server_side.alpn_protocols = vec![b"h2".to_vec()];
    let connector = Connector::<S>::new().tls(TlsConnector::from(client));
    let acceptor = Acceptor::<S>::new().tls(TlsAcceptor::from(server_side));
    let (address, running) = server::<S, _, _>(move |stream| async move {
        let mut ws = acceptor.accept(stream).await.expect("the handshake");
        let negotiated = look::<S, _>(&ws, protocol);
        echo(&mut ws).await.map(|()| negotiated)
    });
    let negotiated = S::block_on(async {
        let connected = connector.connect(&url(address)).await;
        let mut ws = connected.expect("the handshake");
        let negotiated = look::<S, _>(&ws, protocol);
        let closed = ws.close(CloseCode::NORMAL, "").await;
        closed.expect("a clean end");
        negotiated
    });
    assert_eq!(negotiated.as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(running.finish().expect("a clean end"), negotiated);
}

fn protocol(session: &Connection) -> Option<Vec<u8>> {
    session.alpn_protocol().map(<[u8]>::to_vec)
}

/// The server sends the alert that RFC 7301 §3.2 requires.
pub fn a_client_that_offers_only_h2_is_refused<S: Suite>() {
    for version in VERSIONS {
        let (address, running) = echo_server::<S>(acceptor::<S>());
        let mut config = client_config(&[version]);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tcp = TcpStream::connect(address).expect("a listener");
        let refused = TlsStream::client(tcp, config).handshake();
        let refused = refused.expect_err("an alert").downcast::<rustls::Error>();
        assert_eq!(
            refused.expect("an alert"),
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
        );
        let served = running.finish();
        assert_eq!(
            server_kind(&served),
            Some(TlsErrorKind::Incompatible),
            "{served:?}"
        );
    }
}

/// An echo server for several connections, one after the other. All of them share `acceptor`.
fn serve_in_turn<S: Suite>(
    acceptor: Acceptor<S>,
    connections: usize,
) -> (SocketAddr, Running<Vec<Option<HandshakeKind>>>) {
    let (listener, address) = socket::listen();
    let running = Running::start(move || {
        let mut kinds = Vec::new();
        for _ in 0..connections {
            let (stream, _) = listener.accept().expect("a client");
            let kind = S::block_on(async {
                let accepted = acceptor.accept(S::adopt(stream)).await;
                let mut ws = accepted.expect("the handshake");
                let kind = look::<S, _>(&ws, |session| session.handshake_kind());
                echo(&mut ws).await.expect("a clean end");
                kind
            });
            kinds.push(kind);
        }
        kinds
    });
    (address, running)
}

/// Sends a message and receives its echo.
async fn exchange<S: Suite>(ws: &mut Ws<S>) {
    ws.send("hello").await.expect("the message is sent");
    let echoed = ws.recv().await.expect("the echo");
    assert_eq!(echoed, Some("hello".into()));
}

/// The tickets of TLS 1.3 arrive after the handshake. The first connection receives them with its
/// first input.
pub fn a_second_connection_of_a_connector_resumes_the_session<S: Suite>() {
    for version in VERSIONS {
        let connector = TlsConnector::from(client_config(&[version]));
        let (address, running) = serve_in_turn::<S>(acceptor::<S>(), 3);
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let connector = Connector::<S>::new().tls(connector.clone());
            let kind = S::block_on(async {
                let connected = connector.connect(&url(address)).await;
                let mut ws = connected.expect("the handshake");
                let kind = look::<S, _>(&ws, |session| session.handshake_kind());
                exchange::<S>(&mut ws).await;
                let closed = ws.close(CloseCode::NORMAL, "").await;
                closed.expect("a clean end");
                kind
            });
            kinds.push(kind);
        }
        let expected = [
            Some(HandshakeKind::Full),
            Some(HandshakeKind::Resumed),
            Some(HandshakeKind::Resumed),
        ];
        assert_eq!(kinds, expected, "{version:?}");
        assert_eq!(running.finish(), expected, "{version:?}");
    }
}

/// Returns the certificate that the server has sent.
fn server_certificate<S: Suite>(ws: &Ws<S>) -> CertificateDer<'static> {
    look::<S, _>(ws, |session| {
        let found = session.peer_certificates();
        found.expect("a certificate")[0].clone().into_owned()
    })
}

/// A connection that is open continues. Later connections receive the new certificate, even if the
/// client could resume a session that began with the old one.
pub fn a_replaced_certificate_is_used_by_later_connections<S: Suite>() {
    let old = certificate(&certificates().server.certificate);
    let renewed = certificates().authority.server();
    let new = certificate(&renewed.certificate);
    let tls = tls_acceptor();
    let acceptor = Acceptor::<S>::new().tls(tls.clone());
    let (listener, address) = socket::listen();
    let served = Running::start(move || {
        let connections = [(); 3].map(|()| {
            let (stream, _) = listener.accept().expect("a client");
            let acceptor = acceptor.clone();
            Running::start(move || {
                S::block_on(async { serve::<S>(acceptor, S::adopt(stream)).await })
            })
        });
        connections.map(|running| running.finish().expect("a clean end"))
    });
    S::block_on(async {
        let same = Connector::<S>::new().tls(tls_connector());
        let connect = async |connector: &Connector<S>| {
            let connected = connector.connect(&url(address)).await;
            let mut ws = connected.expect("the handshake");
            exchange::<S>(&mut ws).await;
            ws
        };
        let mut first = connect(&same).await;
        assert_eq!(server_certificate::<S>(&first), old);
        tls.replace(&acceptor_with(&renewed));
        for connector in [&same, &Connector::<S>::new().tls(tls_connector())] {
            let mut later = connect(connector).await;
            assert_eq!(server_certificate::<S>(&later), new);
            let closed = later.close(CloseCode::NORMAL, "").await;
            closed.expect("a clean end");
        }
        exchange::<S>(&mut first).await;
        let closed = first.close(CloseCode::NORMAL, "").await;
        closed.expect("a clean end");
    });
    let _: [(); 3] = served.finish();
}
