//! The part of a connection that both halves share, behind a lock that is held within a poll and never across an await.

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
use crate::transport::Split;
use crate::write_state::WriteState;

/// The part that both halves share.
pub(crate) struct Shared<T: Split> {
    state: Mutex<SharedState<T>>,
    wakers: Arc<Wakers>,
    /// Wakes both halves: a transport and a timer remember one waker.
    waker: Waker,
    pub(super) opening: Option<Box<Opening>>,
    /// As it was when the connection was split.
    pub(super) peer_addr: Option<SocketAddr>,
}

pub(super) struct SharedState<T: Split> {
    pub(super) write: WriteState<T::WriteHalf, T::Timer>,
    /// Left here by a receiver that was dropped, for the sender to end the connection in order.
    pub(super) orphan: Option<ReadEnd<T>>,
}

/// The part that the receiver owns.
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

    /// Takes the state back from the last half.
    pub(super) fn into_inner(self) -> (SharedState<T>, Option<Box<Opening>>) {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(std::sync::PoisonError::into_inner);
        (state, self.opening)
    }

    /// Lets `half` act within a poll, which wakes both halves when it is worth to go on.
    pub(super) fn turn<'a>(&'a self, half: Half, cx: &Context<'_>) -> Turn<'a, T> {
        self.wakers.register(half, cx.waker());
        Turn {
            shared: self,
            half,
            guard: None,
        }
    }

    /// The context that a poll of either half passes to the transport and the timer.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Leaves what the receiver owned to the sender, which needs it to close in order.
    pub(super) fn abandon(&self, reading: ReadEnd<T>) {
        self.lock().orphan = Some(reading);
        self.wakers.forget(Half::Receiver);
        self.wakers.wake_half(Half::Sender);
    }

    /// The half does not wait any more.
    pub(super) fn forget(&self, half: Half) {
        self.wakers.forget(half);
    }
}

/// One poll of one half. It locks when it needs the state.
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

    /// Gives the lock up, and wakes the other half if it may go on now. What a receiver left is of no use after the
    /// end.
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

    /// Ends the turn: a half whose poll is ready does not wait.
    pub(super) fn end<R>(mut self, result: Poll<R>) -> Poll<R> {
        self.unlock();
        if result.is_ready() {
            self.shared.wakers.forget(self.half);
        }
        result
    }
}

/// A turn that receives.
pub(super) struct ReadTurn<'a, 'r, T: Split> {
    pub(super) turn: Turn<'a, T>,
    pub(super) io: &'r mut Option<T::ReadHalf>,
}

impl<T: Split> ReadTurn<'_, '_, T> {
    pub(super) fn end<R>(mut self, result: Poll<R>) -> Poll<R> {
        let write = self.turn.write_state();
        write.is_deaf = result.is_ready();
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
        poll_read(self.io.as_mut(), cx, buffer)
    }

    fn show(&mut self, observer: &mut Observer, control: &Control) {
        self.turn.unlock();
        observe(observer, control);
    }
}

/// The state while a half queues something. The other half is woken once the lock is given up: a receiver that waits
/// writes what is the first to be queued, and keeps the time limit of a Close.
pub(super) struct Queueing<'a, T: Split> {
    guard: MutexGuard<'a, SharedState<T>>,
    /// Nothing was queued before.
    was_idle: bool,
    /// Dropped last.
    news: News<'a>,
}

struct News<'a> {
    wakers: &'a Wakers,
    /// The half that may wait for it.
    half: Half,
    is_due: bool,
}

impl<T: Split> Shared<T> {
    /// Lets `half` queue something.
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
