//! An echo server on tokio that receives owned messages.

#![forbid(unsafe_code)]

use std::io;

use tokio::net::TcpStream;
use ws_bench_programs::tokio_server;
use ws_tokio::Acceptor;

fn main() -> io::Result<()> {
    tokio_server::run(echo)
}

async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = Acceptor::new().accept(tcp).await?;
    while let Some(message) = ws.recv().await? {
        ws.feed(message).await?;
    }
    Ok(())
}
