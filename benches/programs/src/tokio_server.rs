//! The server that the echo programs on tokio share: one thread, and a task for each connection.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::floor;

/// Listens on the address of the command line, and runs `serve` on each connection.
///
/// # Errors
///
/// If the runtime or the listener fails.
pub fn run<F>(serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    run_on(floor::address(), serve)
}

/// Listens on `address`, and runs `serve` on each connection.
///
/// # Errors
///
/// If the runtime or the listener fails.
pub fn run_on<F>(address: SocketAddr, serve: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tokio::spawn(serve(tcp));
        }
    })
}
