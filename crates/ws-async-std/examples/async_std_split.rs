//! A terminal for a server: what is typed goes out, what arrives is printed, whenever it comes.
//!
//! The connection is split, so that one task waits for messages while the other waits for the user.
//!
//! ```sh
//! cargo run --example async_std_split -- ws://127.0.0.1:9001/
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::{env, io, thread};

use async_std::channel;
use async_std::task;
use futures_lite::future;
use ws_async_std::{CloseCode, MessageRef, Receiver, Sender, WebSocket};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    task::block_on(async {
        let url = env::args().nth(1);
        let ws = ws_async_std::connect(url.as_deref().unwrap_or("ws://127.0.0.1:9001/")).await?;
        println!("connected: end the input to close");

        // Reading a terminal blocks, and cannot be given up: a thread of its own does not hold back the program's end.
        let (typed, lines) = channel::bounded(16);
        thread::spawn(move || {
            for line in io::stdin().lines().map_while(Result::ok) {
                if typed.send_blocking(line).is_err() {
                    break;
                }
            }
        });
        let show =
            |message: MessageRef<'_>| println!("{}", message.as_text().unwrap_or("(binary)"));
        talk(ws, lines, show).await
    })
}

/// Sends `lines` and shows what arrives, until there are no more lines or the server closes.
pub(crate) async fn talk(
    ws: WebSocket,
    lines: channel::Receiver<String>,
    show: impl FnMut(MessageRef<'_>) + Send + 'static,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (tx, rx) = ws.split();
    let mut receiving = task::spawn(receive(rx, show));
    let sending = async { send(tx, lines).await.map(|()| false) };
    // The server closed, or is gone: there is no point in waiting for more lines.
    let received = async { (&mut receiving).await.map(|()| true) };
    let is_over = future::or(sending, received).await?;
    if !is_over {
        receiving.await?;
    }
    Ok(())
}

/// Sends lines until there are no more, then closes.
async fn send(mut tx: Sender, lines: channel::Receiver<String>) -> Result<(), ws_async_std::Error> {
    while let Ok(line) = lines.recv().await {
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
) -> Result<(), ws_async_std::Error> {
    while let Some(message) = rx.recv_ref().await? {
        show(message);
    }
    Ok(())
}
