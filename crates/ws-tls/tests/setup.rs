//! Settings that are unusable, and settings of rustls.

#![forbid(unsafe_code)]

use ws_driver::TlsError;
use ws_driver::TlsErrorKind;
use ws_test_certificates::Authority;
use ws_tls::{SetupError, TlsAcceptor, TlsConnector};

#[test]
fn missing_root_certificates_are_an_error_that_names_the_features() {
    if cfg!(any(feature = "platform-verifier", feature = "webpki-roots")) {
        assert!(TlsConnector::new().is_ok());
        return;
    }
    let error = TlsConnector::new().unwrap_err();
    assert!(matches!(error, SetupError::NoRoots));
    let text = error.to_string();
    assert!(text.contains("`platform-verifier`") && text.contains("`webpki-roots`"));
    let error = TlsError::from(error);
    assert_eq!(error.kind(), TlsErrorKind::Setup);
    assert!(!error.is_disconnect());
}

#[test]
fn pem_texts_that_are_unusable_are_told_apart() {
    let authority = Authority::new();
    let (server, other) = (authority.server(), authority.server());
    let acceptor = |chain: &str, key: &str| TlsAcceptor::from_pem(chain, key).unwrap_err();
    let (chain, key) = (&*server.certificate, &*server.key);
    assert!(matches!(acceptor("", key), SetupError::NoCertificate));
    assert!(matches!(acceptor(key, key), SetupError::NoCertificate));
    assert!(matches!(acceptor(chain, ""), SetupError::NoKey));
    assert!(matches!(acceptor(chain, chain), SetupError::NoKey));
    assert!(matches!(acceptor(chain, &other.key), SetupError::Rustls(_)));
    let cut = &chain[..chain.len() / 2];
    assert!(matches!(acceptor(cut, key), SetupError::Pem(_)));

    let connector = |roots: &str| TlsConnector::builder().roots_pem(roots).build();
    assert!(connector(&authority.certificate()).is_ok());
    assert!(matches!(connector(""), Err(SetupError::NoCertificate)));
    let client_roots = |roots: &str| {
        let builder = TlsAcceptor::builder(chain, key);
        builder.client_roots_pem(roots).build()
    };
    assert!(client_roots(&authority.certificate()).is_ok());
    assert!(matches!(client_roots(""), Err(SetupError::NoCertificate)));
}

#[test]
fn debug_output_contains_no_key() {
    let server = Authority::new().server();
    let builder = TlsAcceptor::builder(server.certificate.clone(), server.key.clone());
    let client = TlsConnector::builder().identity_pem(server.certificate, server.key);
    let text = format!("{builder:?} {client:?} {:?}", builder.clone().build());
    assert!(!text.contains("BEGIN") && text.len() < 200, "{text}");
}
