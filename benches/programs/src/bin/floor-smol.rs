//! The floor on smol.

#![forbid(unsafe_code)]

use std::io;

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, block_on};
use ws_bench_programs::floor;

static EXECUTOR: Executor<'static> = Executor::new();

fn main() -> io::Result<()> {
    block_on(EXECUTOR.run(serve()))
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(floor::address()).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        EXECUTOR.spawn(echo(tcp)).detach();
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
