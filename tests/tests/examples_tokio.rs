//! Runs the programs in the `examples/` of ws-tokio.

#![forbid(unsafe_code)]

use tokio::net::TcpListener as Listener;
use tokio::sync::broadcast::Sender;
use tokio::sync::mpsc;
use ws_tests::runtimes::TokioThreads as On;
use ws_tokio as adapter;
use ws_tokio::Prepared;

#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_accept_decision.rs"]
mod accept_decision;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_broadcast.rs"]
mod broadcast;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_client.rs"]
mod client;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_echo_server.rs"]
mod echo_server;
mod examples;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_split.rs"]
mod split;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_stream_file.rs"]
mod stream_file;

/// What the split connection sends.
fn lines() -> (mpsc::Sender<String>, mpsc::Receiver<String>) {
    mpsc::channel(1)
}

type Publisher = Sender<Prepared>;

/// The publisher, and what serves its news.
fn newsroom() -> (Publisher, Sender<Prepared>) {
    let news = broadcast::newsroom();
    (news.clone(), news)
}

fn publish(publisher: &Publisher, message: Prepared) {
    publisher.send(message).unwrap();
}
