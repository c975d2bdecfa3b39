//! The account of one connection with the budget of its server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::budget::Budget;
use super::ledger::{FREE, Ledger, USES, Use};

/// The account of one connection. It has a copy of what the ledger has, so that the lock of the
/// ledger is only taken for a change.
pub(super) struct Account {
    pub(super) ledger: Arc<Ledger>,
    /// The number of the account in the ledger.
    pub(super) id: u64,
    held: [AtomicUsize; USES],
    waits: AtomicBool,
}

impl Account {
    pub(super) fn open(budget: &Budget) -> Self {
        Self {
            id: budget.0.open(),
            ledger: Arc::clone(&budget.0),
            held: Default::default(),
            waits: AtomicBool::new(false),
        }
    }

    /// Stores the memory for one use. Returns `true` if it has changed. Only one task at a time
    /// changes one use.
    pub(super) fn store(&self, of: Use, bytes: usize) -> bool {
        self.held[of as usize].swap(bytes, Ordering::Relaxed) != bytes
    }

    /// Returns `true` if the connection may read on even if the budget is used up.
    pub(super) fn is_small(&self) -> bool {
        let held = |of: Use| self.held[of as usize].load(Ordering::Relaxed);
        held(Use::Message).saturating_add(held(Use::Queue)) <= FREE
    }

    /// Records if the connection waits for memory. Called with the lock of the ledger.
    pub(super) fn note_waiting(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }

    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }
}
