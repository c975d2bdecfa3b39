//! The sending half of a connection, with its seat in a registry.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use ws_proto::SendHalf;
#[cfg(feature = "stats")]
use ws_proto::Traffic;

use super::admission::Admission;
use super::seat::{Order, Phase, Seat};
#[cfg(feature = "stats")]
use super::stats::LastCount;
use crate::clock::Direction;
use crate::state::Cause;
use crate::trace::Trace;

/// The sending half of the core. It leaves the registry when it is dropped, and then reports how
/// the connection ended.
pub(crate) struct Seated {
    half: SendHalf,
    /// Empty if the connection is in no registry.
    admission: Admission,
    pub(crate) trace: Trace,
    /// The counters of received traffic at the last wait for input.
    #[cfg(feature = "stats")]
    pub(crate) received: Traffic,
}

impl Seated {
    pub(crate) fn new(half: SendHalf) -> Self {
        Self {
            half,
            admission: Admission::default(),
            trace: Trace::default(),
            #[cfg(feature = "stats")]
            received: Traffic::default(),
        }
    }

    /// Puts the connection into the registry of `admission`. The opening handshake is complete.
    pub(crate) fn admit(&mut self, admission: Admission) {
        if admission.is_some() {
            admission.reach(Phase::Open);
            self.half.watch();
        }
        self.admission = admission;
    }

    /// Returns the way in which the state of receiving reports its last counters.
    #[cfg(feature = "stats")]
    pub(crate) fn last_count(&self) -> LastCount {
        self.admission.last_count()
    }

    /// Returns the order of the registry that is still to be carried out. Stores the waker of the
    /// task, which is about to wait. Not inlined, to keep its code out of the path of connections
    /// without a registry.
    #[inline(never)]
    pub(crate) fn wait(&self, cx: &Context<'_>, direction: Direction) -> Option<Order> {
        if self.admission.is_some() && !self.half.is_open() {
            self.admission.reach(Phase::Closing);
        }
        #[cfg(feature = "stats")]
        self.admission.record(&self.stats());
        self.outstanding(self.admission.wait(cx, direction))
    }

    /// Returns the order of the registry that is still to be carried out.
    pub(crate) fn order(&self) -> Option<Order> {
        self.outstanding(self.admission.order())
    }

    /// Removes an order to close if the connection is closing already.
    fn outstanding(&self, order: Option<Order>) -> Option<Order> {
        order.filter(|order| match order {
            Order::Cut => true,
            Order::Fail => !self.half.has_ended(),
            Order::Close(_) => self.half.is_open(),
        })
    }

    /// Returns the instant at which an open connection is closed because of its age.
    pub(crate) fn expires(&self) -> Option<Instant> {
        self.admission.expires().filter(|_| self.half.is_open())
    }

    /// Returns the seat.
    #[inline]
    pub(super) fn seat(&self) -> Option<&Arc<Seat>> {
        self.admission.seat()
    }

    /// Records that everything that is queued is lost.
    #[cold]
    pub(crate) fn lose_queue(&self) {
        if self.admission.is_some() {
            self.lose(self.half.queued_before_close());
        }
    }

    /// Records that `unsent` queued bytes are lost.
    #[cold]
    pub(crate) fn lose(&self, unsent: usize) {
        self.admission.lose(unsent);
    }

    /// Leaves the registry after the end of the transport. `outcome` is `None` if the connection
    /// was dropped.
    #[cold]
    pub(crate) fn leave(&mut self, outcome: Option<Result<(), Cause>>) {
        self.trace.end(&self.half, outcome);
        if self.admission.is_some() {
            self.lose_queue();
            #[cfg(feature = "stats")]
            self.admission.record(&self.stats());
            let is_clean = self.half.end().is_some_and(|end| end.clean);
            self.admission.leave(is_clean);
        }
    }
}

impl Deref for Seated {
    type Target = SendHalf;

    #[inline(always)]
    fn deref(&self) -> &SendHalf {
        &self.half
    }
}

impl DerefMut for Seated {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut SendHalf {
        &mut self.half
    }
}

impl fmt::Debug for Seated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.half.fmt(f)
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.leave(None);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A connection without a registry pays for one pointer, and for nothing else.
    #[test]
    fn the_seat_is_one_pointer() {
        assert_eq!(size_of::<Admission>(), size_of::<usize>());
    }
}
