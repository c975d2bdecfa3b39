//! Runs the programs in the `examples/` of ws-smol.

#![forbid(unsafe_code)]

use async_broadcast::Sender;
use smol::channel;
use smol::net::TcpListener as Listener;
use ws_smol as adapter;
use ws_smol::Prepared;
use ws_tests::runtimes::SmolThreads as On;

use broadcast::newsroom;

#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_accept_decision.rs"]
mod accept_decision;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_broadcast.rs"]
mod broadcast;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_client.rs"]
mod client;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_echo_server.rs"]
mod echo_server;
mod examples;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_split.rs"]
mod split;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../crates/ws-smol/examples/smol_stream_file.rs"]
mod stream_file;

/// What the split connection sends.
fn lines() -> (channel::Sender<String>, channel::Receiver<String>) {
    channel::bounded(1)
}

type Publisher = Sender<Prepared>;

fn publish(publisher: &Publisher, message: Prepared) {
    publisher.try_broadcast(message).unwrap();
}
