//! A timer for tests in which no deadline passes.

use std::task::{Context, Poll};
use std::time::Instant;

use crate::transport::Timer;

/// A timer that never fires. A task that waits for the timer continues only if another event wakes
/// it.
pub(crate) struct Never;

impl Timer for Never {
    fn now() -> Instant {
        Instant::now()
    }

    fn at(_: Instant) -> Self {
        Self
    }

    fn reset(&mut self, _: Instant) {}

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
