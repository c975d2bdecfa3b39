//! Shows a news server: each message goes to all subscribers, and no subscriber delays another.
//!
//! The memory is bounded. Each message is encoded once, and all subscribers share it. The queue of
//! a subscriber holds at most [`BACKLOG`] bytes plus one message. A subscriber that reads too
//! slowly is disconnected.
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

/// The number of queued bytes from which the task of a subscriber waits for room.
pub(crate) const BACKLOG: usize = 256 << 10;

/// The longest time for which the task of a subscriber waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(3);

/// The number of messages that the channel keeps for the tasks that wait for room. A subscriber
/// that is further behind is disconnected.
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
        // Disconnects subscribers that have vanished, even while there is no news.
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
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
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
    // The subscription begins after the handshake. Otherwise messages would accumulate during a
    // slow handshake.
    let mut subscription = news.subscribe();
    // If this task kept its clone of the sender, the channel would stay open after the end of the
    // news.
    drop(news);
    loop {
        tokio::select! {
            // Receiving answers Pings, and writes the queue. `select!` drops this future when news
            // arrives. Dropping it loses no message.
            received = ws.recv_ref() => {
                if received?.is_none() {
                    return Ok(());
                }
            }
            message = subscription.recv() => match message {
                Ok(message) => match timeout(PATIENCE, ws.feed(&message)).await {
                    Ok(Ok(())) => {}
                    // The connection is closing. `recv_ref` returns `None` when the connection has
                    // ended.
                    Ok(Err(Error::Closed(_))) => {}
                    Ok(Err(error)) => return Err(error.into()),
                    // The queue has been full for all of `PATIENCE`.
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
    // The Close is sent after the queued messages. If the subscriber takes less than 64 KiB in a
    // period of `Config::close_timeout`, the connection ends without a Close.
    Ok(ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await?)
}
