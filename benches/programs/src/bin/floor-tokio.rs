//! The floor on tokio.

#![forbid(unsafe_code)]

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_bench_programs::floor;

fn main() -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(floor::address()).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        tokio::spawn(echo(tcp));
    }
}

async fn echo(mut tcp: TcpStream) -> io::Result<()> {
    let mut buffer = floor::buffer();
    loop {
        match tcp.read(&mut buffer).await? {
            0 => return Ok(()),
            len => tcp.write_all(&buffer[..len]).await?,
        }
    }
}
