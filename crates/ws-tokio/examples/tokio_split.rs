//! A terminal for a server: what is typed goes out, what arrives is printed, whenever it comes.
//!
//! The connection is split, so that one task waits for messages while the other waits for the user.
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

    // Reading a terminal blocks, and cannot be given up: a thread of its own does not hold back the program's end.
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

/// Sends `lines` and shows what arrives, until there are no more lines or the server closes.
pub(crate) async fn talk(
    ws: WebSocket,
    lines: mpsc::Receiver<String>,
    show: impl FnMut(MessageRef<'_>) + Send + 'static,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (tx, rx) = ws.split();
    let mut receiving = tokio::spawn(receive(rx, show));
    tokio::select! {
        sent = send(tx, lines) => sent?,
        // The server closed, or is gone: there is no point in waiting for more lines.
        received = &mut receiving => return Ok(received??),
    }
    Ok(receiving.await??)
}

/// Sends lines until there are no more, then closes.
async fn send(mut tx: Sender, mut lines: mpsc::Receiver<String>) -> Result<(), ws_tokio::Error> {
    while let Some(line) = lines.recv().await {
        tx.send(line).await?;
    }
    // This returns when the Close was written. The other half goes on: it shows the answers that are still under way,
    // and sees the server's Close behind them.
    tx.close(CloseCode::NORMAL, "bye").await
}

/// Shows messages until the end of the connection. Pings are answered here, and nowhere else: a connection needs
/// someone who receives.
async fn receive(
    mut rx: Receiver,
    mut show: impl FnMut(MessageRef<'_>),
) -> Result<(), ws_tokio::Error> {
    while let Some(message) = rx.recv_ref().await? {
        show(message);
    }
    Ok(())
}
