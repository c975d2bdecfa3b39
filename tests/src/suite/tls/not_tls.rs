//! Peers that do not use TLS where TLS is required, or end it early.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use rustls::version::TLS13;
use ws_driver::{AcceptError, ConnectError, TlsErrorKind};

use super::peer::TlsStream;
use super::{acceptor, call, calling, client_kind, connector, echo_server, server_kind, url};
use crate::fault::Fault;
use crate::http;
use crate::socket::{Ending, RawPeer};
use crate::suite::roles::reset;
use crate::suite::{Acceptor, Connector, Suite};
use crate::tls::{client_config, server_config};

/// The answer is a complete HTTP response that says what is wrong. The server reports the error at
/// its first byte, while the client may still be sending.
pub fn a_plain_request_at_a_tls_port_is_answered_in_http<S: Suite>() {
    let long = [http::request(), vec![b'x'; 1 << 20]].concat();
    for (request, piece) in [
        (http::request(), usize::MAX),
        (http::request(), 1),
        (b"POST / HTTP/1.1\r\n\r\n".to_vec(), usize::MAX),
        (long, usize::MAX),
    ] {
        let (address, running) = echo_server::<S>(acceptor::<S>());
        let mut peer = RawPeer::connect(address);
        let mut writer = RawPeer::new(peer.writer());
        let sends = std::thread::spawn(move || writer.send_in_pieces(&request, || piece));
        let (bytes, ending) = peer.read_to_end();
        assert_eq!(ending, Ending::Eof);
        let refusal = http::refusal(&bytes);
        assert_eq!(refusal.status, 400);
        let body = String::from_utf8(refusal.body).expect("a text");
        assert!(body.contains("requires TLS"), "{body}");
        sends.join().expect("the server reads");
        drop(peer);
        let served = running.finish();
        assert_eq!(
            server_kind(&served),
            Some(TlsErrorKind::NotTls),
            "{served:?}"
        );
        assert!(
            matches!(&served, Err(Fault::Accept(error)) if !error.is_disconnect()),
            "{served:?}"
        );
    }
}

/// A client of ours with the wrong scheme reports the response of the server.
pub fn a_plain_client_at_a_tls_port_reports_the_response<S: Suite>() {
    let (address, running) = echo_server::<S>(acceptor::<S>());
    let called = S::block_on(call::<S>(Connector::<S>::new(), format!("ws://{address}/")));
    match &called {
        Err(Fault::Connect(error @ ConnectError::Handshake(_))) => {
            let response = error.response().expect("a response");
            assert_eq!(response.status(), 400);
            let body = String::from_utf8_lossy(response.body());
            assert!(body.contains("requires TLS"), "{body}");
        }
        called => panic!("{called:?}"),
    }
    let served = running.finish();
    assert_eq!(
        server_kind(&served),
        Some(TlsErrorKind::NotTls),
        "{served:?}"
    );
}

/// The server answers with an HTTP refusal, which is not TLS.
pub fn a_tls_client_at_a_plain_port_reports_that_it_is_no_tls<S: Suite>() {
    let (address, running) = echo_server::<S>(Acceptor::<S>::new());
    let called = S::block_on(call::<S>(connector::<S>(), url(address)));
    assert_eq!(
        client_kind(&called),
        Some(TlsErrorKind::NotTls),
        "{called:?}"
    );
    assert!(
        matches!(&called, Err(Fault::Connect(error)) if !error.is_disconnect()),
        "{called:?}"
    );
    let served = running.finish();
    assert!(
        matches!(served, Err(Fault::Accept(AcceptError::Rejected(_)))),
        "{served:?}"
    );
}

/// Input that is neither TLS nor HTTP is answered by an alert of TLS, as input that is damaged.
pub fn other_input_at_a_tls_port_is_answered_by_an_alert<S: Suite>() {
    let (address, running) = echo_server::<S>(acceptor::<S>());
    let mut peer = RawPeer::connect(address);
    // A client of a SOCKS proxy begins so.
    peer.send(b"\x05\x01\x00");
    let (bytes, ending) = peer.read_to_end();
    // The level is fatal, and the description is `decode_error` (RFC 8446 §6).
    assert_eq!(bytes, b"\x15\x03\x03\x00\x02\x02\x32");
    assert_eq!(ending, Ending::Eof);
    let served = running.finish();
    assert_eq!(
        server_kind(&served),
        Some(TlsErrorKind::NotTls),
        "{served:?}"
    );
}

/// The client ends TCP at once, within its first message, and after this message.
pub fn a_client_that_ends_within_the_tls_handshake_is_lost<S: Suite>() {
    let parts: [fn(usize) -> usize; 5] = [|_| 0, |_| 1, |_| 5, |len| len / 2, |len| len];
    for part in parts {
        let (address, running) = echo_server::<S>(acceptor::<S>());
        let mut peer = RawPeer::connect(address);
        let hello = TlsStream::client(peer.writer(), client_config(&[&TLS13])).take_records();
        let len = part(hello.len());
        peer.send(&hello[..len]);
        peer.end();
        let served = running.finish();
        assert!(
            matches!(&served, Err(Fault::Accept(error @ AcceptError::Lost)) if error.is_disconnect()),
            "{len}: {served:?}"
        );
    }
}

/// The server reads the first message of the client. Then it ends TCP, at once or after a part of
/// its own first message.
pub fn a_server_that_ends_within_the_tls_handshake_is_lost<S: Suite>() {
    for part in [&b""[..], b"\x16", b"\x16\x03\x03\x00\x7a\x02"] {
        let (mut tcp, running) = calling::<S>(connector::<S>());
        let _ = tcp.read(&mut [0; 16 << 10]).expect("the first message");
        tcp.write_all(part).expect("room in the socket");
        tcp.shutdown(Shutdown::Write).expect("an open socket");
        let called = running.finish();
        assert!(
            matches!(&called, Err(Fault::Connect(error @ ConnectError::Lost)) if error.is_disconnect()),
            "{part:?}: {called:?}"
        );
    }
}

/// A reset ends the handshake at once, too.
pub fn a_reset_within_the_tls_handshake_is_a_disconnect<S: Suite>() {
    let (address, running) = echo_server::<S>(acceptor::<S>());
    let mut peer = RawPeer::connect(address);
    peer.send(b"\x16\x03");
    reset(peer);
    let served = running.finish();
    assert!(
        matches!(&served, Err(Fault::Accept(error)) if error.is_disconnect() && !error.is_timeout()),
        "{served:?}"
    );

    let (tcp, running) = calling::<S>(connector::<S>());
    reset(RawPeer::new(tcp));
    let called = running.finish();
    assert!(
        matches!(&called, Err(Fault::Connect(error)) if error.is_disconnect() && !error.is_timeout()),
        "{called:?}"
    );
}

/// The peer ends the session after the TLS handshake, with or without a `close_notify`.
pub fn an_end_between_the_handshakes_is_reported_as_lost<S: Suite>() {
    for notifies in [false, true] {
        let finish = |mut stream: TlsStream, part: &[u8]| {
            stream.handshake().expect("the TLS handshake");
            let mut peer = RawPeer::over(stream);
            peer.send(part);
            if notifies {
                peer.end();
            } else {
                peer.cut();
            }
            peer
        };
        let (address, running) = echo_server::<S>(acceptor::<S>());
        let tcp = RawPeer::connect(address).writer();
        let client = TlsStream::client(tcp, client_config(&[&TLS13]));
        let _client = finish(client, &http::request()[..30]);
        let served = running.finish();
        assert!(
            matches!(served, Err(Fault::Accept(AcceptError::Lost))),
            "{notifies}: {served:?}"
        );

        let (tcp, running) = calling::<S>(connector::<S>());
        let server = TlsStream::server(tcp, server_config(&[&TLS13]));
        let _server = finish(server, b"HTTP/1.1 101 Switching");
        let called = running.finish();
        assert!(
            matches!(called, Err(Fault::Connect(ConnectError::Lost))),
            "{notifies}: {called:?}"
        );
    }
}

/// The server reports the error after the client has had a second to read the answer.
pub fn a_refused_client_that_lingers_is_dropped<S: Suite>() {
    let start = Instant::now();
    let (address, running) = echo_server::<S>(acceptor::<S>());
    let mut peer = RawPeer::connect(address);
    peer.send(&http::request());
    let served = running.finish();
    assert_eq!(
        server_kind(&served),
        Some(TlsErrorKind::NotTls),
        "{served:?}"
    );
    // The timeout of the handshake is 10 s.
    assert!(start.elapsed() < Duration::from_secs(8));
    drop(peer);
}
