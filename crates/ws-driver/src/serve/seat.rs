//! The seat of one connection.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use ws_proto::CloseFrame;

use super::account::Account;
use super::admission::Unavailable;
use super::ledger::Use;
use super::registry::Shared;
use super::report::Outcome;
use crate::clock::Direction;
#[cfg(feature = "stats")]
use crate::stats::Stats;
use crate::sync::{Mutex, lock};

/// The command of the registry to one connection.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// Send this Close, after everything that is queued.
    Close(CloseFrame),
    /// Fail the connection, because the budget is used up.
    Fail,
    /// Drop the transport.
    Cut,
}

/// The part of its life that a connection has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The opening handshake.
    Opening,
    Open,
    /// At least one end has sent a Close.
    Closing,
    /// The connection has left the registry.
    Left,
}

/// The place of one connection in its registry. The connection and the registry share it.
pub(crate) struct Seat {
    registry: Arc<Shared>,
    id: u64,
    /// The instant at which the connection is closed because of its age.
    pub(super) expires: Option<Instant>,
    /// Present if the registry has a budget.
    account: Option<Account>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    order: Option<Order>,
    /// The number of bytes that were queued when the transport was lost.
    unsent: u64,
    /// The tasks that wait, one for each direction. Two tasks may wait for one connection.
    waiting: [Option<Waker>; 2],
    /// The last counters of the connection.
    #[cfg(feature = "stats")]
    stats: Stats,
}

impl Seat {
    pub(super) fn new(
        registry: Arc<Shared>,
        id: u64,
        expires: Option<Instant>,
        account: Option<Account>,
    ) -> Self {
        Self {
            registry,
            id,
            expires,
            account,
            state: Mutex::new(State {
                phase: Phase::Opening,
                order: None,
                unsent: 0,
                waiting: [None, None],
                #[cfg(feature = "stats")]
                stats: Stats::default(),
            }),
        }
    }

    /// Gives an order and wakes the connection. A connection that was cut stays cut, and one that
    /// was told to fail is not told to close.
    pub(super) fn give(&self, order: Order) {
        let mut state = lock(&self.state);
        match (&state.order, &order) {
            _ if state.phase == Phase::Left => return,
            (Some(Order::Cut), _) | (Some(Order::Fail), Order::Close(_)) => return,
            _ => state.order = Some(order),
        }
        drop(state);
        self.wake();
    }

    /// Wakes the tasks that wait.
    pub(super) fn wake(&self) {
        let mut state = lock(&self.state);
        let waiting = std::mem::take(&mut state.waiting);
        // The lock is released first, because waking may run code that uses the seat.
        drop(state);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn is_opening(&self) -> bool {
        lock(&self.state).phase == Phase::Opening
    }

    /// Stores the waker of a task that is about to wait, and returns the order.
    pub(super) fn wait(&self, direction: Direction, waker: &Waker) -> Option<Order> {
        let mut state = lock(&self.state);
        match &mut state.waiting[direction as usize] {
            Some(old) => old.clone_from(waker),
            slot => *slot = Some(waker.clone()),
        }
        state.order.clone()
    }

    /// Returns the order, for a connection that does not wait.
    pub(super) fn order(&self) -> Option<Order> {
        lock(&self.state).order.clone()
    }

    /// Returns the error for a client that was admitted before a shutdown and has no answer.
    pub(super) fn shutting_down(&self) -> Unavailable {
        self.registry.lock().shutting_down()
    }

    /// Records that the connection has reached `phase`. It never returns to an earlier one.
    pub(super) fn reach(&self, phase: Phase) {
        let mut state = lock(&self.state);
        let before = state.phase;
        if before as u8 >= phase as u8 {
            return;
        }
        state.phase = phase;
        drop(state);
        self.registry.moved(before, phase);
    }

    pub(super) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Records the memory of the connection for one use.
    pub(super) fn hold(self: &Arc<Self>, of: Use, bytes: usize) {
        if let Some(account) = &self.account
            && account.store(of, bytes)
        {
            account.ledger.hold(account.id, self, of, bytes);
        }
    }

    /// Records if the connection waits for memory. Called with the lock of the ledger.
    pub(super) fn note_waiting(&self, waits: bool) {
        if let Some(account) = &self.account {
            account.note_waiting(waits);
        }
    }

    /// Records bytes that will not be sent.
    pub(super) fn lose(&self, unsent: usize) {
        let unsent = u64::try_from(unsent).unwrap_or(u64::MAX);
        let mut state = lock(&self.state);
        state.unsent = state.unsent.saturating_add(unsent);
    }

    /// Leaves the registry. `is_clean` if both ends have sent a Close.
    pub(super) fn leave(&self, is_clean: bool) {
        let mut state = lock(&self.state);
        let before = std::mem::replace(&mut state.phase, Phase::Left);
        let outcome = match (before, &state.order) {
            (Phase::Left, _) => return,
            (Phase::Opening, None) => Outcome::NotOpened,
            (Phase::Opening, Some(_)) => Outcome::Refused,
            (Phase::Open | Phase::Closing, _) if is_clean => Outcome::Clean,
            (Phase::Open | Phase::Closing, Some(Order::Cut)) => Outcome::Cut,
            (Phase::Open | Phase::Closing, _) => Outcome::Failed,
        };
        let unsent = state.unsent;
        state.waiting = [None, None];
        #[cfg(feature = "stats")]
        let stats = state.stats;
        drop(state);
        if let Some(account) = &self.account {
            account.ledger.close(account.id);
        }
        self.registry.left(
            self.id,
            before,
            outcome,
            unsent,
            #[cfg(feature = "stats")]
            &stats,
        );
    }

    /// Stores newer counters of the connection. After the connection has left the registry, adds
    /// what is new to the sums. The seat then keeps the former counters, because the sums may
    /// already include them.
    #[cfg(feature = "stats")]
    pub(super) fn record(&self, stats: &Stats) {
        let mut state = lock(&self.state);
        if state.phase != Phase::Left {
            return state.stats.advance(stats);
        }
        let new = stats.since(&state.stats);
        drop(state);
        self.registry.lock().ended.add(&new);
    }

    #[cfg(feature = "stats")]
    pub(super) fn stats(&self) -> Stats {
        lock(&self.state).stats
    }
}
