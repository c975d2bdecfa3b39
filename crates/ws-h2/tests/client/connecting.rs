//! HTTP/2 in `Connector::connect`, with and without TLS.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use ws_h2::{H2Transport, Http2, Session};
use ws_test_certificates::Authority;
use ws_tokio::handshake::Proxy;
use ws_tokio::tls::TlsConnector;
use ws_tokio::transport::AnyTransport;
use ws_tokio::{ConnectError, Connector, WebSocket};

use crate::{PATIENCE, server};

fn trusting(authority: &Authority) -> Connector {
    let tls = TlsConnector::builder().roots_pem(authority.certificate());
    Connector::new().tls(tls.build().unwrap())
}

async fn connect(connector: &Connector, url: &str) -> Result<WebSocket, ConnectError> {
    timeout(PATIENCE, connector.connect(url)).await.unwrap()
}

/// Connects, and checks that an echo comes back. Returns `true` if the connection uses HTTP/2.
async fn echo(connector: &Connector, url: &str) -> bool {
    let mut ws = connect(connector, url).await.unwrap();
    timeout(PATIENCE, ws.send("hello")).await.unwrap().unwrap();
    let echo = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
    assert_eq!(echo, Some("hello".into()));
    let transport = ws.get_ref().unwrap();
    let h2 = transport.downcast_ref::<H2Transport<AnyTransport>>();
    h2.is_some()
}

#[tokio::test]
async fn without_tls_the_choice_of_the_caller_decides() {
    let url = format!("ws://{}/echo", server::start().await);
    for (connector, is_http2) in [
        (Connector::new(), false),
        (Connector::new().http2(Http2::Preferred), false),
        (Connector::new().http2(Http2::Only), true),
    ] {
        assert_eq!(echo(&connector, &url).await, is_http2, "{connector:?}");
    }
}

#[tokio::test]
async fn tls_agrees_on_a_version_that_both_ends_allow() {
    let authority = Authority::new();
    for (protocols, announces, preferred, only) in [
        // The protocols of the server, and whether it opens WebSockets over HTTP/2. Whether the
        // connection uses HTTP/2, and how often a client connects.
        (&["h2", "http/1.1"][..], true, (true, 1), Ok(1)),
        (&["h2"], true, (true, 1), Ok(1)),
        (&["h2", "http/1.1"], false, (false, 2), Err(1)),
        (&["http/1.1"], true, (false, 1), Err(1)),
        (&[], true, (false, 1), Err(1)),
    ] {
        let (port, count) = server::start_tls(&authority, protocols, announces).await;
        let url = format!("wss://localhost:{port}/echo");
        let connector = trusting(&authority).http2(Http2::Preferred);
        let is_http2 = echo(&connector, &url).await;
        let times = count.swap(0, Ordering::Relaxed);
        assert_eq!((is_http2, times), preferred, "{protocols:?} {announces}");

        let connector = trusting(&authority).http2(Http2::Only);
        match (only, connect(&connector, &url).await) {
            (Ok(_), opened) => drop(opened.unwrap()),
            (Err(_), Err(ConnectError::Http2Unsupported | ConnectError::Tls(_))) => {}
            (Err(_), other) => panic!("{protocols:?} {announces}: {other:?}"),
        }
        let (Ok(expected) | Err(expected)) = only;
        assert_eq!(
            count.load(Ordering::Relaxed),
            expected,
            "{protocols:?} {announces}"
        );
    }
}

#[tokio::test]
async fn http_1_1_is_offered_alone_by_default() {
    let authority = Authority::new();
    let (port, _) = server::start_tls(&authority, &["h2", "http/1.1"], true).await;
    let url = format!("wss://localhost:{port}/echo");
    assert!(!echo(&trusting(&authority), &url).await);
}

#[tokio::test]
async fn redirects_are_followed_over_http_2() {
    let url = format!("ws://{}/moved", server::start().await);
    let connector = Connector::new().http2(Http2::Only);
    let error = connect(&connector, &url).await.unwrap_err();
    assert_eq!(error.response().expect("a refusal").status(), 302);
    assert!(echo(&connector.redirects(1), &url).await);
}

#[tokio::test]
async fn the_tunnel_of_a_proxy_carries_http_2() {
    let address = server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let relaying = tokio::spawn(async move {
        let mut near = listener.accept().await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.unwrap());
        }
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut far = tokio::net::TcpStream::connect(address).await.unwrap();
        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
        head
    });
    let connector = Connector::new()
        .http2(Http2::Only)
        .proxy(Proxy::parse(&proxy).unwrap());
    assert!(echo(&connector, "ws://elsewhere.example/echo").await);
    let head = timeout(PATIENCE, relaying).await.unwrap().unwrap();
    assert!(head.starts_with(b"CONNECT elsewhere.example:80 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_session_connects_with_the_settings_of_its_connector() {
    let authority = Authority::new();
    let (port, count) = server::start_tls(&authority, &["h2", "http/1.1"], true).await;
    let url = format!("wss://localhost:{port}/echo");
    let starting = Session::connect(trusting(&authority), &url);
    let (session, driver) = timeout(PATIENCE, starting).await.unwrap().unwrap();
    tokio::spawn(driver);
    for _ in 0..3 {
        let mut ws = timeout(PATIENCE, session.open(&url))
            .await
            .unwrap()
            .unwrap();
        ws.send("hello").await.unwrap();
        let echo = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        assert_eq!(echo, Some("hello".into()));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_over_http_2_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connector = Connector::new()
        .http2(Http2::Only)
        .handshake_timeout(Duration::from_millis(100));
    let error = connect(&connector, &url).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}
