//! An echo server on tokio that splits each connection into its halves.

#![forbid(unsafe_code)]

use std::io;

use tokio::net::TcpStream;
use ws_bench_programs::tokio_server;
use ws_tokio::Acceptor;

fn main() -> io::Result<()> {
    tokio_server::run(echo)
}

async fn echo(tcp: TcpStream) -> io::Result<()> {
    let (mut sender, mut receiver) = Acceptor::new().accept(tcp).await?.split();
    while let Some(message) = receiver.recv_ref().await? {
        sender.feed(message).await?;
    }
    Ok(())
}
