//! An echo server on async-tungstenite on async-std. It writes each answer separately. With
//! `--tuned`, it answers up to 32 messages that arrived together, and flushes once.

#![forbid(unsafe_code)]

use std::io;

use async_tungstenite::accept_async;
use bench_peers::{Options, echo_tungstenite, serve_async_std};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    serve_async_std(options.port, move |tcp| {
        echo_tungstenite(move || accept_async(tcp), options.tuned)
    })
}
