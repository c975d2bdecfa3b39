//! The TLS handshake: its settings, its refusals, and a transport that is slow.

use std::io;

use ws_driver::{TlsError, TlsErrorKind};
use ws_tests::scripted::{self, End};
use ws_tests::tls::{self, TlsPeer, VERSIONS};
use ws_tests::{clock, exec};

fn kind(error: io::Error) -> TlsErrorKind {
    let error: TlsError = error.downcast().expect("an error of TLS");
    error.kind()
}

#[test]
fn a_handshake_over_a_slow_transport_succeeds_with_either_version() {
    for end in End::BOTH {
        for version in VERSIONS {
            for piece in [1, 50] {
                let (transport, below) = scripted::pair();
                below.hesitate();
                below.pieces(piece, piece);
                let mut peer = TlsPeer::new(end, below, &[version]);
                peer.process();
                let session = peer.serve(tls::secure(end, transport), |_| ()).unwrap();
                let agreed = session.session().protocol_version();
                assert_eq!(agreed, Some(version.version), "{end:?}");
                // The peer offers no protocol.
                assert_eq!(session.session().alpn_protocol(), None);
                let requested = (end == End::Server).then_some("localhost");
                assert_eq!(session.server_name(), requested);
            }
        }
    }
}

#[test]
fn a_client_that_speaks_http_gets_an_answer_in_http() {
    for piece in [1, 7, 4096] {
        let (transport, peer) = scripted::pair();
        peer.pieces(piece, piece);
        peer.push(&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..]);
        peer.end();
        let error = exec::run(tls::secure(End::Server, transport)).unwrap_err();
        assert_eq!(kind(error), TlsErrorKind::NotTls);
        let answer = String::from_utf8(peer.take_output()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("TLS"), "{body}");
        assert!(peer.is_shut_down() && peer.is_dropped());
    }
}

#[test]
fn a_peer_that_does_not_speak_tls_is_reported() {
    for (end, input) in [
        (End::Client, &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]),
        (End::Client, b"220 mail.example.com ESMTP\r\n"),
        (End::Client, b"SSH-2.0-OpenSSH_9.2\r\n"),
        (End::Server, b"SSH-2.0-OpenSSH_9.2\r\n"),
        (End::Server, b"\x00\x00\x00"),
    ] {
        let (transport, peer) = scripted::pair();
        peer.push(input);
        peer.end();
        let error = exec::run(tls::secure(end, transport)).unwrap_err();
        assert_eq!(kind(error), TlsErrorKind::NotTls, "{end:?} {input:?}");
    }
}

#[test]
fn a_message_that_is_longer_than_rustls_stores_is_refused() {
    // A ClientHello and a ServerHello of 65,535 bytes, the largest length that rustls accepts, in
    // records of 1 byte or 16 KiB. The headers of the records count as well.
    for (end, start) in [
        (End::Server, b"\x16\x03\x03\0\x04\x01\0\xff\xff"),
        (End::Client, b"\x16\x03\x03\0\x04\x02\0\xff\xff"),
    ] {
        for record in [
            b"\x16\x03\x03\0\x01\0".to_vec(),
            [&b"\x16\x03\x03\x40\0"[..], &[0; 0x4000]].concat(),
        ] {
            let (transport, peer) = scripted::pair();
            peer.push(start);
            peer.push(record.repeat(65_536 / record.len() + 1));
            let error = exec::run(tls::secure(end, transport)).unwrap_err();
            assert_eq!(kind(error), TlsErrorKind::Session, "{end:?}");
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn a_refused_client_delays_the_server_by_a_second_at_most() {
    for takes_nothing in [false, true] {
        let (transport, peer) = scripted::pair();
        if takes_nothing {
            peer.window(0);
        }
        peer.push(&b"GET / HTTP/1.1\r\n"[..]);
        let before = clock::elapsed();
        let error = exec::run(tls::secure(End::Server, transport)).unwrap_err();
        assert_eq!(kind(error), TlsErrorKind::NotTls);
        assert_eq!((clock::elapsed() - before).as_secs(), 1);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_client_reports_a_refusal_at_once_even_if_the_server_takes_nothing() {
    let (transport, peer) = scripted::pair();
    let mut handshake = std::pin::pin!(tls::secure(End::Client, transport));
    assert!(exec::glance(handshake.as_mut()).is_pending());
    peer.window(0);
    peer.push(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]);
    let before = clock::elapsed();
    let error = exec::run(handshake).unwrap_err();
    assert_eq!(kind(error), TlsErrorKind::NotTls);
    assert_eq!(clock::elapsed(), before);
}

#[test]
fn ends_without_a_common_version_are_incompatible() {
    let [old, new] = VERSIONS;
    for (ours, theirs) in [(old, new), (new, old)] {
        for end in End::BOTH {
            let (transport, below) = scripted::pair();
            let mut peer = TlsPeer::new(end, below, &[theirs]);
            peer.process();
            let versions = [ours];
            let handshake = tls::secure_with(end, transport, &versions);
            let error = peer.serve(handshake, |_| ()).unwrap_err();
            let error: TlsError = error.downcast().unwrap();
            assert_eq!(error.kind(), TlsErrorKind::Incompatible, "{end:?}");
            assert!(!error.is_disconnect());
        }
    }
}
