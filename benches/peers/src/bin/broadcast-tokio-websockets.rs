//! A broadcasting server on tokio-websockets. All subscribers share the payload of a message. The
//! server writes each message to each subscriber separately. With `--tuned`, it writes the messages
//! that wait for a subscriber together.
//!
//! A subscriber orders messages with the text `MESSAGES LEN`. The server then publishes `MESSAGES`
//! texts of `LEN` bytes each.

#![forbid(unsafe_code)]

use std::io;

use bench_peers::broadcast::{Options, Order, RING_LEN};
use bench_peers::serve_tokio;
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio_websockets::{Error, Message, Payload, ServerBuilder, WebSocketStream};

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
    /// Write the messages that wait for a subscriber together.
    #[arg(long)]
    tuned: bool,
}

fn main() -> io::Result<()> {
    let Args { options, tuned } = Args::parse();
    let news = Sender::new(RING_LEN);
    serve_tokio(options.port, move |tcp| {
        let news = news.clone();
        async move {
            if let Err(error) = subscribe(tcp, &news, tuned).await {
                eprintln!("{error}");
            }
        }
    })
}

async fn subscribe(tcp: TcpStream, news: &Sender<Message>, tuned: bool) -> Result<(), Error> {
    let (_request, mut ws) = ServerBuilder::new().accept(tcp).await?;
    let mut receiver = news.subscribe();
    loop {
        tokio::select! {
            biased;
            received = ws.next() => match received.transpose()? {
                Some(message) => publish(news, message.as_text().unwrap_or_default()),
                None => return Ok(()),
            },
            message = receiver.recv() => match message {
                Ok(message) if tuned => send_together(&mut ws, message, &mut receiver).await?,
                Ok(message) => ws.send(message).await?,
                Err(RecvError::Lagged(_) | RecvError::Closed) => return Ok(()),
            },
        }
    }
}

/// Sends `message` and all messages that wait in the channel, and flushes once.
async fn send_together(
    ws: &mut WebSocketStream<TcpStream>,
    message: Message,
    receiver: &mut Receiver<Message>,
) -> Result<(), Error> {
    ws.feed(message).await?;
    while let Ok(message) = receiver.try_recv() {
        ws.feed(message).await?;
    }
    ws.flush().await
}

fn publish(news: &Sender<Message>, order: &str) {
    let Some(order) = Order::parse(order) else {
        return;
    };
    for _ in 0..order.messages {
        let payload = Payload::from("a".repeat(order.len));
        // An error means that there is no subscriber.
        drop(news.send(Message::text(payload)));
    }
}
