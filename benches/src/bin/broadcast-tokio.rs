//! A server that broadcasts: each message is encoded once, whoever subscribes, as in the example `tokio_broadcast`.
//! Tuned, the messages that wait for a subscriber are written together.
//!
//! A subscriber that says `MESSAGES LEN` makes it publish so many texts of that length.

#![forbid(unsafe_code)]

use std::io;

use clap::Parser;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};
use ws_benches::broadcast::{Options, Order, RING_LEN};
use ws_tokio::{Acceptor, CloseCode, Error, MessageRef, Prepared, TrySendError, WebSocket};

fn main() -> io::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let acceptor = Acceptor::new().max_message(1024);
    let news = Sender::new(RING_LEN);
    loop {
        let (tcp, _) = listener.accept().await?;
        let (acceptor, news) = (acceptor.clone(), news.clone());
        tokio::spawn(async move {
            if let Err(error) = subscribe(&acceptor, tcp, &news, options.tuned).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn subscribe(
    acceptor: &Acceptor,
    tcp: TcpStream,
    news: &Sender<Prepared>,
    tuned: bool,
) -> Result<(), Error> {
    let mut ws = acceptor.accept(tcp).await?;
    let mut receiver = news.subscribe();
    loop {
        tokio::select! {
            biased;
            received = ws.recv_ref() => match received? {
                Some((MessageRef::Text(text), _)) => publish(news, text),
                Some(_) => {}
                None => return Ok(()),
            },
            message = receiver.recv() => {
                let is_too_slow = match message {
                    Ok(message) => queue(&mut ws, &message) || tuned && queue_more(&mut ws, &mut receiver),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return Ok(()),
                };
                if is_too_slow {
                    return ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await;
                }
            },
        }
    }
}

/// Queues a message; whether there is no room for it.
fn queue(ws: &mut WebSocket, message: &Prepared) -> bool {
    matches!(ws.try_send(message), Err(TrySendError::Full(_)))
}

/// Queues what is there already; whether there is no room for it.
fn queue_more(ws: &mut WebSocket, receiver: &mut Receiver<Prepared>) -> bool {
    std::iter::from_fn(|| receiver.try_recv().ok()).any(|message| queue(ws, &message))
}

fn publish(news: &Sender<Prepared>, order: &str) {
    let Some(order) = Order::parse(order) else {
        return;
    };
    for _ in 0..order.messages {
        // An error says that nobody listens.
        drop(news.send(Prepared::new("a".repeat(order.len))));
    }
}
