//! The announcement of the server, and the answers to requests.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use ws_h2::Session;
use ws_tokio::transport::Runtime;
use ws_tokio::{Config, ConnectError, Connector, DeflateConfig, Tokio};

use crate::{PATIENCE, server};

#[tokio::test]
async fn offers_are_negotiated() {
    let address = server::start().await;
    let config = Config::default().deflate(DeflateConfig::default());
    let connector = Connector::new().config(config).subprotocol("chat");
    let session = server::session(address, connector).await;
    let url = format!("ws://{address}/echo");
    let mut ws = session.open(&url).await.unwrap();
    assert_eq!(ws.protocol(), Some("chat"));
    assert_eq!(ws.extensions().len(), 1);
    let text = "again and again ".repeat(1000);
    ws.send(&text).await.unwrap();
    assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(&*text));
}

#[tokio::test]
async fn a_server_that_opens_none_is_found_out_at_once() {
    let address = server::start_with(false).await;
    let tcp = TcpStream::connect(address).await.unwrap();
    let started = timeout(PATIENCE, Session::start(Connector::new(), Tokio::tcp(tcp)));
    let error = started.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Http2Unsupported), "{error}");
}

#[tokio::test]
async fn a_refusal_has_its_response() {
    let address = server::start().await;
    let connector = Connector::new().header("origin", "https://elsewhere.example");
    let session = server::session(address, connector).await;
    let url = format!("ws://{address}/echo");
    let error = session.open(&url).await.unwrap_err();
    let response = error.response().expect("a refusal");
    assert_eq!(response.status(), 403);
    assert!(!response.body().is_empty());
    // The session goes on.
    let error = session.open("http://example.com").await.unwrap_err();
    assert!(matches!(error, ConnectError::Target(_)));
}

#[tokio::test]
async fn a_peer_that_does_not_speak_http_2_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let started = timeout(PATIENCE, Session::start(Connector::new(), Tokio::tcp(tcp)));
    let error = started.await.unwrap().unwrap_err();
    assert!(error.is_disconnect(), "{error}");
}

#[tokio::test]
async fn a_silent_peer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let _peer = listener.accept().await.unwrap();
    let connector = Connector::new().handshake_timeout(Duration::from_millis(100));
    let started = timeout(PATIENCE, Session::start(connector, Tokio::tcp(tcp)));
    let error = started.await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");
}
