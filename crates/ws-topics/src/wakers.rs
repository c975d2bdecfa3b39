//! The wakers of tasks that wait for the same event.

use std::task::Waker;

use slab::Slab;

/// A set of wakers that are woken together.
#[derive(Default)]
pub(crate) struct Wakers {
    list: Slab<Waker>,
    /// The number of times that all wakers were taken. Older tickets are void.
    round: u64,
}

/// The entry of one task in [`Wakers`]. One task uses it for one set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticket(Option<(u64, usize)>);

impl Ticket {
    /// Returns `true` if there may be an entry.
    pub(crate) fn is_used(&self) -> bool {
        self.0.is_some()
    }
}

impl Wakers {
    /// Stores the waker in place of the earlier waker of the same ticket.
    pub(crate) fn register(&mut self, ticket: &mut Ticket, waker: &Waker) {
        match ticket.0 {
            Some((round, key)) if round == self.round => self.list[key].clone_from(waker),
            _ => ticket.0 = Some((self.round, self.list.insert(waker.clone()))),
        }
    }

    /// Removes the waker of the ticket.
    pub(crate) fn forget(&mut self, ticket: &mut Ticket) {
        if let Some((round, key)) = ticket.0.take()
            && round == self.round
        {
            self.list.remove(key);
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Removes all wakers. Wake them when the topic is unlocked, because a waker may run any code.
    pub(crate) fn take(&mut self) -> Woken {
        if self.list.is_empty() {
            return Woken::default();
        }
        self.round += 1;
        Woken(std::mem::take(&mut self.list))
    }
}

/// Wakers that are due.
#[derive(Default)]
#[must_use]
pub(crate) struct Woken(Slab<Waker>);

impl Woken {
    pub(crate) fn add(&mut self, waker: Waker) {
        self.0.insert(waker);
    }

    #[inline]
    pub(crate) fn wake(self) {
        if self.0.is_empty() {
            return;
        }
        for (_, waker) in self.0 {
            waker.wake();
        }
    }
}
