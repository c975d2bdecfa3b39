//! Certificates of servers that a client must refuse.

use ws_driver::{AcceptError, ConnectError, TlsErrorKind};
use ws_test_certificates::Fault as CertificateFault;
use ws_tls::TlsConnector;

use super::{acceptor_with, client_kind, connector, meet, server_kind};
use crate::fault::Fault;
use crate::suite::{Acceptor, Connector, Suite};
use crate::tls::{VERSIONS, certificates, client_config};

/// The client reports the fault of the certificate. The server has received an alert, so it reports
/// that its certificate was refused. A later attempt would fail again, so neither error counts as a
/// disconnect.
pub fn a_faulty_certificate_is_reported_by_both_ends<S: Suite>() {
    let certificates = certificates();
    let mut faulty: Vec<_> = CertificateFault::ALL
        .into_iter()
        .map(|fault| {
            let kind = match fault {
                CertificateFault::Expired => TlsErrorKind::CertificateExpired,
                CertificateFault::NotYetValid => TlsErrorKind::CertificateNotYetValid,
                CertificateFault::WrongName => TlsErrorKind::CertificateWrongName,
            };
            (certificates.authority.faulty_server(fault), kind)
        })
        .collect();
    faulty.push((
        certificates.stranger.server(),
        TlsErrorKind::CertificateUnknownIssuer,
    ));
    for (identity, kind) in faulty {
        for version in VERSIONS {
            let case = format!("{kind:?}, {version:?}");
            let connector = TlsConnector::from(client_config(&[version]));
            let (called, served) = meet::<S>(
                Connector::<S>::new().tls(connector),
                Acceptor::<S>::new().tls(acceptor_with(&identity)),
            );
            match called {
                Err(Fault::Connect(ref error @ ConnectError::Tls(ref tls))) => {
                    assert_eq!(tls.kind(), kind, "{case}: {called:?}");
                    assert!(!error.is_disconnect() && !error.is_timeout(), "{case}");
                }
                called => panic!("{case}: {called:?}"),
            }
            match served {
                Err(Fault::Accept(ref error @ AcceptError::Tls(ref tls))) => {
                    let refused = TlsErrorKind::CertificateRefused;
                    assert_eq!(tls.kind(), refused, "{case}: {served:?}");
                    assert!(!error.is_disconnect() && !error.is_timeout(), "{case}");
                }
                served => panic!("{case}: {served:?}"),
            }
        }
    }
}

/// The certificates of a long chain arrive in several reads and records. No reset overtakes the
/// alert.
pub fn a_server_with_a_long_chain_receives_the_alert<S: Suite>() {
    let certificates = certificates();
    let intermediate = certificates.authority.certificate();
    for count in (0..48).step_by(6) {
        let mut identity = certificates.stranger.server();
        identity.certificate += &intermediate.repeat(count);
        let (called, served) = meet::<S>(
            connector::<S>(),
            Acceptor::<S>::new().tls(acceptor_with(&identity)),
        );
        assert_eq!(
            (client_kind(&called), server_kind(&served)),
            (
                Some(TlsErrorKind::CertificateUnknownIssuer),
                Some(TlsErrorKind::CertificateRefused)
            ),
            "{count}: {called:?}, {served:?}"
        );
    }
}
