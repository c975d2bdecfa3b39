//! The registry of the connections of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use ws_proto::{CloseCode, CloseFrame, CloseReason};

use super::account::Account;
use super::admission::{Admission, Unavailable};
use super::budget::Budget;
use super::report::{Outcome, Tally};
use super::seat::{Order, Phase, Seat};
use super::shutdown::Shutdown;
#[cfg(feature = "stats")]
use crate::stats::Stats;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::{Runtime, Timer};

/// The registry of the connections of a server. It limits their number and their age, counts them,
/// and shuts them all down.
///
/// Give it to [`Acceptor::registry`](crate::Acceptor::registry). Clones are the same registry, and
/// several acceptors may share one. The settings may be changed at any time.
///
/// No task is spawned, and handlers need no code for it. A connection that waits in any of its
/// methods is woken by the registry, sends the Close, and completes the closing handshake.
/// Receiving methods then return `None`, and sending methods return
/// [`Error::Closed`](crate::Error::Closed).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, stream) = tokio::io::duplex(4096);
/// # let client = tokio::spawn(async move {
/// #     let mut ws = ws_tokio::Connector::new().handshake("ws://example.com/", near).await?;
/// #     assert_eq!(ws.recv().await?, None);
/// #     std::io::Result::Ok(ws.end().map(|end| end.code()))
/// # });
/// use std::time::Duration;
/// use ws_tokio::{Acceptor, CloseCode, Registry};
///
/// let registry = Registry::new().max_connections(10_000);
/// let acceptor = Acceptor::new().registry(&registry);
///
/// let mut ws = acceptor.accept(stream).await?;
/// let handler = tokio::spawn(async move { ws.recv().await }); // knows nothing of a shutdown
/// assert_eq!(registry.counts().open, 1);
///
/// let timeout = Duration::from_secs(10);
/// let report = registry.shutdown(CloseCode::GOING_AWAY, "restart", timeout).await?;
/// assert!(report.is_clean() && report.clean == 1);
/// assert_eq!(handler.await??, None);
/// # assert_eq!(client.await??, Some(CloseCode::GOING_AWAY));
/// # Ok(())
/// # }
/// ```
pub struct Registry<R: Runtime> {
    pub(super) shared: Arc<Shared>,
    runtime: PhantomData<fn() -> R>,
}

/// The number of connections in a [`Registry`], at one moment and in total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The number of opening handshakes.
    pub opening: usize,
    /// The number of open connections.
    pub open: usize,
    /// The number of connections on which at least one end has sent a Close. A connection counts as
    /// closing from its first wait after that.
    pub closing: usize,
    /// The total number of connections that were opened.
    pub opened: u64,
    /// The total number of connections that were refused with status 503.
    pub refused: u64,
    /// The total number of connections that ended with a Close of both ends.
    pub clean: u64,
    /// The total number of connections that ended otherwise.
    pub failed: u64,
}

/// The part that the clones of a registry and the seats share.
pub(super) struct Shared(Mutex<State>);

pub(super) struct State {
    max_connections: usize,
    max_age: Option<Duration>,
    retry_after: Duration,
    budget: Option<Budget>,
    /// The Close of all connections, once a shutdown has begun.
    shutdown: Option<CloseFrame>,
    /// The seats by their numbers, so the oldest connection is the first.
    seats: BTreeMap<u64, Arc<Seat>>,
    next_id: u64,
    /// Its totals of ended connections are in `tally`.
    counts: Counts,
    pub(super) tally: Tally,
    /// The sums of the counters of ended connections.
    #[cfg(feature = "stats")]
    pub(super) ended: Stats,
    /// The shutdowns that wait until no connection is left.
    waiting: Vec<Waker>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            max_connections: usize::MAX,
            max_age: None,
            retry_after: Duration::from_secs(5),
            budget: None,
            shutdown: None,
            seats: BTreeMap::new(),
            next_id: 0,
            counts: Counts::default(),
            tally: Tally::default(),
            #[cfg(feature = "stats")]
            ended: Stats::default(),
            waiting: Vec::new(),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Moves a connection to another count.
    pub(super) fn moved(&self, from: Phase, to: Phase) {
        let mut state = self.lock();
        state.counts.opened += u64::from(to == Phase::Open);
        state.counts.leave(from);
        state.counts.enter(to);
    }

    /// Removes a connection. Wakes the shutdowns if it was the last one.
    pub(super) fn left(
        &self,
        id: u64,
        phase: Phase,
        outcome: Outcome,
        unsent: u64,
        #[cfg(feature = "stats")] stats: &Stats,
    ) {
        let mut state = self.lock();
        #[cfg(feature = "stats")]
        state.ended.add(stats);
        state.seats.remove(&id);
        state.counts.leave(phase);
        state.counts.refused += u64::from(outcome == Outcome::Refused);
        state.tally.add(outcome, unsent);
        if state.seats.is_empty() {
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl State {
    /// Begins a shutdown: no connection is admitted from now on. Returns all seats, the oldest
    /// first.
    pub(super) fn shut_down(&mut self, close: &CloseFrame) -> Vec<Arc<Seat>> {
        self.shutdown = Some(close.clone());
        self.seats.values().cloned().collect()
    }

    /// Returns the number of connections.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Returns the number of connections. Stores `waker`, which is woken when none is left.
    pub(super) fn wait(&mut self, waker: &Waker) -> usize {
        if !self.waiting.iter().any(|other| other.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
        self.seats.len()
    }

    /// Returns the counters of ended connections, and the seats of the others.
    #[cfg(feature = "stats")]
    pub(super) fn measured(&self) -> (Stats, Vec<Arc<Seat>>) {
        (self.ended, self.seats.values().cloned().collect())
    }

    fn check(&mut self) -> Result<(), Unavailable> {
        let unavailable = match self.shutdown {
            Some(_) => self.shutting_down(),
            None if self.seats.len() >= self.max_connections => Unavailable::Full {
                retry_after: self.retry_after,
            },
            None => return Ok(()),
        };
        self.counts.refused += 1;
        Err(unavailable)
    }

    pub(super) fn shutting_down(&self) -> Unavailable {
        Unavailable::ShuttingDown {
            retry_after: self.retry_after,
        }
    }

    /// Returns the age at which the connection with this number is closed.
    ///
    /// The ages are spread over the last tenth of the maximum. Otherwise the connections of clients
    /// that came at the same time, as they do after a restart, would all be closed at the same
    /// time. The multiples of the golden ratio are spread evenly.
    fn age_of(&self, id: u64) -> Option<Duration> {
        let max = self.max_age?;
        let spread = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let tenth = max / 10;
        let part = tenth.as_secs_f64() * (spread as f64 / f64::from(u32::MAX));
        Some(max.saturating_sub(Duration::from_secs_f64(part)))
    }
}

impl Counts {
    fn place(&mut self, phase: Phase) -> Option<&mut usize> {
        match phase {
            Phase::Opening => Some(&mut self.opening),
            Phase::Open => Some(&mut self.open),
            Phase::Closing => Some(&mut self.closing),
            Phase::Left => None,
        }
    }

    fn enter(&mut self, phase: Phase) {
        if let Some(count) = self.place(phase) {
            *count += 1;
        }
    }

    fn leave(&mut self, phase: Phase) {
        if let Some(count) = self.place(phase) {
            *count -= 1;
        }
    }
}

impl<R: Runtime> Registry<R> {
    /// Makes a registry without limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared::new()),
            runtime: PhantomData,
        }
    }

    /// Sets the maximum number of connections, including those in their opening and closing
    /// handshakes. Further clients are refused with status 503. The default is no maximum.
    ///
    /// A refused client costs at most 1 s and, if the acceptor uses TLS, a TLS handshake. Its
    /// request is not read, so health checks are refused as well.
    #[must_use]
    pub fn max_connections(self, count: usize) -> Self {
        self.shared.lock().max_connections = count;
        self
    }

    /// Sets the maximum age of connections. An older connection is closed with the code
    /// [`GOING_AWAY`](CloseCode::GOING_AWAY). The default is no maximum.
    ///
    /// The age counts from the beginning of the opening handshake. Connections are closed at 90 to
    /// 100 % of the maximum, so that clients that came at the same time do not all return at the
    /// same time. A setting applies to connections that begin later.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        self.shared.lock().max_age = Some(age);
        self
    }

    /// Sets the time after which a refused client is asked to try again, in whole seconds
    /// (`Retry-After`, RFC 9110 §10.2.3). Default: 5 s.
    #[must_use]
    pub fn retry_after(self, time: Duration) -> Self {
        self.shared.lock().retry_after = time;
        self
    }

    /// Sets the bound on the memory of all connections together: see [`Budget`]. Several registries
    /// may share a budget. The default is no bound.
    ///
    /// A setting applies to connections that begin later.
    #[must_use]
    pub fn budget(self, budget: &Budget) -> Self {
        self.shared.lock().budget = Some(budget.clone());
        self
    }

    /// Returns the number of connections.
    pub fn counts(&self) -> Counts {
        let state = self.shared.lock();
        Counts {
            clean: state.tally.clean,
            failed: state.tally.failed.saturating_add(state.tally.cut),
            ..state.counts
        }
    }

    /// Returns `true` once a shutdown has begun. All further clients are refused with status 503.
    pub fn is_shut_down(&self) -> bool {
        self.shared.lock().shutdown.is_some()
    }

    /// Shuts down: refuses further clients, and closes all connections with `code` and `reason`.
    /// Returns when all have ended, or soon after `timeout`.
    ///
    /// * An opening handshake without an answer is refused with status 503.
    /// * A connection sends its Close after everything that is queued. The next call of its handler
    ///   that waits sees the end as if the handler had called
    ///   [`start_close`](crate::WebSocket::start_close). Messages that arrive before the Close of
    ///   the peer are still received. A handler that gets [`Error::Closed`](crate::Error::Closed)
    ///   should receive until `None`, or await [`close`](crate::WebSocket::close). If it drops the
    ///   connection at once, the queue and the Close may be lost.
    /// * After `timeout`, the transports of all connections that are left are dropped. Their
    ///   handlers get [`Timeout::Shutdown`](crate::Timeout::Shutdown). A handler that does not poll
    ///   its connection cannot be reached. The shutdown waits 1 s longer, up to 10 s while
    ///   connections end in each second, and counts the rest as
    ///   [`remaining`](super::Report::remaining).
    ///
    /// `reason` is cut to the 123 bytes that a Close can hold. [`paced`](Shutdown::paced) spreads
    /// the Closes over time. Nothing happens before the future is polled.
    ///
    /// # Errors
    ///
    /// The [`SendError`](crate::SendError) of [`start_close`](crate::WebSocket::start_close) if the
    /// code must not be sent. Nothing was shut down.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, clients are still refused, but no further connection is closed or
    /// cut. Another shutdown continues.
    pub fn shutdown(
        &self,
        code: CloseCode,
        reason: impl AsRef<str>,
        timeout: Duration,
    ) -> Shutdown<R> {
        let close = CloseFrame::new(code, CloseReason::truncated(reason));
        Shutdown::new(self.clone(), close, timeout)
    }

    /// Admits a connection that is about to begin.
    pub(crate) fn admit(&self) -> Result<Admission, Unavailable> {
        let mut state = self.shared.lock();
        state.check()?;
        Ok(self.seat(&mut state))
    }

    /// Admits a connection, even if the registry is full. If the registry was shut down, the
    /// connection is told to close.
    pub(crate) fn admit_always(&self) -> Admission {
        self.seat(&mut self.shared.lock())
    }

    fn seat(&self, state: &mut State) -> Admission {
        let id = state.next_id;
        state.next_id += 1;
        let expires: Option<Instant> = state.age_of(id).map(R::Timer::after);
        let account = state.budget.as_ref().map(Account::open);
        let seat = Seat::new(Arc::clone(&self.shared), id, expires, account);
        let seat = Arc::new(seat);
        if let Some(close) = &state.shutdown {
            seat.give(Order::Close(close.clone()));
        }
        state.seats.insert(id, Arc::clone(&seat));
        state.counts.enter(Phase::Opening);
        Admission::new(seat)
    }
}

impl<R: Runtime> Default for Registry<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Runtime> Clone for Registry<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            runtime: PhantomData,
        }
    }
}

impl<R: Runtime> fmt::Debug for Registry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
