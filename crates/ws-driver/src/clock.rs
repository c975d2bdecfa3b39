//! The clock of a connection.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ws_proto::SendSide;

use crate::transport::Timer;

/// Dates for the time limits of the core, and the alarm that keeps them.
pub(crate) struct Clock<M> {
    /// Time limits count from here.
    epoch: Instant,
    /// Made when a time limit is first waited for.
    alarm: Option<Alarm<M>>,
}

struct Alarm<M> {
    deadline: Instant,
    timer: M,
}

impl<M: Timer> Clock<M> {
    pub(crate) fn new() -> Self {
        Clock {
            epoch: M::now(),
            alarm: None,
        }
    }

    /// The present.
    pub(crate) fn now(&self) -> Duration {
        M::now().saturating_duration_since(self.epoch)
    }

    /// Waits for the earliest time limit of `send`, and hands over the present once it has passed. Pending for ever
    /// if none runs.
    pub(crate) fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut SendSide,
    ) -> Poll<Duration> {
        if !send.is_timed() {
            return Poll::Pending;
        }
        let now = self.now();
        let Some(deadline) = send.deadline(now) else {
            return Poll::Pending;
        };
        if deadline <= now {
            return Poll::Ready(now);
        }
        let Some(deadline) = self.epoch.checked_add(deadline) else {
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Alarm {
            deadline,
            timer: M::at(deadline),
        });
        if alarm.deadline != deadline {
            alarm.deadline = deadline;
            alarm.timer.reset(deadline);
        }
        ready!(alarm.timer.poll(cx));
        // The runtime's timer may be coarse: what it says has passed, has passed.
        let now = M::now().max(deadline).saturating_duration_since(self.epoch);
        Poll::Ready(now)
    }
}
