//! Limits of rustls that a session must not pass on: early data, keys that are used up, names.

use std::future::poll_fn;
use std::io::{IoSlice, Write as _};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    CipherSuiteCommon, ClientConnection, ServerConfig, SupportedCipherSuite, Tls12CipherSuite,
};
use ws_driver::transport::{ReadHalf, WriteHalf};
use ws_tests::exec::{self, expect_ready};
use ws_tests::scripted::{self, End};
use ws_tests::tls::{self, TlsPeer, VERSIONS, client_config, server_config};
use ws_tls::TlsAcceptor;

#[test]
fn early_data_is_not_lost() {
    let mut config = server_config(&[&rustls::version::TLS13]);
    config.max_early_data_size = 1000;
    let acceptor = TlsAcceptor::from(config);
    let mut config = client_config(&[&rustls::version::TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    for attempt in 0..2 {
        let (transport, below) = scripted::pair();
        let mut peer = TlsPeer::new(End::Server, below, &[&rustls::version::TLS13]);
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::clone(&config), name).unwrap();
        if attempt == 1
            && let Some(mut early) = client.early_data()
        {
            early.write_all(b"early ").unwrap();
        }
        peer.tls = client.into();
        peer.process();
        let mut session = peer.serve(acceptor.accept(transport), |_| ()).unwrap();
        peer.process();
        let rustls::Connection::Client(client) = &peer.tls else {
            unreachable!()
        };
        let is_accepted = client.is_early_data_accepted();
        peer.push(b"late");
        let mut buffer = [0; 100];
        let read = poll_fn(|cx| session.poll_read(cx, &mut buffer));
        let len = expect_ready(exec::attempt(read)).unwrap();
        let expected: &[u8] = if is_accepted { b"early late" } else { b"late" };
        assert_eq!(&buffer[..len], expected);
    }
}

fn limited(limit: u64) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let suites = ring::ALL_CIPHER_SUITES.iter();
    provider.cipher_suites = suites
        .filter_map(|suite| match suite {
            SupportedCipherSuite::Tls12(suite) => {
                let suite = Tls12CipherSuite {
                    common: CipherSuiteCommon {
                        confidentiality_limit: limit,
                        ..suite.common
                    },
                    ..**suite
                };
                Some(SupportedCipherSuite::Tls12(Box::leak(Box::new(suite))))
            }
            SupportedCipherSuite::Tls13(_) => None,
        })
        .collect();
    provider
}

#[test]
fn a_write_with_exhausted_keys_fails() {
    let identity = &tls::certificates().server;
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(limited(10)))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(config);
    let (transport, below) = scripted::pair();
    let mut peer = TlsPeer::new(End::Server, below, &[&rustls::version::TLS12]);
    peer.process();
    let mut session = peer.serve(acceptor.accept(transport), |_| ()).unwrap();
    peer.process();
    let mut accepted = Vec::new();
    for number in 0..30_u8 {
        let bytes = [number];
        let slices = [IoSlice::new(&bytes)];
        let write = poll_fn(|cx| session.poll_write_vectored(cx, &slices));
        match expect_ready(exec::attempt(write)) {
            Ok(_) => accepted.push(number),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
                break;
            }
        }
    }
    // The write that finds the keys exhausted sends a `close_notify` instead.
    assert!(accepted.len() < 20);
    accepted.pop();
    assert_eq!(peer.take_output(), accepted);
}

#[test]
fn a_write_after_the_close_notify_fails() {
    for end in End::BOTH {
        let (mut session, peer) = tls::session(end, &VERSIONS);
        peer.below.window(0);
        assert!(exec::attempt(poll_fn(|cx| session.poll_shutdown(cx))).is_pending());
        peer.below.window(usize::MAX);
        let slices = [IoSlice::new(b"late")];
        let write = poll_fn(|cx| session.poll_write_vectored(cx, &slices));
        expect_ready(exec::attempt(write)).unwrap_err();
    }
}

#[test]
fn a_trailing_dot_is_no_part_of_the_name() {
    let (transport, below) = scripted::pair();
    let mut peer = TlsPeer::new(End::Client, below, &VERSIONS);
    let connector = ws_tls::TlsConnector::from(client_config(&VERSIONS));
    let session = peer.serve(connector.connect("localhost.", transport), |_| ());
    session.unwrap();
    let rustls::Connection::Server(server) = &peer.tls else {
        unreachable!()
    };
    assert_eq!(server.server_name(), Some("localhost"));
}
