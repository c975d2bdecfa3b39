//! A broadcasting server on `ws-topics`. It does the same as `broadcast-tokio`.
//!
//! A subscriber orders messages with the text `MESSAGES LEN`. The server then publishes `MESSAGES`
//! texts of `LEN` bytes each.

#![forbid(unsafe_code)]

use std::io;

use clap::Parser;
use tokio::net::TcpStream;
use ws_bench_programs::broadcast::{Options, Order, RING_LEN};
use ws_bench_programs::tokio_server;
use ws_tokio::{Acceptor, MessageRef};
use ws_topics::{Forwarded, Policy, Topic};

fn main() -> io::Result<()> {
    let acceptor = Acceptor::new().max_message(1024);
    let news = Topic::new();
    tokio_server::run_on(Options::parse().address(), |tcp| {
        let (acceptor, news) = (acceptor.clone(), news.clone());
        async move {
            let served = subscribe(&acceptor, tcp, &news).await;
            served.inspect_err(|error| eprintln!("{error}"))
        }
    })
}

async fn subscribe(acceptor: &Acceptor, tcp: TcpStream, news: &Topic) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    let mut subscription = news.subscribe(Policy::close().messages(RING_LEN));
    while let Some(forwarded) = subscription.forward(&mut ws).await? {
        if let Forwarded::Received(message) = forwarded
            && let MessageRef::Text(order) = message.as_ref()
        {
            publish(news, order).await;
        }
    }
    Ok(())
}

async fn publish(news: &Topic, order: &str) {
    let Some(order) = Order::parse(order) else {
        return;
    };
    for _ in 0..order.messages {
        news.publish("a".repeat(order.len)).await;
    }
}
