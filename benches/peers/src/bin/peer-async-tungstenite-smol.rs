//! An echo server on async-tungstenite on smol: each answer sent; tuned, those that are there together.

#![forbid(unsafe_code)]

use std::io;

use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::{Error, Message};
use bench_peers::{Options, echo, serve_smol};
use smol::net::TcpStream;

fn main() -> io::Result<()> {
    let options = Options::from_arguments();
    let tuned = options.tuned;
    serve_smol(options.port, move |tcp| async move {
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
