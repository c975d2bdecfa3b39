//! Shows a chat with a page for browsers. Messages are compressed, and each is encoded once for all
//! clients.
//!
//! ```sh
//! cargo run --example axum_chat -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, Response};
use axum::routing::{any, get};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError};
use ws_axum::{CloseCode, DeflateConfig, Error, Upgrade, WebSocket};

/// The messages for all clients. A client that falls this far behind is disconnected.
const BACKLOG: usize = 256;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("open http://{}", listener.local_addr()?);
    axum::serve(listener, app()).await
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/", get(Html(PAGE)))
        .route("/chat", any(join))
        .with_state(broadcast::Sender::new(BACKLOG))
}

#[derive(Deserialize)]
struct Join {
    name: String,
}

async fn join(
    State(room): State<broadcast::Sender<String>>,
    Query(Join { name }): Query<Join>,
    upgrade: Upgrade,
) -> Response {
    upgrade
        .deflate(DeflateConfig::default())
        .keepalive(Duration::from_secs(30), Duration::from_secs(10))
        .max_message(4096)
        .accept(move |ws| chat(ws, name, room))
}

/// Serves one client. The others learn that it has left, however its connection has ended.
async fn chat(
    mut ws: WebSocket,
    name: String,
    room: broadcast::Sender<String>,
) -> Result<(), Error> {
    let mut messages = room.subscribe();
    let _ = room.send(format!("{name} has joined"));
    let served = pass_messages(&mut ws, &name, &room, &mut messages).await;
    let _ = room.send(format!("{name} has left"));
    served
}

/// Passes the messages of the client to all, and those of all to the client.
async fn pass_messages(
    ws: &mut WebSocket,
    name: &str,
    room: &broadcast::Sender<String>,
    messages: &mut broadcast::Receiver<String>,
) -> Result<(), Error> {
    loop {
        // Both futures are cancel safe: no message is lost.
        tokio::select! {
            message = ws.recv() => {
                let Some(message) = message? else {
                    return Ok(());
                };
                let text = message.as_text().unwrap_or("(binary)");
                let _ = room.send(format!("{name}: {text}"));
            }
            message = messages.recv() => match message {
                Ok(text) => ws.send(text).await?,
                Err(RecvError::Lagged(_)) => {
                    return ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chat</title>
<form><input placeholder="Your message" autofocus autocomplete="off"></form><pre></pre>
<script>
  const name = prompt("Your name?") || "somebody";
  const ws = new WebSocket(`/chat?name=${encodeURIComponent(name)}`);
  const log = document.querySelector("pre"), field = document.querySelector("input");
  ws.onmessage = event => log.append(event.data + "\n");
  ws.onclose = event => log.append(`disconnected: ${event.code} ${event.reason}\n`);
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    ws.send(field.value);
    field.value = "";
  };
</script>
"#;
