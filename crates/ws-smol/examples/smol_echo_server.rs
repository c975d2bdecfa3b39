//! An echo server: sends every message back as it came.
//!
//! ```sh
//! cargo run --example smol_echo_server -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use smol::Timer;
use smol::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    smol::block_on(async {
        let address = env::args().nth(1);
        let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
        println!("listening on ws://{}", listener.local_addr()?);
        serve(listener).await;
        Ok(())
    })
}

/// Accepts connections for ever, each with a task of its own.
pub(crate) async fn serve(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                smol::spawn(async move {
                    // Peers break rules and lines break. The peer was told already, by a status or a Close.
                    if let Err(error) = echo(tcp).await {
                        eprintln!("{peer}: {error}");
                    }
                })
                .detach();
            }
            // Out of descriptors, mostly. That passes when connections end, and is no reason to stop serving.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                Timer::after(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection until its end.
async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = ws_smol::accept(tcp).await?;
    // The message is borrowed from the connection, and nothing is allocated for it. `feed` queues the answer; the next
    // `recv_ref` writes all answers to what was read at once.
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
