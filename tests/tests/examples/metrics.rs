//! Test of the example program of ws-tokio about metrics.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::CloseCode;

use crate::soon;

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_metrics.rs"]
mod program;

/// Requests the page, and returns the whole response.
async fn get(address: SocketAddr) -> String {
    let mut http = TcpStream::connect(address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    http.write_all(request).await.unwrap();
    let mut page = String::new();
    http.read_to_string(&mut page).await.unwrap();
    page
}

#[tokio::test]
async fn the_page_has_the_numbers_of_the_server() {
    let clients = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let metrics = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", clients.local_addr().unwrap());
    let address = metrics.local_addr().unwrap();
    tokio::spawn(program::serve(clients, metrics));

    let mut ws = ws_tokio::connect(&url).await.unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(soon(ws.recv()).await.unwrap(), Some("hello".into()));
    soon(ws.close(CloseCode::NORMAL, "")).await.unwrap();
    // The registry counts the end when the task of the server is polled.
    let ended = "websocket_ends_total{end=\"clean\"} 1\n";
    let page = soon(async {
        loop {
            let page = get(address).await;
            if page.contains(ended) {
                break page;
            }
        }
    });
    let page = page.await;
    assert!(page.contains("content-type: application/openmetrics-text"));
    for line in [
        "websocket_connections{state=\"open\"} 0",
        "websocket_openings_total{result=\"opened\"} 1",
        "websocket_messages_total{direction=\"received\"} 1",
        "websocket_payload_bytes_total{direction=\"sent\"} 5",
        "websocket_wire_bytes_total{direction=\"sent\"} 11",
        "# EOF",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}
