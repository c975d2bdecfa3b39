//! Shows a news server: each message goes to all subscribers, and no subscriber delays another.
//!
//! The memory is bounded. Each message is encoded once and shared. Each subscriber has a queue of
//! at most [`BACKLOG`] bytes and one message, and is dropped if it reads too slowly.
//!
//! ```sh
//! cargo run --example tokio_broadcast -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::Sender;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use ws_tokio::{Acceptor, CloseCode, Config, Error, Prepared};

/// The bytes that are queued for a subscriber before its task waits for it.
pub(crate) const BACKLOG: usize = 256 << 10;

/// The longest wait for a subscriber with a full queue.
const PATIENCE: Duration = Duration::from_secs(3);

/// The messages that are kept for subscribers whose tasks wait. A subscriber that is further behind
/// is dropped.
const RING_LEN: usize = 64;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let news = newsroom();
    tokio::spawn(serve(listener, news.clone()));
    for seconds in 0_u64.. {
        // An error means that there are no subscribers at the moment.
        let _ = news.send(Prepared::new(format!("up for {seconds} s")));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Makes the channel in which news is published.
pub(crate) fn newsroom() -> Sender<Prepared> {
    Sender::new(RING_LEN)
}

/// Accepts subscribers forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener, news: Sender<Prepared>) {
    let config = Config::default()
        .high_water_mark(BACKLOG)
        // Finds subscribers that have vanished, even while there is no news.
        .keepalive(Duration::from_secs(30), Duration::from_secs(10));
    // Subscribers have no reason to send long messages.
    let acceptor = Acceptor::new().config(config).max_message(1024);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let (acceptor, news) = (acceptor.clone(), news.clone());
                tokio::spawn(async move {
                    if let Err(error) = subscribe(acceptor, tcp, news).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // As in `tokio_echo_server`: usually no more file descriptors.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one subscriber until it leaves or is dropped.
async fn subscribe(acceptor: Acceptor, tcp: TcpStream, news: Sender<Prepared>) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    // After the handshake, so that a slow handshake does not make the subscriber late.
    let mut subscription = news.subscribe();
    // This sender would keep the channel open after the end of the news.
    drop(news);
    loop {
        tokio::select! {
            // Receiving answers Pings, and writes what is queued. `select!` drops this future when
            // there is news, which loses nothing.
            received = ws.recv_ref() => {
                if received?.is_none() {
                    return Ok(());
                }
            }
            message = subscription.recv() => match message {
                Ok(message) => match timeout(PATIENCE, ws.feed(&message)).await {
                    Ok(Ok(())) => {}
                    // The subscriber is leaving. `recv_ref` returns `None` when it has left.
                    Ok(Err(Error::Closed(_))) => {}
                    Ok(Err(error)) => return Err(error.into()),
                    // The queue has been full for the whole time.
                    Err(_) => break,
                },
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => {
                    return Ok(ws.close(CloseCode::GOING_AWAY, "no more news").await?);
                }
            },
        }
    }
    drop(subscription);
    // The Close follows what is queued. If the subscriber takes less than 64 KiB per
    // `Config::close_timeout`, the connection ends without it.
    Ok(ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await?)
}
