//! The wakers of the tasks that use a client.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ws_driver::transport::{Half, Runtime, Wakers};

use crate::machine::Machine;

/// The wakers of the task that receives and of the task that sends.
///
/// Connections and timers store only one waker. Both tasks therefore wait with a common waker.
pub(crate) struct Turns {
    wakers: Arc<Wakers>,
    common: Waker,
}

impl Default for Turns {
    fn default() -> Self {
        let wakers = Arc::<Wakers>::default();
        Self {
            common: Waker::from(Arc::clone(&wakers)),
            wakers,
        }
    }
}

impl Turns {
    /// Registers the task of `half`, before the client is polled.
    pub(crate) fn begin(&self, half: Half, cx: &Context<'_>) -> Context<'_> {
        self.wakers.register(half, cx.waker());
        Context::from_waker(&self.common)
    }

    /// Ends the poll of `half`. Wakes the other task if something has changed for it.
    pub(crate) fn end<T>(&self, half: Half, news: bool, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.wakers.forget(half);
        }
        if news {
            self.wakers.wake_half(half.other());
        }
        polled
    }

    /// Forgets a half that was dropped. Wakes the other half if `news` is `true`.
    pub(crate) fn leave(&self, half: Half, news: bool) {
        let _ = self.end(half, news, Poll::Ready(()));
    }

    /// Polls a client that is not shared.
    pub(crate) fn poll<R: Runtime, O, T>(
        &self,
        half: Half,
        cx: &Context<'_>,
        machine: &mut Machine<R, O>,
        poll: impl FnOnce(&mut Machine<R, O>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let polled = poll(machine, &mut self.begin(half, cx));
        self.end(half, machine.take_news(), polled)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turns").field(&self.wakers).finish()
    }
}
