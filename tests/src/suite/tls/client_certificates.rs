//! Servers that demand certificates of clients (mutual TLS).

use rustls::Connection;
use rustls::pki_types::CertificateDer;
use rustls::version::TLS12;
use ws_driver::{CloseCode, TlsErrorKind};
use ws_test_certificates::Identity;
use ws_tls::{TlsAcceptor, TlsConnector};

use super::{certificate, client_kind, connector, look, look_below, meet, server_kind, url};
use crate::steps::echo;
use crate::suite::{Acceptor, Connector, Suite, server};
use crate::tls::{certificates, client_config};

/// Returns an acceptor that demands certificates of the authority.
fn demanding<S: Suite>() -> Acceptor<S> {
    let certificates = certificates();
    let Identity { certificate, key } = certificates.server.clone();
    let builder = TlsAcceptor::builder(certificate, key);
    let builder = builder.client_roots_pem(certificates.authority.certificate());
    Acceptor::<S>::new().tls(builder.build().expect("certificates"))
}

/// Returns a connector that sends the certificate of `identity` if the server demands one.
fn identified<S: Suite>(identity: &Identity) -> Connector<S> {
    let builder = TlsConnector::builder()
        .roots_pem(certificates().authority.certificate())
        .identity_pem(identity.certificate.clone(), identity.key.clone());
    Connector::<S>::new().tls(builder.build().expect("certificates"))
}

/// In TLS 1.3, the handshake of the client is complete before the server has checked the
/// certificate. The client then learns it from the response or from the first message.
pub fn both_ends_report_a_missing_client_certificate<S: Suite>() {
    let (called, served) = meet::<S>(connector::<S>(), demanding::<S>());
    let required = Some(TlsErrorKind::CertificateRequired);
    assert_eq!(client_kind(&called), required, "{called:?}");
    assert_eq!(server_kind(&served), required, "{served:?}");
}

/// In TLS 1.2, the server checks the certificate before the handshake of the client is complete.
pub fn both_ends_report_a_missing_client_certificate_in_tls_1_2<S: Suite>() {
    let tls = TlsConnector::from(client_config(&[&TLS12]));
    let (called, served) = meet::<S>(Connector::<S>::new().tls(tls), demanding::<S>());
    let required = Some(TlsErrorKind::CertificateRequired);
    assert_eq!(client_kind(&called), required, "{called:?}");
    assert_eq!(server_kind(&served), required, "{served:?}");
}

/// The authority of the certificate is one that the server does not trust.
pub fn both_ends_report_a_client_certificate_of_another_authority<S: Suite>() {
    let foreign = certificates().stranger.client();
    let (called, served) = meet::<S>(identified::<S>(&foreign), demanding::<S>());
    assert_eq!(
        client_kind(&called),
        Some(TlsErrorKind::CertificateRefused),
        "{called:?}"
    );
    assert_eq!(
        server_kind(&served),
        Some(TlsErrorKind::CertificateUnknownIssuer),
        "{served:?}"
    );
}

/// The transport of the connection returns the certificates of the peer, at both ends. A server can
/// read them before it decides about the request.
pub fn an_accepted_client_certificate_is_visible<S: Suite>() {
    let acceptor = demanding::<S>();
    let (address, running) = server::<S, _, _>(|stream| async move {
        let offer = acceptor.read(stream).await.expect("a request");
        let offered = look_below::<S, _>(offer.get_ref(), |tls| {
            assert_eq!(tls.server_name(), Some("localhost"));
            peer_certificates(tls.session())
        });
        let mut ws = offer.accept().await.expect("the handshake");
        assert_eq!(look::<S, _>(&ws, peer_certificates), offered);
        echo(&mut ws).await.map(|()| offered)
    });
    let client = &certificates().client;
    let found = S::block_on(async {
        let connected = identified::<S>(client).connect(&url(address)).await;
        let mut ws = connected.expect("the handshake");
        let found = look::<S, _>(&ws, peer_certificates);
        let closed = ws.close(CloseCode::NORMAL, "").await;
        closed.expect("a clean end");
        found
    });
    assert_eq!(found, [certificate(&certificates().server.certificate)]);
    let found = running.finish().expect("a clean end");
    assert_eq!(found, [certificate(&client.certificate)]);
}

fn peer_certificates(session: &Connection) -> Vec<CertificateDer<'static>> {
    let found = session.peer_certificates().expect("a certificate");
    found
        .iter()
        .map(|found| found.clone().into_owned())
        .collect()
}
