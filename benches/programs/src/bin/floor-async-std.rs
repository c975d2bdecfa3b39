//! The floor on async-std.

#![forbid(unsafe_code)]

use std::io;

use async_global_executor::GlobalExecutorConfig;
use async_std::io::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use ws_bench_programs::floor;

fn main() -> io::Result<()> {
    // One thread runs all tasks. The main thread only accepts connections.
    async_global_executor::init_with_config(
        GlobalExecutorConfig::default()
            .with_env_var("ASYNC_STD_THREAD_COUNT")
            .with_min_threads(1)
            .with_max_threads(1),
    );
    task::block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(floor::address()).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        task::spawn(echo(tcp));
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
