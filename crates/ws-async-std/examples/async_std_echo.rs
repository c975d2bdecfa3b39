//! Shows an echo server and its client on async-std. The program prints the answers and ends.
//!
//! ```sh
//! cargo run --example async_std_echo
//! ```
//!
//! More programs are in the directory `examples` of `ws-tokio`. The items that they use have the
//! same names in `ws-async-std`.

#![forbid(unsafe_code)]

use std::io;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use ws_async_std::CloseCode;

fn main() -> io::Result<()> {
    task::block_on(run(|answer| println!("{answer}")))
}

/// Starts the server, sends two messages to it, and shows the answers.
pub(crate) async fn run(mut show: impl FnMut(&str)) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    task::spawn(serve(listener));

    let mut ws = ws_async_std::connect(&url).await?;
    for text in ["hello", "world"] {
        ws.send(text).await?;
        match ws.recv().await? {
            Some(answer) => show(answer.as_text().unwrap_or("(binary)")),
            // The server has closed the connection.
            None => break,
        }
    }
    Ok(ws.close(CloseCode::NORMAL, "bye").await?)
}

/// Accepts connections until an error, and serves each in its own task.
///
/// A real server continues after an error, as `tokio_echo_server` does.
async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (tcp, peer) = listener.accept().await?;
        task::spawn(async move {
            if let Err(error) = echo(tcp).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Serves one connection until it ends.
async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = ws_async_std::accept(tcp).await?;
    // `feed` queues the answer. Before `recv_ref` waits for input, it writes all queued answers
    // together.
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
