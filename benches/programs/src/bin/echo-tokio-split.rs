//! An echo server on tokio that splits each connection into its halves.

#![forbid(unsafe_code)]

use std::io;

use tokio::net::{TcpListener, TcpStream};
use ws_bench_programs::floor;
use ws_tokio::Acceptor;

fn main() -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(floor::address()).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tokio::spawn(echo(tcp));
    }
}

async fn echo(tcp: TcpStream) -> io::Result<()> {
    let (mut sender, mut receiver) = Acceptor::new().accept(tcp).await?.split();
    while let Some(message) = receiver.recv_ref().await? {
        sender.feed(message).await?;
    }
    Ok(())
}
