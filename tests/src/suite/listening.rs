//! The accepting side on real sockets: the PROXY protocol, and requests that do not ask for a
//! WebSocket.

use std::net::SocketAddr;

use ws_driver::handshake::{IpRange, ProxyHeaderError};
use ws_driver::http::Response;
use ws_driver::listen::{ProxyProtocol, ProxyProtocolError};
use ws_driver::{AcceptError, AnyOffer};

use super::{Acceptor, Running, Suite, server};
use crate::fault::Fault;
use crate::http;
use crate::socket::RawPeer;
use crate::steps::echo;
use crate::wire::{From, TEXT};

/// A header of version 1 and a header of version 2. Both name the client 203.0.113.7:4711.
const HEADERS: [&[u8]; 2] = [
    b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\x12\x67\x01\xbb",
];

fn loopback() -> ProxyProtocol {
    let range: IpRange = "127.0.0.0/8".parse().expect("a range");
    ProxyProtocol::new([range])
}

/// Starts an echo server that returns the address of its client. Returns a peer that has connected.
fn accepting<S: Suite>(
    proxies: ProxyProtocol,
) -> (RawPeer, Running<Result<Option<SocketAddr>, Fault>>) {
    let (address, running) = server::<S, _, _>(|stream| async move {
        let acceptor = Acceptor::<S>::new().proxy_protocol(proxies);
        let mut ws = acceptor.accept(stream).await?;
        // Native TCP stays native.
        assert!(
            ws.get_ref()
                .is_some_and(|transport| transport.tcp().is_some())
        );
        let client = ws.peer_addr();
        echo(&mut ws).await?;
        Ok(client)
    });
    (RawPeer::connect(address), running)
}

/// A header of either version names the client, and the frames after the request are received.
///
/// # Panics
///
/// If the test fails.
pub fn a_proxy_header_names_the_client<S: Suite>() {
    for header in HEADERS {
        for piece in [1, 20, 4096] {
            let (mut peer, running) = accepting::<S>(loopback());
            let all = [header, &http::request(), &From::Client.text("hello")].concat();
            peer.send_in_pieces(&all, || piece);
            let head = peer.read_switching();
            assert_eq!(
                http::header(&head, "Sec-WebSocket-Accept"),
                Some(http::SAMPLE_ACCEPT)
            );
            let frame = peer.read_frame().expect("an echo");
            assert_eq!(frame.whole(), (TEXT, &b"hello"[..]));
            peer.send(&From::Client.close(1000, ""));
            peer.expect_close(1000);
            let client = running.finish().expect("a clean end");
            assert_eq!(client, Some(SocketAddr::from(([203, 0, 113, 7], 4711))));
        }
    }
}

/// A connection is refused without an answer if its header is missing, or if its source is not
/// trusted.
///
/// # Panics
///
/// If the test fails.
pub fn a_connection_without_a_required_proxy_header_is_refused<S: Suite>() {
    let elsewhere: IpRange = "192.0.2.0/24".parse().expect("a range");
    for (proxies, is_trusted) in [(loopback(), true), (ProxyProtocol::new([elsewhere]), false)] {
        let (mut peer, running) = accepting::<S>(proxies);
        peer.send(&http::request());
        let (bytes, _) = peer.read_to_end();
        assert!(bytes.is_empty());
        match running.finish() {
            Err(Fault::Accept(AcceptError::ProxyProtocol(error))) => match error {
                ProxyProtocolError::Header(ProxyHeaderError::Missing) => assert!(is_trusted),
                ProxyProtocolError::Untrusted(Some(source)) => {
                    assert!(!is_trusted && source.ip().is_loopback());
                }
                other => panic!("{other}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// Answers one connection: a WebSocket by an echo, a plain request by its method and path.
async fn serve_any<S: Suite>(stream: super::Stream<S>) -> Result<(), Fault> {
    match Acceptor::<S>::new().read_any(stream).await? {
        AnyOffer::Upgrade(offer) => {
            let mut ws = offer.accept().await?;
            Ok(echo(&mut ws).await?)
        }
        AnyOffer::Plain(request) => {
            let body = format!("{} {}", request.method(), request.path());
            Ok(request.respond(Response::new(body.into_bytes())).await?)
        }
    }
}

/// A plain request is answered on the port of the WebSockets. A body that is not read does not
/// reset the connection.
///
/// # Panics
///
/// If the test fails.
pub fn plain_requests_are_answered_on_the_same_port<S: Suite>() {
    let post = b"POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
    for (request, body) in [
        (
            b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
            "GET /health",
        ),
        (b"GET /health HTTP/1.0\r\n\r\n".to_vec(), "GET /health"),
        ([&post[..], &[b'x'; 100_000]].concat(), "POST /form"),
    ] {
        let (address, running) = server::<S, _, _>(serve_any::<S>);
        let mut peer = RawPeer::connect(address);
        peer.send(&request);
        let (bytes, _) = peer.read_to_end();
        let answer = http::refusal(&bytes);
        assert_eq!((answer.status, &answer.body[..]), (200, body.as_bytes()));
        drop(peer);
        running.finish().expect("an answer");
    }
    let (address, running) = server::<S, _, _>(serve_any::<S>);
    let mut peer = RawPeer::open(address);
    peer.send(&From::Client.text("hello"));
    let frame = peer.read_frame().expect("an echo");
    assert_eq!(frame.whole(), (TEXT, &b"hello"[..]));
    peer.send(&From::Client.close(1000, ""));
    peer.expect_close(1000);
    running.finish().expect("a clean end");
}
