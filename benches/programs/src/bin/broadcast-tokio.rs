//! A broadcasting server like the example `tokio_broadcast`. It encodes each message once for all
//! subscribers. For each subscriber, it writes the waiting messages together.
//!
//! A subscriber orders messages with the text `MESSAGES LEN`. The server then publishes `MESSAGES`
//! texts of `LEN` bytes each.

#![forbid(unsafe_code)]

use std::io;

use clap::Parser;
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{Receiver, Sender};
use ws_bench_programs::broadcast::{Options, Order, RING_LEN};
use ws_bench_programs::tokio_server;
use ws_tokio::{Acceptor, CloseCode, MessageRef, Prepared, TryFeedError, WebSocket};

fn main() -> io::Result<()> {
    let acceptor = Acceptor::new().max_message(1024);
    let news = Sender::new(RING_LEN);
    tokio_server::run_on(Options::parse().address(), |tcp| {
        let (acceptor, news) = (acceptor.clone(), news.clone());
        async move {
            let served = subscribe(&acceptor, tcp, &news).await;
            served.inspect_err(|error| eprintln!("{error}"))
        }
    })
}

async fn subscribe(
    acceptor: &Acceptor,
    tcp: TcpStream,
    news: &Sender<Prepared>,
) -> std::io::Result<()> {
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
                let queued = match message {
                    Ok(message) => queue(&mut ws, message, &mut receiver),
                    Err(RecvError::Lagged(_)) => Err(TooSlow),
                    Err(RecvError::Closed) => return Ok(()),
                };
                if queued.is_err() {
                    return Ok(ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await?);
                }
            },
        }
    }
}

/// The error for a subscriber that does not keep up.
struct TooSlow;

/// Queues `message`, and then the next messages of the channel while there is room. The connection
/// writes all queued messages together.
fn queue(
    ws: &mut WebSocket,
    message: Prepared,
    news: &mut Receiver<Prepared>,
) -> Result<(), TooSlow> {
    let mut next = Ok(message);
    loop {
        match next {
            Ok(message) => match ws.try_feed(&message) {
                Ok(()) => {}
                Err(TryFeedError::Full(_)) => return Err(TooSlow),
                // The connection is closing. The caller continues to receive until the connection
                // ends.
                Err(_) => return Ok(()),
            },
            Err(TryRecvError::Lagged(_)) => return Err(TooSlow),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(()),
        }
        if !ws.has_room() {
            return Ok(());
        }
        next = news.try_recv();
    }
}

fn publish(news: &Sender<Prepared>, order: &str) {
    let Some(order) = Order::parse(order) else {
        return;
    };
    for _ in 0..order.messages {
        // An error means that there is no subscriber.
        drop(news.send(Prepared::new("a".repeat(order.len))));
    }
}
