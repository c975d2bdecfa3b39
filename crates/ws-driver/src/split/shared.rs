//! The part of a connection that both halves share. The lock of this part is held within a poll and
//! never across an await.

use std::io;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ws_proto::Control;

use super::wakers::{Half, Wakers};
use crate::opening::Opening;
use crate::read_state::{Observer, ReadState, Wire, observe, poll_read};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::{ReadHalf as _, Split};
use crate::write_state::WriteState;

/// The part of a connection that both halves share.
pub(crate) struct Shared<T: Split> {
    state: Mutex<SharedState<T>>,
    wakers: Arc<Wakers>,
    /// Wakes both halves. A transport or timer stores only one waker.
    waker: Waker,
    pub(super) opening: Option<Box<Opening>>,
    /// The address at the time when the connection was split.
    pub(super) peer_addr: Option<SocketAddr>,
}

pub(super) struct SharedState<T: Split> {
    pub(super) write: WriteState<T::WriteHalf, T::Timer>,
    /// The state of a receiver that was dropped. The sender needs this state to end the connection
    /// cleanly.
    pub(super) orphan: Option<ReadEnd<T>>,
}

/// The part of a connection that the receiver owns.
pub(super) struct ReadEnd<T: Split> {
    pub(super) read: ReadState,
    /// `None` once the connection has ended.
    pub(super) io: Option<T::ReadHalf>,
}

impl<T: Split> Shared<T> {
    pub(super) fn new(
        write: WriteState<T::WriteHalf, T::Timer>,
        opening: Option<Box<Opening>>,
        peer_addr: Option<SocketAddr>,
    ) -> Self {
        let orphan = None;
        let wakers = Arc::default();
        Self {
            state: Mutex::new(SharedState { write, orphan }),
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
            opening,
            peer_addr,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SharedState<T>> {
        lock(&self.state)
    }

    /// Returns the state. This is for the time after both halves were dropped.
    pub(super) fn into_inner(self) -> (SharedState<T>, Option<Box<Opening>>) {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(std::sync::PoisonError::into_inner);
        (state, self.opening)
    }

    /// Starts a turn, which is one poll of `half`. From now on, the transport and the timer can
    /// wake this half.
    pub(super) fn turn<'a>(&'a self, half: Half, cx: &Context<'_>) -> Turn<'a, T> {
        self.wakers.register(half, cx.waker());
        Turn {
            shared: self,
            half,
            guard: None,
        }
    }

    /// Returns the context that each half passes to the transport and the timer. Its waker wakes
    /// both halves.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Stores the state of a receiver that is being dropped. The sender needs this state to end the
    /// connection cleanly.
    pub(super) fn abandon(&self, reading: ReadEnd<T>) {
        self.lock().orphan = Some(reading);
        self.wakers.forget(Half::Receiver);
        self.wakers.wake_half(Half::Sender);
    }

    /// Removes the waker of `half`, which no longer waits.
    pub(super) fn forget(&self, half: Half) {
        self.wakers.forget(half);
    }
}

/// One poll of one half. It takes the lock when it needs the state for the first time.
pub(super) struct Turn<'a, T: Split> {
    shared: &'a Shared<T>,
    half: Half,
    guard: Option<MutexGuard<'a, SharedState<T>>>,
}

impl<'a, T: Split> Turn<'a, T> {
    pub(super) fn state(&mut self) -> &mut SharedState<T> {
        self.guard.get_or_insert_with(|| self.shared.lock())
    }

    pub(super) fn write_state(&mut self) -> &mut WriteState<T::WriteHalf, T::Timer> {
        &mut self.state().write
    }

    /// Releases the lock, and wakes the other half if there is news. After the end of the
    /// connection, also frees the state of a dropped receiver.
    fn unlock(&mut self) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        if guard.write.state.is_ended() {
            guard.orphan = None;
        }
        let has_news = guard.write.take_news();
        drop(guard);
        if has_news {
            self.shared.wakers.wake_half(self.half.other());
        }
    }

    /// Ends the turn. Removes the waker of the half if its poll is ready.
    pub(super) fn end<R>(mut self, result: Poll<R>) -> Poll<R> {
        self.unlock();
        if result.is_ready() {
            self.shared.wakers.forget(self.half);
        }
        result
    }
}

/// A turn of a half that receives.
pub(super) struct ReadTurn<'a, 'r, T: Split> {
    pub(super) turn: Turn<'a, T>,
    pub(super) io: &'r mut Option<T::ReadHalf>,
}

impl<T: Split> ReadTurn<'_, '_, T> {
    pub(super) fn end<R>(mut self, result: Poll<R>) -> Poll<R> {
        let write = self.turn.write_state();
        write.input_blocked = result.is_ready();
        if write.state.is_ended() {
            *self.io = None;
        }
        self.turn.end(result)
    }
}

impl<T: Split> Wire for ReadTurn<'_, '_, T> {
    type Io = T::WriteHalf;
    type Timer = T::Timer;

    fn write_state(&mut self) -> &mut WriteState<T::WriteHalf, T::Timer> {
        self.turn.write_state()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(self.io.as_mut(), |io| io.poll_read(cx, buffer))
    }

    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_read(self.io.as_mut(), |io| io.poll_next_read(cx, buffer))
    }

    fn show(&mut self, observer: &mut Observer, control: &Control) {
        self.turn.unlock();
        observe(observer, control);
    }
}

/// The locked state of sending, for an operation that queues without a turn.
///
/// If the queue was empty before, the other half is woken after the lock has been released, because
/// a waiting receiver writes the queue. The other half is also woken for a Close, because the
/// receiver enforces the close timeout.
pub(super) struct Queueing<'a, T: Split> {
    guard: MutexGuard<'a, SharedState<T>>,
    /// `true` if nothing was queued before the operation.
    was_idle: bool,
    /// The last field, so that it is dropped after the guard.
    news: News<'a>,
}

struct News<'a> {
    wakers: &'a Wakers,
    /// The half to wake.
    half: Half,
    is_due: bool,
}

impl<T: Split> Shared<T> {
    /// Locks the state for an operation of `half` that queues without a turn.
    pub(super) fn queueing(&self, half: Half) -> Queueing<'_, T> {
        let guard = self.lock();
        Queueing {
            was_idle: !guard.write.has_work(),
            guard,
            news: News {
                wakers: &self.wakers,
                half: half.other(),
                is_due: false,
            },
        }
    }
}

impl<T: Split> Deref for Queueing<'_, T> {
    type Target = WriteState<T::WriteHalf, T::Timer>;

    fn deref(&self) -> &Self::Target {
        &self.guard.write
    }
}

impl<T: Split> DerefMut for Queueing<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.guard.write
    }
}

impl<T: Split> Drop for Queueing<'_, T> {
    fn drop(&mut self) {
        let write = &mut self.guard.write;
        self.news.is_due = write.take_news() || (self.was_idle && write.has_work());
    }
}

impl Drop for News<'_> {
    fn drop(&mut self) {
        if self.is_due {
            self.wakers.wake_half(self.half);
        }
    }
}
