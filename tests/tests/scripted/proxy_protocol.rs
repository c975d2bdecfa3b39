//! Headers of the PROXY protocol on a transport in memory: trust, faults, deadlines, and TLS that
//! follows. The rules of the header itself are tested in ws-handshake.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use ws_driver::handshake::{HeadError, ProxyHeaderError};
use ws_driver::listen::{ProxyProtocol, ProxyProtocolError};
use ws_driver::transport::Transport;
use ws_driver::{AcceptError, Acceptor, Offer, RejectReason, TlsErrorKind};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Fault, Manual, Op, Peer, Scripted};
use ws_tests::tls::{self, TlsPeer, VERSIONS};
use ws_tests::wire::From;
use ws_tests::{clock, http};
use ws_tls::TlsAcceptor;

const SECOND: Duration = Duration::from_secs(1);

/// The headers of both versions, with [`CLIENT`] as their source.
const HEADERS: [&[u8]; 3] = [
    b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\x12\x67\x01\xbb",
    // With one type-length-value field.
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xcb\0\x71\x07\xc0\0\x02\x01\x12\x67\x01\xbb\x02\0\x04host",
];

/// The headers of both versions without an address of the client.
const HEADERS_WITHOUT_ADDRESS: [&[u8]; 3] = [
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x03\x04\0\0",
];

fn client() -> SocketAddr {
    "203.0.113.7:4711".parse().unwrap()
}

fn proxy() -> SocketAddr {
    "10.1.2.3:50000".parse().unwrap()
}

fn trusting() -> ProxyProtocol {
    ProxyProtocol::new(["10.0.0.0/8".parse().unwrap()])
}

fn acceptor() -> Acceptor<Manual> {
    Acceptor::new().proxy_protocol(trusting())
}

/// Returns a transport from the trusted proxy.
fn from_proxy() -> (Scripted, Peer) {
    let (transport, peer) = scripted::pair();
    peer.address(proxy());
    (transport, peer)
}

/// Accepts a connection, and asserts that the first message is "hello".
fn assert_accepts(acceptor: &Acceptor<Manual>, transport: Scripted, client: Option<SocketAddr>) {
    let offer = exec::run(acceptor.read(transport)).expect("a request");
    assert_eq!(offer.peer_addr(), client);
    let mut ws = exec::run(offer.accept()).expect("the handshake");
    assert_eq!(ws.peer_addr(), client);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("hello".into()));
}

fn header_error<T>(result: Result<T, AcceptError>) -> ProxyProtocolError {
    match result.map(drop) {
        Err(AcceptError::ProxyProtocol(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_address_of_the_client_is_that_of_the_header() {
    for header in HEADERS {
        let all = [header, &http::request(), &From::Client.text("hello")].concat();
        for at in 0..=header.len() {
            let (transport, peer) = from_proxy();
            peer.push(&all[..at]);
            peer.push(&all[at..]);
            assert_accepts(&acceptor(), transport, Some(client()));
        }
        let (transport, peer) = from_proxy();
        peer.pieces(1, 1);
        peer.hesitate();
        peer.push(all);
        assert_accepts(&acceptor(), transport, Some(client()));
    }
}

#[test]
fn the_transport_itself_keeps_the_address_of_the_proxy() {
    let (transport, peer) = from_proxy();
    peer.push([HEADERS[0], &http::request()].concat());
    let offer: Offer<_> = exec::run(acceptor().read_on(transport)).unwrap();
    assert_eq!(offer.peer_addr(), Some(client()));
    assert_eq!(offer.get_ref().peer_addr(), Some(proxy()));
}

#[test]
fn a_header_without_an_address_keeps_that_of_the_transport() {
    for header in HEADERS_WITHOUT_ADDRESS {
        let (transport, peer) = from_proxy();
        peer.push([header, &http::request(), &From::Client.text("hello")].concat());
        assert_accepts(&acceptor(), transport, Some(proxy()));
    }
}

#[test]
fn no_byte_after_the_header_is_read_with_it() {
    for header in HEADERS.into_iter().chain(HEADERS_WITHOUT_ADDRESS) {
        let (transport, peer) = from_proxy();
        peer.push([header, &http::request()].concat());
        exec::run(acceptor().read(transport)).unwrap();
        let mut left = header.len();
        for op in peer.take_log() {
            let Op::Read { got, room } = op else {
                panic!("{op:?}");
            };
            assert!(left == 0 || room <= left, "{room} of {left}");
            left = left.saturating_sub(got);
        }
    }
}

#[test]
fn a_trusted_proxy_must_send_a_valid_header() {
    let inputs: [(&[u8], ProxyHeaderError); 5] = [
        (&http::request(), ProxyHeaderError::Missing),
        (
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03",
            ProxyHeaderError::Missing,
        ),
        (
            b"PROXY TCP5 203.0.113.7\r\n",
            ProxyHeaderError::UnknownProtocol,
        ),
        (
            &[&b"PROXY UNKNOWN "[..], &[b'x'; 100]].concat(),
            ProxyHeaderError::LineTooLong,
        ),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
            ProxyHeaderError::TooLong,
        ),
    ];
    for acceptor in [acceptor(), acceptor().tls(tls_acceptor())] {
        for (input, expected) in inputs {
            let (transport, peer) = from_proxy();
            peer.push(input);
            let result = exec::run(acceptor.accept(transport));
            assert_eq!(header_error(result), ProxyProtocolError::Header(expected));
            assert_eq!(peer.output_len(), 0);
            assert!(peer.is_dropped());
        }
    }
    assert_eq!(clock::elapsed(), Duration::ZERO);
}

#[test]
fn a_source_that_is_not_trusted_is_refused_before_anything_is_read() {
    for source in ["11.1.2.3:1", "[2001:db8::1]:1", "127.0.0.1:1"] {
        let source: SocketAddr = source.parse().unwrap();
        let (transport, peer) = scripted::pair();
        peer.address(source);
        peer.push([HEADERS[0], &http::request()].concat());
        let error = header_error(exec::run(acceptor().accept(transport)));
        assert_eq!(error, ProxyProtocolError::Untrusted(Some(source)));
        assert!(
            error.to_string().contains(&source.ip().to_string()),
            "{error}"
        );
        assert!(peer.take_log().is_empty() && peer.is_dropped());
    }
}

#[test]
fn a_mapped_address_is_trusted_like_its_ipv4_address() {
    let (transport, peer) = scripted::pair();
    peer.address("[::ffff:10.1.2.3]:50000".parse().unwrap());
    peer.push([HEADERS[0], &http::request(), &From::Client.text("hello")].concat());
    assert_accepts(&acceptor(), transport, Some(client()));
}

#[test]
fn a_transport_without_an_address_is_trusted_by_choice_only() {
    let all = [HEADERS[1], &http::request(), &From::Client.text("hello")].concat();
    let (transport, peer) = scripted::pair();
    peer.push(&*all);
    let error = header_error(exec::run(acceptor().accept(transport)));
    assert_eq!(error, ProxyProtocolError::Untrusted(None));

    let (transport, peer) = scripted::pair();
    peer.push(all);
    let proxies = trusting().trust_without_address();
    let acceptor = Acceptor::new().proxy_protocol(proxies);
    assert_accepts(&acceptor, transport, Some(client()));
}

#[test]
fn a_direct_connection_by_choice_has_its_own_address_and_no_header() {
    let acceptor = Acceptor::new().proxy_protocol(trusting().accept_others());
    let direct: SocketAddr = "198.51.100.9:1234".parse().unwrap();
    for address in [Some(direct), None] {
        let (transport, peer) = scripted::pair();
        if let Some(address) = address {
            peer.address(address);
        }
        peer.push([http::request(), From::Client.text("hello")].concat());
        assert_accepts(&acceptor, transport, address);
    }
    for header in HEADERS {
        let (transport, peer) = scripted::pair();
        peer.address(direct);
        peer.push([header, &http::request()].concat());
        peer.end();
        let result = exec::run(acceptor.accept(transport)).map(drop);
        assert!(
            matches!(
                result,
                Err(AcceptError::Rejected(RejectReason::Head(
                    HeadError::ProxyProtocol
                )))
            ),
            "{result:?}"
        );
        assert_eq!(http::refusal(&peer.take_output()).status, 400);

        let (transport, peer) = scripted::pair();
        peer.address(direct);
        peer.push([header, &http::request()].concat());
        peer.end();
        let over_tls = acceptor.clone().tls(tls_acceptor());
        let result = exec::run(over_tls.accept(transport)).map(drop);
        assert!(
            matches!(&result, Err(AcceptError::Tls(error)) if error.kind() == TlsErrorKind::NotTls),
            "{result:?}"
        );
    }
    // The trusted proxy still needs a header.
    let (transport, peer) = from_proxy();
    peer.push(http::request());
    let error = header_error(exec::run(acceptor.accept(transport)));
    assert_eq!(error, ProxyProtocolError::Header(ProxyHeaderError::Missing));
}

#[test]
fn a_header_without_the_setting_is_reported() {
    for header in HEADERS {
        let (transport, peer) = from_proxy();
        peer.push([header, &http::request()].concat());
        peer.end();
        let result = exec::run(Acceptor::<Manual>::new().accept(transport)).map(drop);
        let expected = RejectReason::Head(HeadError::ProxyProtocol);
        assert!(
            matches!(result, Err(AcceptError::Rejected(reason)) if reason == expected),
            "{result:?}"
        );
    }
}

#[test]
fn an_end_within_the_header_is_a_loss() {
    for header in HEADERS {
        for len in 0..header.len() {
            for end in [Peer::end, Peer::cut] {
                let (transport, peer) = from_proxy();
                peer.push(&header[..len]);
                end(&peer);
                let error = exec::run(acceptor().accept(transport)).unwrap_err();
                assert!(matches!(error, AcceptError::Lost), "{error:?}");
                assert!(error.is_disconnect());
            }
        }
    }
}

#[test]
fn one_deadline_covers_the_header_and_the_request() {
    for header in HEADERS {
        let all = [header, &http::request()].concat();
        for len in 0..all.len() {
            let (transport, peer) = from_proxy();
            let acceptor = acceptor().handshake_timeout(3 * SECOND);
            let mut accept = pin!(acceptor.accept(transport));
            let mut task = Task::new();
            peer.push(&all[..len / 2]);
            assert!(exec::settle(&mut task, accept.as_mut()).is_pending());
            clock::advance(2 * SECOND);
            peer.push(&all[len / 2..len]);
            assert!(exec::settle(&mut task, accept.as_mut()).is_pending());
            clock::advance(SECOND);
            let result = exec::expect_ready(exec::settle(&mut task, accept));
            assert!(matches!(result, Err(AcceptError::Timeout)), "{result:?}");
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn an_accept_dropped_at_any_await_drops_the_transport() {
    for header in HEADERS {
        for polls in 0.. {
            let (transport, peer) = from_proxy();
            peer.hesitate();
            peer.pieces(10, 50);
            peer.push([header, &http::request()].concat());
            let acceptor = acceptor();
            let mut done = false;
            {
                let mut accept = pin!(acceptor.accept(transport));
                for _ in 0..polls {
                    done = Task::new().poll(accept.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            assert!(peer.is_dropped());
            if done {
                assert!(polls > header.len() / 10);
                break;
            }
        }
    }
}

#[test]
fn any_fault_is_an_error_of_accept_or_changes_nothing() {
    for fault in [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt] {
        for header in HEADERS {
            for at in 0.. {
                let (transport, peer) = from_proxy();
                peer.push([header, &http::request()].concat());
                peer.fault(at, fault);
                let result = exec::run(acceptor().accept(transport));
                match (fault, &result) {
                    (_, Ok(_)) if peer.fault_waits() => break,
                    (Fault::Fail, Err(AcceptError::Io(_))) => {}
                    (Fault::Stick, Err(AcceptError::Timeout)) => {}
                    (Fault::Shorten | Fault::Interrupt, Ok(ws)) => {
                        assert_eq!(ws.peer_addr(), Some(client()));
                    }
                    other => panic!("at {at}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn random_input_from_a_trusted_proxy_never_hangs() {
    let mut random = fastrand::Rng::with_seed(7);
    let alphabet = b"PROXY TCP46UNK0123456789.:\r\n\0QUIT\x20\x21\x11\xff";
    let mut accepted = 0;
    for _ in 0..5000 {
        let mut bytes = HEADERS[random.usize(..HEADERS.len())].to_vec();
        for _ in 0..random.usize(..4) {
            let at = random.usize(..bytes.len());
            let byte = alphabet[random.usize(..alphabet.len())];
            match random.u8(..3) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let (transport, peer) = from_proxy();
        peer.pieces(random.usize(1..60), 4096);
        peer.push([bytes, http::request()].concat());
        peer.end();
        match exec::run(acceptor().accept(transport)) {
            Ok(ws) => {
                accepted += 1;
                assert!(ws.peer_addr().is_some());
            }
            // If a length is wrong, the request has bytes too few or too many.
            Err(
                AcceptError::ProxyProtocol(ProxyProtocolError::Header(_))
                | AcceptError::Rejected(_)
                | AcceptError::Lost,
            ) => {}
            Err(other) => panic!("{other:?}"),
        }
        assert!(peer.is_dropped());
    }
    assert!(accepted > 1000, "{accepted}");
}

fn tls_acceptor() -> TlsAcceptor {
    TlsAcceptor::from(tls::server_config(&VERSIONS))
}

#[test]
fn tls_follows_the_header() {
    for header in HEADERS.into_iter().chain(HEADERS_WITHOUT_ADDRESS) {
        for piece in [1, 50, 4096] {
            let (transport, below) = from_proxy();
            below.pieces(piece, piece);
            below.push(header);
            let mut peer = TlsPeer::new(End::Server, below, &VERSIONS);
            peer.process();
            peer.push(&http::request());
            let acceptor = acceptor().tls(tls_acceptor());
            let ws = peer.serve(acceptor.accept(transport), |_| ()).unwrap();
            let expected = match HEADERS.contains(&header) {
                true => client(),
                false => proxy(),
            };
            assert_eq!(ws.peer_addr(), Some(expected));
        }
    }
}

#[test]
fn a_header_within_tls_is_not_read() {
    let (transport, below) = from_proxy();
    below.push(HEADERS[0]);
    let mut peer = TlsPeer::new(End::Server, below, &VERSIONS);
    peer.process();
    peer.push(&[HEADERS[0], &http::request()].concat());
    let acceptor = acceptor().tls(tls_acceptor());
    let result = peer.serve(acceptor.accept(transport), |_| ()).map(drop);
    assert!(
        matches!(result, Err(AcceptError::Rejected(_))),
        "{result:?}"
    );
}
