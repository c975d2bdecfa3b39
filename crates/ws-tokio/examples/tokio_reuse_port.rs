//! Shows a server with one thread for each core. Each thread has its own runtime and its own
//! listener. The operating system distributes the connections, so threads share nothing.
//!
//! ```sh
//! cargo run --features socket-options --example tokio_reuse_port -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::net::{self, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{self, LocalSet};
use ws_tokio::listen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001").parse()?;
    let count = thread::available_parallelism()?.get();
    let (address, threads) = start(address, count)?;
    println!("listening on ws://{address} in {count} threads");
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    Ok(())
}

/// Starts `count` threads that accept connections forever. Returns their address.
pub(crate) fn start(
    address: SocketAddr,
    count: usize,
) -> io::Result<(SocketAddr, Vec<JoinHandle<io::Result<()>>>)> {
    let listeners = listen::reuse_port(address, count)?;
    let address = listeners
        .first()
        .map_or(Ok(address), net::TcpListener::local_addr)?;
    let threads = listeners
        .into_iter()
        .map(|listener| thread::spawn(|| run(listener)));
    Ok((address, threads.collect()))
}

/// Runs a runtime on this thread.
fn run(listener: net::TcpListener) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // All tasks stay on this thread, so they need not be `Send`.
    LocalSet::new().block_on(&runtime, serve(listener))
}

async fn serve(listener: net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                task::spawn_local(async move {
                    if let Err(error) = echo(tcp).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = ws_tokio::accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
