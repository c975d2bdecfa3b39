//! Shows a connection in two halves. The program connects a terminal to a server: one task sends
//! the lines that are typed, and another task prints the messages that arrive.
//!
//! ```sh
//! cargo run --example tokio_split -- ws://127.0.0.1:9001/
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::{env, io, thread};

use tokio::sync::mpsc;
use ws_tokio::{CloseCode, MessageRef, Receiver, Sender, WebSocket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = env::args().nth(1);
    let ws = ws_tokio::connect(url.as_deref().unwrap_or("ws://127.0.0.1:9001/")).await?;
    println!("connected: end the input to close");

    // A read from the terminal blocks and cannot be canceled. With `tokio::io::stdin`, such a read
    // would keep the program from ending. A read in a separate thread does not.
    let (typed, lines) = mpsc::channel(16);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let show = |message: MessageRef<'_>| println!("{}", message.as_text().unwrap_or("(binary)"));
    talk(ws, lines, show).await
}

/// Sends `lines`, and closes after the last line. Shows the messages that arrive until the
/// connection ends.
pub(crate) async fn talk(
    ws: WebSocket,
    lines: mpsc::Receiver<String>,
    show: impl FnMut(MessageRef<'_>) + Send + 'static,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (tx, rx) = ws.split();
    let mut receiving = tokio::spawn(receive(rx, show));
    tokio::select! {
        sent = send(tx, lines) => sent?,
        // The connection has ended, so there is no reason to wait for more lines.
        received = &mut receiving => return Ok(received??),
    }
    Ok(receiving.await??)
}

/// Sends the lines, then closes.
async fn send(mut tx: Sender, mut lines: mpsc::Receiver<String>) -> Result<(), ws_tokio::Error> {
    while let Some(line) = lines.recv().await {
        tx.send(line).await?;
    }
    // `close` returns when the Close has been written. The receiving task continues, and shows the
    // messages that the server sent before its own Close.
    tx.close(CloseCode::NORMAL, "bye").await
}

/// Shows messages until the connection ends.
///
/// A split connection always needs a task that receives: only the receiver answers Pings.
async fn receive(
    mut rx: Receiver,
    mut show: impl FnMut(MessageRef<'_>),
) -> Result<(), ws_tokio::Error> {
    while let Some(message) = rx.recv_ref().await? {
        show(message);
    }
    Ok(())
}
