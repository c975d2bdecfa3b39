//! An echo server on tokio that receives owned messages.

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
    let mut ws = Acceptor::new().accept(tcp).await?;
    while let Some(message) = ws.recv().await? {
        ws.feed(message).await?;
    }
    Ok(())
}
