//! A network in memory. A test programs the answer of each address, path and host name. Each thread
//! has one network.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ws_driver::transport::Timer;

use super::server::{Connection, Server};
use super::{Peer, Scripted};
use crate::clock::{self, ManualTimer};

thread_local! {
    static NETWORK: RefCell<Network> = RefCell::default();
}

#[derive(Default)]
struct Network {
    places: HashMap<Place, Vec<Answer<Server>>>,
    names: HashMap<String, Answer<Vec<SocketAddr>>>,
    attempts: Vec<Attempt>,
    lookups: Vec<String>,
    /// The number of lookups that are running.
    looking_up: usize,
    connections: Vec<Connection>,
}

/// A place that a client can connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An address of TCP.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// The answer to an attempt to connect, or to a lookup of a name.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    after: Duration,
    outcome: Outcome<T>,
}

#[derive(Clone, Debug)]
enum Outcome<T> {
    Success(T),
    Failure(io::ErrorKind),
    Never,
}

impl<T> Answer<T> {
    /// Succeeds at once.
    #[must_use]
    pub fn success(value: T) -> Self {
        Self::of(Outcome::Success(value))
    }

    /// Fails at once.
    #[must_use]
    pub fn failure(kind: io::ErrorKind) -> Self {
        Self::of(Outcome::Failure(kind))
    }

    /// Stays pending forever.
    #[must_use]
    pub fn never() -> Self {
        Self::of(Outcome::Never)
    }

    fn of(outcome: Outcome<T>) -> Self {
        Self {
            after: Duration::ZERO,
            outcome,
        }
    }

    /// Takes `time` longer.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after += time;
        self
    }

    async fn give(self) -> io::Result<T> {
        if !self.after.is_zero() {
            let mut timer = ManualTimer::at(ManualTimer::after(self.after));
            poll_fn(|cx| timer.poll(cx)).await;
        }
        match self.outcome {
            Outcome::Success(value) => Ok(value),
            Outcome::Failure(kind) => Err(kind.into()),
            Outcome::Never => pending().await,
        }
    }
}

/// An attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The place.
    pub place: Place,
    /// The virtual time of the start.
    pub start: Duration,
    /// The progress.
    pub progress: Progress,
}

/// The progress of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The attempt has neither ended nor been dropped.
    Running,
    /// The attempt has succeeded.
    Connected,
    /// The attempt has failed.
    Failed,
    /// The attempt was dropped before its end.
    Dropped,
}

/// Counts a lookup while it runs.
struct Lookup;

impl Drop for Lookup {
    fn drop(&mut self) {
        NETWORK.with_borrow_mut(|network| network.looking_up -= 1);
    }
}

/// Notes that an attempt is dropped, unless it has ended.
struct Running(usize);

impl Running {
    fn end(&self, progress: Progress) {
        NETWORK.with_borrow_mut(|network| {
            if let Some(attempt) = network.attempts.get_mut(self.0)
                && attempt.progress == Progress::Running
            {
                attempt.progress = progress;
            }
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Progress::Dropped);
    }
}

/// Resolves a name. A name without an answer has the address 127.0.0.1.
pub(super) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let default = || Answer::success(vec![([127, 0, 0, 1], port).into()]);
    let answer = NETWORK.with_borrow_mut(|network| {
        network.lookups.push(format!("{host}:{port}"));
        network.looking_up += 1;
        network.names.get(host).cloned().unwrap_or_else(default)
    });
    let _running = Lookup;
    answer.give().await
}

/// Connects. A place without an answer stays silent.
pub(super) async fn connect(place: Place) -> io::Result<Scripted> {
    let (index, answer) = NETWORK.with_borrow_mut(|network| network.start(place));
    let running = Running(index);
    let given = answer.give().await;
    running.end(match given {
        Ok(_) => Progress::Connected,
        Err(_) => Progress::Failed,
    });
    let (transport, connection) = given?.accept();
    NETWORK.with_borrow_mut(|network| network.connections.push(connection));
    Ok(transport)
}

impl Network {
    /// Notes an attempt. Returns its index and its answer. The last answer of a place is repeated.
    fn start(&mut self, place: Place) -> (usize, Answer<Server>) {
        let answer = match self.places.get_mut(&place) {
            None => Answer::never(),
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
        };
        self.attempts.push(Attempt {
            place,
            start: clock::elapsed(),
            progress: Progress::Running,
        });
        (self.attempts.len() - 1, answer)
    }
}

/// Adds an answer of a TCP address. Each attempt takes one answer, and the last one is repeated.
///
/// # Panics
///
/// If the text is not an address with a port.
pub fn at(address: &str, answer: Answer<Server>) {
    let place = Place::Tcp(address.parse().expect("an address with a port"));
    NETWORK.with_borrow_mut(|network| network.places.entry(place).or_default().push(answer));
}

/// Adds an answer of a Unix socket.
pub fn at_path(path: &str, answer: Answer<Server>) {
    let place = Place::Unix(path.into());
    NETWORK.with_borrow_mut(|network| network.places.entry(place).or_default().push(answer));
}

/// Sets the answer to lookups of a name.
pub fn name(host: &str, answer: Answer<Vec<SocketAddr>>) {
    NETWORK.with_borrow_mut(|network| network.names.insert(host.to_owned(), answer));
}

/// Parses addresses that are separated by spaces.
///
/// # Panics
///
/// If a word is not an address with a port.
#[must_use]
pub fn addresses(text: &str) -> Vec<SocketAddr> {
    let words = text.split_whitespace();
    words
        .map(|word| word.parse().expect("an address with a port"))
        .collect()
}

/// Forgets all answers and everything that has happened.
pub fn clear() {
    NETWORK.take();
}

/// Returns the attempts to connect, in the order of their starts.
#[must_use]
pub fn attempts() -> Vec<Attempt> {
    NETWORK.with_borrow(|network| network.attempts.clone())
}

/// Returns the lookups as `host:port`.
#[must_use]
pub fn lookups() -> Vec<String> {
    NETWORK.with_borrow(|network| network.lookups.clone())
}

/// Returns the heads that all servers have received, in the order of the connections.
#[must_use]
pub fn heads() -> Vec<String> {
    NETWORK.with_borrow(|network| {
        let connections = network.connections.iter();
        connections
            .flat_map(|connection| connection.heads.iter().cloned())
            .collect()
    })
}

/// Returns the peers of all connections.
#[must_use]
pub fn peers() -> Vec<Peer> {
    NETWORK.with_borrow(|network| {
        let connections = network.connections.iter();
        connections
            .map(|connection| connection.peer.clone())
            .collect()
    })
}

/// Returns the number of lookups, attempts and transports that the client has not dropped.
#[must_use]
pub fn live() -> usize {
    NETWORK.with_borrow(|network| {
        let attempts = network.attempts.iter();
        let running = attempts.filter(|attempt| attempt.progress == Progress::Running);
        let peers = network.connections.iter();
        let open = peers.filter(|connection| !connection.peer.is_dropped());
        network.looking_up + running.count() + open.count()
    })
}

/// Returns the number of timers that servers have.
#[must_use]
pub fn timers() -> usize {
    NETWORK.with_borrow(|network| {
        let connections = network.connections.iter();
        connections
            .filter(|connection| connection.has_timer())
            .count()
    })
}

/// Runs a future. Whenever the future is pending, the servers read and answer.
pub async fn serving<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            serve(cx);
        }
        polled
    })
    .await
}

fn serve(cx: &mut Context<'_>) {
    NETWORK.with_borrow_mut(|network| {
        for connection in &mut network.connections {
            let _: Poll<()> = connection.poll(cx);
        }
    });
}
