//! A test of the example program of ws-reconnect.

use std::time::Duration;

use tokio::net::TcpListener;
use ws_reconnect::{Backoff, Reason};
use ws_tokio::CloseCode;

use crate::soon;

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-reconnect/examples/tokio_reconnecting.rs"]
mod program;

#[tokio::test]
async fn it_subscribes_again_until_the_server_is_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for code in [CloseCode::GOING_AWAY, CloseCode::NORMAL, CloseCode::POLICY] {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut ws = ws_tokio::accept(tcp).await.unwrap();
            assert_eq!(ws.recv().await.unwrap(), Some("subscribe".into()));
            ws.send("news").await.unwrap();
            ws.close(code, "").await.unwrap();
        }
    });
    let backoff = Backoff::default().first(Duration::from_millis(1));
    let mut lines = Vec::new();
    let watching = program::watch(&url, backoff.clone(), |line| lines.push(line));
    soon(watching).await.unwrap();
    let words: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let expected = [
        "connection",
        "received",
        "down:",
        "not",
        "connection",
        "received",
        "the",
    ];
    assert_eq!(words, expected, "{lines:?}");

    let gave_up = soon(program::watch(&url, backoff, drop)).await.unwrap_err();
    assert_eq!(gave_up.reason, Reason::Fatal);
}
