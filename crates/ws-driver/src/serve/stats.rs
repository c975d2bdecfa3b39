//! The sums of the counters of all connections.
//!
//! A connection counts by itself. It leaves a copy of its counters in its seat when it waits, and
//! when it ends. The registry adds the copies when it is asked.

use std::sync::Arc;

use ws_proto::Traffic;

use super::admission::Admission;
use super::registry::Registry;
use super::seat::Seat;
use super::seated::Seated;
use crate::stats::Stats;
use crate::transport::Runtime;

/// The way in which the state of receiving reports its last counters. It may be dropped after the
/// state of sending has left the registry.
#[derive(Default)]
pub(crate) struct LastCount(Option<Arc<Seat>>);

impl LastCount {
    /// Reports the last counters.
    pub(crate) fn close(&mut self, received: Traffic) {
        if let Some(seat) = self.0.take() {
            seat.record(&Stats {
                received,
                ..Stats::default()
            });
        }
    }
}

impl Admission {
    pub(super) fn last_count(&self) -> LastCount {
        LastCount(self.seat().cloned())
    }

    pub(super) fn record(&self, stats: &Stats) {
        if let Some(seat) = self.seat() {
            seat.record(stats);
        }
    }
}

impl Seated {
    /// Returns the counters. Those of the received traffic are as old as the last wait for input.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            received: self.received,
            sent: self.traffic(),
            round_trip: self.round_trip(),
        }
    }
}

impl<R: Runtime> Registry<R> {
    /// Returns the sums of the counters of all connections since the start of the registry.
    ///
    /// The counters of a connection are as old as its last wait for input or for the transport.
    /// They are exact once it was dropped. This visits every connection that exists.
    pub fn stats(&self) -> Stats {
        let (mut sum, seats) = self.shared.lock().measured();
        for seat in seats {
            sum.add(&seat.stats());
        }
        sum
    }
}
