//! Messages, halves, and flow control.

use tokio::time::timeout;
use ws_tokio::{Connector, Message};

use crate::{PATIENCE, server};

#[tokio::test]
async fn messages_of_all_lengths_come_back() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let mut ws = session.open(&format!("ws://{address}/echo")).await.unwrap();
    for len in [0, 1, 125, 126, 16 << 10, 65_536, 3 << 20] {
        let (mut tx, mut rx) = ws.split();
        let data = vec![7; len];
        let sent = data.clone();
        let sending = tokio::spawn(async move { tx.send(sent).await.map(|()| tx) });
        let received = timeout(PATIENCE, rx.recv()).await.unwrap().unwrap();
        assert_eq!(received, Some(Message::from(data)), "{len}");
        let tx = sending.await.unwrap().unwrap();
        ws = rx.reunite(tx).unwrap();
    }
}

#[tokio::test]
async fn a_socket_that_is_not_read_does_not_stop_others() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let mut stuck = session
        .open(&format!("ws://{address}/unread"))
        .await
        .unwrap();
    let filling = tokio::spawn(async move { stuck.send(vec![0; 16 << 20]).await });
    let mut ws = session.open(&format!("ws://{address}/echo")).await.unwrap();
    for _ in 0..100 {
        ws.send("hello").await.unwrap();
        let echo = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        assert_eq!(echo, Some("hello".into()));
    }
    assert!(!filling.is_finished(), "16 MiB do not fit into the window");
}
