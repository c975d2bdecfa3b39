//! The shutdown of all connections of a registry.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ws_proto::{CloseFrame, SendError};

use super::registry::Registry;
use super::report::{Report, Tally};
use super::seat::{Order, Seat};
use crate::trace;
use crate::transport::{Runtime, Timer};

/// The time after the deadline in which the tasks of the connections that were cut can run. It
/// begins again when it has passed and a connection has left meanwhile: a busy runtime may need
/// longer to run the tasks of thousands of connections.
const GRACE: Duration = Duration::from_secs(1);

/// The longest time after the deadline.
const LONGEST_GRACE: Duration = Duration::from_secs(10);

/// The future of [`Registry::shutdown`]. Returns the [`Report`].
#[must_use = "nothing is shut down before it is awaited"]
pub struct Shutdown<R: Runtime> {
    registry: Registry<R>,
    close: CloseFrame,
    timeout: Duration,
    pace: Option<NonZeroU32>,
    /// `None` before the first poll.
    progress: Option<Progress<R::Timer>>,
}

struct Progress<M> {
    started: Instant,
    /// The tally of the registry at the start.
    before: Tally,
    stage: Stage,
    timer: M,
    /// The instant for which `timer` is set.
    alarm: Instant,
}

enum Stage {
    /// Closes are sent, and the peers have time to answer.
    Closing {
        /// The connections that have not been told to close, the oldest first.
        untold: VecDeque<Arc<Seat>>,
        /// The time between two Closes.
        interval: Duration,
        /// The instant at which the next connection is told to close.
        next: Instant,
        deadline: Instant,
    },
    /// The connections that were left have been cut, and their tasks have time to end.
    Cut {
        /// The number of connections at the last look.
        left: usize,
        /// The instant of the next look.
        until: Instant,
        /// The instant after which nothing is waited for.
        latest: Instant,
    },
}

impl<R: Runtime> Shutdown<R> {
    pub(super) fn new(registry: Registry<R>, close: CloseFrame, timeout: Duration) -> Self {
        Self {
            registry,
            close,
            timeout,
            pace: None,
            progress: None,
        }
    }

    /// Closes at most this number of connections in each second, the oldest first. By default, all
    /// are closed at once.
    ///
    /// The clients of a server come back when it closes their connections. With a pace, they do not
    /// all come back at once. If the pace is too slow for the timeout, the Closes are spread evenly
    /// over its first half. Opening handshakes are refused at once.
    pub fn paced(mut self, per_second: NonZeroU32) -> Self {
        self.pace = Some(per_second);
        self
    }

    /// Refuses further clients, and finds the connections to close.
    fn start(&self) -> Progress<R::Timer> {
        let started = R::Timer::now();
        let (seats, before) = {
            let mut state = self.registry.shared.lock();
            (state.shut_down(&self.close), state.tally)
        };
        let (opening, untold): (Vec<_>, Vec<_>) =
            seats.into_iter().partition(|seat| seat.is_opening());
        trace::shutdown_begins(opening.len(), untold.len());
        for seat in opening {
            seat.give(Order::Close(self.close.clone()));
        }
        let count = u32::try_from(untold.len()).unwrap_or(u32::MAX);
        let most = self.timeout / 2 / count.max(1);
        let interval = self.pace.map_or(Duration::ZERO, |pace| {
            (Duration::from_secs(1) / pace.get()).min(most)
        });
        let stage = Stage::Closing {
            untold: untold.into(),
            interval,
            next: started,
            deadline: R::Timer::after(self.timeout),
        };
        Progress {
            started,
            before,
            stage,
            timer: R::Timer::at(started),
            alarm: started,
        }
    }

    fn report(&self, progress: &Progress<R::Timer>, now: Instant, remaining: usize) -> Report {
        let after = self.registry.shared.lock().tally;
        let remaining = u64::try_from(remaining).unwrap_or(u64::MAX);
        let took = now.saturating_duration_since(progress.started);
        Report::between(&progress.before, &after, remaining, took)
    }

    /// Does everything that is due at `now`. Returns the instant of the next work, or `None` if the
    /// shutdown gives up.
    fn advance(&self, stage: &mut Stage, now: Instant) -> Option<Instant> {
        match stage {
            Stage::Closing {
                untold,
                interval,
                next,
                deadline,
            } if now < *deadline => {
                while *next <= now
                    && let Some(seat) = untold.pop_front()
                {
                    seat.give(Order::Close(self.close.clone()));
                    *next += *interval;
                }
                match untold.is_empty() {
                    true => Some(*deadline),
                    false => Some((*next).min(*deadline)),
                }
            }
            Stage::Closing { .. } => {
                let left = self.registry.shared.lock().shut_down(&self.close);
                left.iter().for_each(|seat| seat.give(Order::Cut));
                let until = now + GRACE;
                *stage = Stage::Cut {
                    left: left.len(),
                    until,
                    latest: now + LONGEST_GRACE,
                };
                Some(until)
            }
            Stage::Cut {
                left,
                until,
                latest,
            } => {
                if *until <= now {
                    let before = std::mem::replace(left, self.registry.shared.lock().len());
                    if *left < before {
                        *until = (now + GRACE).min(*latest);
                    }
                }
                Some(*until).filter(|until| now < *until)
            }
        }
    }
}

impl<R: Runtime> Future for Shutdown<R> {
    type Output = Result<Report, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.close.check()?;
        let mut progress = match this.progress.take() {
            Some(progress) => progress,
            None => this.start(),
        };
        // The timer of the runtime may be coarse and fire a little early. In that case, the instant
        // is treated as passed.
        let mut earliest = progress.started;
        loop {
            let now = R::Timer::now().max(earliest);
            let next = this.advance(&mut progress.stage, now);
            let remaining = this.registry.shared.lock().wait(cx.waker());
            let Some(next) = next.filter(|_| remaining > 0) else {
                let report = this.report(&progress, now, remaining);
                trace::shutdown_ends(&report);
                return Poll::Ready(Ok(report));
            };
            if progress.alarm != next {
                progress.alarm = next;
                progress.timer.reset(next);
            }
            if progress.timer.poll(cx).is_pending() {
                this.progress = Some(progress);
                return Poll::Pending;
            }
            earliest = next;
        }
    }
}

impl<R: Runtime> fmt::Debug for Shutdown<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("registry", &self.registry)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
