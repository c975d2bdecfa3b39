//! An echo server on tokio-tungstenite: each answer sent; tuned, those that are there together.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::{Options, echo, serve_tokio};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message};

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let tuned = options.tuned;
    serve_tokio(options.port, move |tcp| async move {
        drop(serve(tcp, tuned).await);
    })
}

async fn serve(tcp: TcpStream, tuned: bool) -> Result<(), Error> {
    let ws = accept_async(tcp).await?;
    echo(ws, tuned, |message: &Message| {
        message.is_text() || message.is_binary()
    })
    .await
}
