//! Connections that carry one socket and drive themselves.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use ws_h2::H2Transport;
use ws_tokio::transport::{Runtime, TcpTransport};
use ws_tokio::{CloseCode, ConnectError, Connector, Message, Tokio, WebSocket};

use crate::{PATIENCE, server};

pub(crate) type Ws = WebSocket<H2Transport<TcpTransport>>;

/// Opens a socket in a connection of its own.
pub(crate) async fn open(address: SocketAddr, path: &str) -> Result<Ws, ConnectError> {
    open_with(&Connector::new(), address, path).await
}

async fn open_with(
    connector: &Connector,
    address: SocketAddr,
    path: &str,
) -> Result<Ws, ConnectError> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}{path}");
    let opening = ws_h2::handshake_on(connector, url, Tokio::tcp(tcp));
    timeout(PATIENCE, opening).await.unwrap()
}

#[tokio::test]
async fn messages_of_all_lengths_come_back_to_one_task() {
    let address = server::start().await;
    let mut ws = open(address, "/echo").await.unwrap();
    assert_eq!(ws.peer_addr(), Some(address));
    assert_eq!(ws.response().unwrap().status(), 200);
    for len in [0, 1, 125, 126, 16 << 10, 65_536, 3 << 20] {
        let data = vec![7; len];
        timeout(PATIENCE, ws.send(data.clone()))
            .await
            .unwrap()
            .unwrap();
        let echo = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        assert_eq!(echo, Some(Message::from(data)), "{len}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_in_two_tasks_drive_the_connection_for_each_other() {
    let address = server::start().await;
    let (mut tx, mut rx) = open(address, "/echo").await.unwrap().split();
    let sending = tokio::spawn(async move {
        for number in 0..2000 {
            tx.send(vec![0; number * 31 % 3000]).await.unwrap();
        }
        tx.send(vec![1; 3 << 20]).await.unwrap();
        tx
    });
    for number in 0..2000 {
        let echo = timeout(PATIENCE, rx.recv()).await.unwrap().unwrap();
        assert_eq!(echo, Some(vec![0; number * 31 % 3000].into()), "{number}");
    }
    let echo = timeout(PATIENCE, rx.recv()).await.unwrap().unwrap();
    assert_eq!(echo, Some(vec![1; 3 << 20].into()));
    // The halves belong to one connection.
    let mut ws = rx.reunite(sending.await.unwrap()).unwrap();
    timeout(PATIENCE, ws.close(CloseCode::NORMAL, ""))
        .await
        .unwrap()
        .unwrap();
    assert!(ws.end().unwrap().clean);
}

#[tokio::test]
async fn a_refusal_has_its_response() {
    let address = server::start().await;
    let connector = Connector::new().header("origin", "https://elsewhere.example");
    let error = open_with(&connector, address, "/echo").await.unwrap_err();
    let response = error.response().expect("a refusal");
    assert_eq!(response.status(), 403);
    assert!(!response.body().is_empty());
}

#[tokio::test]
async fn a_server_that_opens_none_is_found_out_at_once() {
    let address = server::start_with(false).await;
    let error = open(address, "/echo").await.unwrap_err();
    assert!(matches!(error, ConnectError::Http2Unsupported), "{error}");
}

#[tokio::test]
async fn a_silent_peer_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connector = Connector::new().handshake_timeout(Duration::from_millis(100));
    let address = listener.local_addr().unwrap();
    let error = open_with(&connector, address, "/").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}
