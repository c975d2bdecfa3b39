//! An echo server on axum's own WebSocket. It writes each answer separately. With `--tuned`, it
//! answers up to 32 messages that arrived together, and flushes once.

#![forbid(unsafe_code)]

use std::io;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use bench_peers::{Options, echo};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    let tuned = options.tuned;
    let handler = async move |upgrade: WebSocketUpgrade| -> Response {
        upgrade.on_upgrade(async move |ws| {
            // An error only means that the connection has ended.
            drop(echo(ws, tuned, is_data).await);
        })
    };
    axum::serve(listener, Router::new().fallback(any(handler))).await
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
