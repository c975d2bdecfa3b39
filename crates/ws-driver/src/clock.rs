//! The clock of a connection.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ws_proto::SendHalf;

use crate::transport::Timer;

/// The source of the times that are passed to the core, and the timers that wait for the deadlines
/// of the core.
pub(crate) struct Clock<M> {
    /// The origin of all times that are passed to the core.
    epoch: Instant,
    /// One alarm for each direction, because a caller that only sends waits for fewer timeouts than
    /// a caller that receives. Allocated when a task first waits for a deadline.
    alarms: Option<Box<[Option<Alarm<M>>; 2]>>,
}

/// The direction in which a task waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Receiving,
    Sending,
}

struct Alarm<M> {
    deadline: Instant,
    timer: M,
}

impl<M: Timer> Clock<M> {
    pub(crate) fn new() -> Self {
        Self {
            epoch: M::now(),
            alarms: None,
        }
    }

    /// Returns the current time as a duration since the epoch.
    pub(crate) fn now(&self) -> Duration {
        M::now().saturating_duration_since(self.epoch)
    }

    /// Returns the instant of `now`, a duration since the epoch.
    pub(crate) fn instant(&self, now: Duration) -> Option<Instant> {
        self.epoch.checked_add(now)
    }

    /// Returns `true` if `limit` has passed at `now`, a duration since the epoch.
    pub(crate) fn has_passed(&self, limit: Instant, now: Duration) -> bool {
        limit.saturating_duration_since(self.epoch) <= now
    }

    /// Waits for `limit`, or for the earliest deadline of `send` if it is earlier. Returns the
    /// current time once the deadline has passed. Pending forever if there is no deadline.
    pub(crate) fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut SendHalf,
        direction: Direction,
        limit: Option<Instant>,
    ) -> Poll<Duration> {
        if !send.is_timed() {
            return Poll::Pending;
        }
        let now = self.now();
        let limit = limit.map(|limit| limit.saturating_duration_since(self.epoch));
        let Some(deadline) = [send.deadline(now), limit].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        if deadline <= now {
            return Poll::Ready(now);
        }
        let Some(deadline) = self.epoch.checked_add(deadline) else {
            return Poll::Pending;
        };
        let alarms = self.alarms.get_or_insert_default();
        let alarm = alarms[direction as usize].get_or_insert_with(|| Alarm {
            deadline,
            timer: M::at(deadline),
        });
        if alarm.deadline != deadline {
            alarm.deadline = deadline;
            alarm.timer.reset(deadline);
        }
        ready!(alarm.timer.poll(cx));
        // The timer of the runtime may be coarse and fire a little early. In that case, the
        // deadline is treated as passed.
        let now = M::now().max(deadline).saturating_duration_since(self.epoch);
        Poll::Ready(now)
    }
}
