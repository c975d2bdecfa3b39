//! An echo server on tokio-tungstenite. It writes each answer separately. With `--tuned`, it
//! answers up to 32 messages that arrived together, and flushes once.

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
