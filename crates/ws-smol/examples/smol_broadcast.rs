//! A news server: every message goes to all subscribers, and none of them can hold up the others.
//!
//! A subscriber that reads too slowly is dropped when it is more than [`BACKLOG`] behind, so that memory is bounded:
//! messages are encoded once and shared, and each subscriber's queue has a limit.
//!
//! ```sh
//! cargo run --example smol_broadcast -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use async_broadcast::{InactiveReceiver, Receiver, RecvError, Sender, TryRecvError};
use smol::Timer;
use smol::future;
use smol::net::{TcpListener, TcpStream};
use ws_smol::{Acceptor, CloseCode, Config, Prepared, TryFeedError, WebSocket};

/// The bytes by which a subscriber may fall behind. This much can be queued for each of them, and one more message.
pub(crate) const BACKLOG: usize = 256 << 10;

/// Messages that wait until every subscriber's task has seen them: a task that is late by more counts as slow.
const RING_LEN: usize = 64;

fn main() -> io::Result<()> {
    smol::block_on(async {
        let address = env::args().nth(1);
        let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
        println!("listening on ws://{}", listener.local_addr()?);
        let (publisher, news) = newsroom();
        smol::spawn(serve(listener, news)).detach();
        for seconds in 0_u64.. {
            // An error says that nobody listens at the moment.
            let _ = publisher.try_broadcast(Prepared::new(format!("up for {seconds} s")));
            Timer::after(Duration::from_secs(1)).await;
        }
        Ok(())
    })
}

/// Where messages are published, and where subscribers come from. Each message is encoded once, for however many of
/// them.
pub(crate) fn newsroom() -> (Sender<Prepared>, InactiveReceiver<Prepared>) {
    let (mut publisher, news) = async_broadcast::broadcast(RING_LEN);
    // Those who are late lose messages; nobody waits for them.
    publisher.set_overflow(true);
    (publisher, news.deactivate())
}

/// Accepts subscribers for ever, each with a task of its own.
pub(crate) async fn serve(listener: TcpListener, news: InactiveReceiver<Prepared>) {
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
                smol::spawn(async move {
                    if let Err(error) = subscribe(&acceptor, tcp, news).await {
                        eprintln!("{peer}: {error}");
                    }
                })
                .detach();
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                Timer::after(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What a subscriber's task waits for.
enum Event {
    /// A message of the subscriber; `false`: it has left.
    Received(bool),
    /// News.
    Published(Result<Prepared, RecvError>),
}

/// Serves one subscriber until it leaves or has to.
async fn subscribe(
    acceptor: &Acceptor,
    tcp: TcpStream,
    news: InactiveReceiver<Prepared>,
) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    // Only now: what is published during the handshake does not make a subscriber late.
    let mut news = news.activate();
    loop {
        // Receiving comes first, since it writes what is queued: so the queue is over its mark only if the subscriber
        // does not take it. Giving the future up for a message loses nothing.
        let received = async {
            ws.recv_ref()
                .await
                .map(|message| Event::Received(message.is_some()))
        };
        let published = async { Ok(Event::Published(news.recv().await)) };
        match future::or(received, published).await? {
            Event::Received(true) => {}
            Event::Received(false) => return Ok(()),
            Event::Published(Ok(message)) => {
                if queue(&mut ws, message, &mut news).is_err() {
                    break;
                }
            }
            Event::Published(Err(RecvError::Overflowed(_))) => break,
            Event::Published(Err(RecvError::Closed)) => {
                return Ok(ws.close(CloseCode::GOING_AWAY, "no more news").await?);
            }
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
            Err(TryRecvError::Overflowed(_)) => return Err(TooSlow),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(()),
        }
        if !ws.has_room() {
            return Ok(());
        }
        next = news.try_recv();
    }
}
