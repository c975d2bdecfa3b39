//! Many sockets over one connection.

use tokio::time::timeout;
use ws_tokio::Connector;

use crate::{PATIENCE, server};

/// h2 ends a connection if too many short frames were not read. Its default allows fewer than the
/// window.
#[tokio::test]
async fn many_short_messages_may_wait_to_be_read() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let mut ws = session
        .open(&format!("ws://{address}/burst"))
        .await
        .unwrap();
    ws.send("go").await.unwrap();
    timeout(PATIENCE, server::BURST_SENT.notified())
        .await
        .unwrap();
    // The echo arrives behind the burst.
    let mut other = session.open(&format!("ws://{address}/echo")).await.unwrap();
    other.send("hello").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), Some("hello".into()));
    for _ in 0..server::BURST {
        let message = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        assert_eq!(message, Some("x".into()));
    }
}

#[tokio::test]
async fn a_thousand_sockets_share_a_connection() {
    let address = server::start().await;
    let session = server::session(address, Connector::new()).await;
    let url = format!("ws://{address}/echo");
    let mut sockets = Vec::new();
    for _ in 0..1000 {
        sockets.push(
            timeout(PATIENCE, session.open(&url))
                .await
                .unwrap()
                .unwrap(),
        );
    }
    for (number, ws) in sockets.iter_mut().enumerate() {
        ws.send(number.to_string()).await.unwrap();
    }
    // One is reset, and nothing of the others is lost.
    drop(sockets.swap_remove(500));
    for ws in &mut sockets {
        let echo = timeout(PATIENCE, ws.recv()).await.unwrap().unwrap();
        assert!(echo.unwrap().as_text().unwrap().parse::<usize>().is_ok());
    }
}
