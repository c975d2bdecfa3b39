//! The clock of a connection.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ws_proto::SendHalf;

use crate::transport::Timer;

/// Dates for the time limits of the core, and the alarms that keep them.
pub(crate) struct Clock<M> {
    /// Time limits count from here.
    epoch: Instant,
    /// One for each direction, because those who only send wait for fewer limits than those who receive. Made when a
    /// time limit is first waited for.
    alarms: Option<Box<[Option<Alarm<M>>; 2]>>,
}

/// The direction in which somebody waits.
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

    /// The present.
    pub(crate) fn now(&self) -> Duration {
        M::now().saturating_duration_since(self.epoch)
    }

    /// Waits for the earliest time limit of `send`, and hands over the present once it has passed. Pending for ever
    /// if none runs.
    pub(crate) fn poll_deadline(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut SendHalf,
        direction: Direction,
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
        // The runtime's timer may be coarse: what it says has passed, has passed.
        let now = M::now().max(deadline).saturating_duration_since(self.epoch);
        Poll::Ready(now)
    }
}
