//! Runs the programs in the `examples/` of ws-async-std.

#![forbid(unsafe_code)]

use async_broadcast::Sender;
use async_std::channel;
use async_std::net::TcpListener as Listener;
use ws_async_std as adapter;
use ws_async_std::Prepared;
use ws_tests::runtimes::AsyncStdThreads as On;

use broadcast::newsroom;

#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_accept_decision.rs"]
mod accept_decision;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_broadcast.rs"]
mod broadcast;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_client.rs"]
mod client;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_echo_server.rs"]
mod echo_server;
mod examples;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_split.rs"]
mod split;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-async-std/examples/async_std_stream_file.rs"]
mod stream_file;

/// What the split connection sends.
fn lines() -> (channel::Sender<String>, channel::Receiver<String>) {
    channel::bounded(1)
}

type Publisher = Sender<Prepared>;

fn publish(publisher: &Publisher, message: Prepared) {
    publisher.try_broadcast(message).unwrap();
}
