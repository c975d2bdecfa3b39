//! An echo server on tokio-tungstenite. It writes each answer separately; with `--tuned`, it writes
//! the answers to messages that arrived together by one flush.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{Options, echo_tungstenite, serve_tokio};
use tokio_tungstenite::accept_async;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    serve_tokio(options.port, move |tcp| {
        echo_tungstenite(move || accept_async(tcp), options.tuned)
    })
}
