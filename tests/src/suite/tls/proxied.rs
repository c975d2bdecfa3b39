//! TLS after a header of the PROXY protocol.

use std::io::Write;

use ws_driver::AnyOffer;
use ws_driver::http::Response;
use ws_driver::listen::ProxyProtocol;

use super::*;

/// A TLS handshake follows a header of either version, and the header names the client.
///
/// # Panics
///
/// If the test fails.
pub fn tls_follows_a_proxy_header<S: Suite>() {
    let headers: [&[u8]; 2] = [
        b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\x03\x04\0\0",
    ];
    for header in headers {
        let (address, running) = server::<S, _, _>(|stream| async move {
            let range = "127.0.0.1".parse().expect("an address");
            let acceptor = acceptor::<S>().proxy_protocol(ProxyProtocol::new([range]));
            let mut ws = acceptor.accept(stream).await?;
            let client = ws.peer_addr();
            echo(&mut ws).await?;
            Ok::<_, Fault>(client)
        });
        let calling = Running::start(move || {
            let mut stream = TcpStream::connect(address).expect("a server");
            let own = stream.local_addr().expect("an address");
            stream.write_all(header).expect("room for the header");
            S::block_on(async {
                let transport = S::Runtime::wrap(S::adopt(stream));
                let session = tls_connector().connect("localhost", transport).await;
                let session = session.expect("the TLS handshake");
                let connector = Connector::<S>::new();
                let mut ws = connector.handshake_on("wss://localhost/", session).await?;
                ws.send("hello").await?;
                assert_eq!(ws.recv().await?, Some("hello".into()));
                ws.close(ws_driver::CloseCode::NORMAL, "").await?;
                Ok::<_, Fault>(own)
            })
        });
        let own = calling.finish().expect("an echo");
        let client = running.finish().expect("a clean end");
        let named: SocketAddr = "[2001:db8::7]:4711".parse().expect("an address");
        let expected = if header.starts_with(b"PROXY") {
            named
        } else {
            own
        };
        assert_eq!(client, Some(expected));
    }
}

/// A plain request over TLS is answered.
///
/// # Panics
///
/// If the test fails.
pub fn plain_requests_over_tls_are_answered<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async move {
        match acceptor::<S>().read_any(stream).await? {
            AnyOffer::Plain(request) => {
                assert_eq!(request.path(), "/health");
                Ok(request.respond(Response::new(b"well\n".to_vec())).await?)
            }
            AnyOffer::Upgrade(offer) => panic!("{offer:?}"),
        }
    });
    let tcp = TcpStream::connect(address).expect("a server");
    let mut stream = TlsStream::client(tcp, client_config(&[&rustls::version::TLS13]));
    stream.handshake().expect("the TLS handshake");
    let mut peer = RawPeer::over(stream);
    peer.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (bytes, _) = peer.read_to_end();
    assert_eq!(crate::http::refusal(&bytes).body, b"well\n");
    drop(peer);
    let result: Result<(), Fault> = running.finish();
    result.expect("an answer");
}
