//! A news server: every message goes to all subscribers, and none of them can hold up the others.
//!
//! A subscriber that reads too slowly is dropped when it is more than [`BACKLOG`] behind, so that memory is bounded:
//! messages are encoded once and shared, and each subscriber's queue has a limit.
//!
//! ```sh
//! cargo run --example tokio_broadcast -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{Receiver, Sender};
use ws_tokio::{Acceptor, CloseCode, Config, Prepared, TryFeedError, WebSocket};

/// The bytes by which a subscriber may fall behind. This much can be queued for each of them, and one more message.
pub(crate) const BACKLOG: usize = 256 << 10;

/// Messages that wait until every subscriber's task has seen them: a task that is late by more counts as slow.
const RING_LEN: usize = 64;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let news = newsroom();
    tokio::spawn(serve(listener, news.clone()));
    for seconds in 0_u64.. {
        // An error says that nobody listens at the moment.
        let _ = news.send(Prepared::new(format!("up for {seconds} s")));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Where messages are published. Each is encoded once, for however many subscribers.
pub(crate) fn newsroom() -> Sender<Prepared> {
    Sender::new(RING_LEN)
}

/// Accepts subscribers for ever, each with a task of its own.
pub(crate) async fn serve(listener: TcpListener, news: Sender<Prepared>) {
    let config = Config::default()
        .high_water_mark(BACKLOG)
        // Finds subscribers that are gone without a word, also when there is no news.
        .keepalive(Duration::from_secs(30), Duration::from_secs(10));
    // Subscribers have next to nothing to say.
    let acceptor = Acceptor::new().config(config).max_message(1024);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let (acceptor, news) = (acceptor.clone(), news.clone());
                tokio::spawn(async move {
                    if let Err(error) = subscribe(&acceptor, tcp, &news).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one subscriber until it leaves or has to.
async fn subscribe(acceptor: &Acceptor, tcp: TcpStream, news: &Sender<Prepared>) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    // Only now: what is published during the handshake does not make a subscriber late.
    let mut news = news.subscribe();
    loop {
        tokio::select! {
            // Receiving comes first, since it writes what is queued: so the queue is over its mark only if the
            // subscriber does not take it. Giving the future up for a message loses nothing.
            biased;
            received = ws.recv_ref() => match received? {
                Some(_) => {}
                None => return Ok(()),
            },
            message = news.recv() => match message {
                Ok(message) => {
                    if queue(&mut ws, message, &mut news).is_err() {
                        break;
                    }
                }
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => {
                    return Ok(ws.close(CloseCode::GOING_AWAY, "no more news").await?);
                }
            },
        }
    }
    drop(news);
    // The reason leaves behind the backlog. A subscriber that takes less than 64 KiB in `Config::close_timeout` is
    // given up.
    Ok(ws.close(CloseCode::TRY_AGAIN_LATER, "too slow").await?)
}

/// A subscriber does not keep up.
struct TooSlow;

/// Queues `message` and what waits behind it, as far as there is room: it leaves together.
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
                // The subscriber is leaving: go on receiving until it is gone.
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
