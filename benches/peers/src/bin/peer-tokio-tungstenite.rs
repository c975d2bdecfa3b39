//! An echo server on tokio-tungstenite. It writes each answer separately. With `--tuned`, it
//! answers up to 32 messages that arrived together, and flushes once.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::tls::Options;
use bench_peers::{echo_tungstenite, serve_tokio};
use tokio_tungstenite::accept_async;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let (port, tuned) = (options.common.port, options.common.tuned);
    match options.acceptor()? {
        None => serve_tokio(port, move |tcp| {
            echo_tungstenite(move || accept_async(tcp), tuned)
        }),
        Some(tls) => serve_tokio(port, move |tcp| {
            let tls = tls.accept(tcp);
            echo_tungstenite(async || accept_async(tls.await?).await, tuned)
        }),
    }
}
