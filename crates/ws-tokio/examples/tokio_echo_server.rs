//! Shows an echo server: each message is sent back unchanged, and no client can stop the server.
//!
//! ```sh
//! cargo run --example tokio_echo_server -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener).await;
    Ok(())
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                tokio::spawn(async move {
                    // The connection broke, or the client violated the protocol. After a violation,
                    // the library has already sent an HTTP status or a Close.
                    if let Err(error) = echo(tcp).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // The usual cause is that the process has no more file descriptors. Descriptors become
            // free when connections end, so the server waits and continues.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection until it ends.
async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = ws_tokio::accept(tcp).await?;
    // `recv_ref` lends the message, usually from the read buffer, so it is not copied. `feed`
    // queues the answer. Before `recv_ref` waits for input, it writes all queued answers together.
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
