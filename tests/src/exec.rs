//! A small executor without a runtime: it polls only what was woken, and says so when nothing will wake it any more.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock;

/// Polls after which a test counts as caught in a loop.
const ENOUGH: usize = 2_000_000;

/// Counts wake-ups.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One task.
#[derive(Debug, Default)]
pub struct Task {
    wakes: Arc<Wakes>,
    seen: usize,
}

impl Task {
    /// A task that was not woken yet.
    #[must_use]
    pub fn new() -> Self {
        Task::default()
    }

    /// How often the task was woken.
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }

    /// Whether the task was woken since the last poll.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.wakes() != self.seen
    }

    /// Polls once.
    pub fn poll<F: Future + ?Sized>(&mut self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.seen = self.wakes();
        let waker = Waker::from(Arc::clone(&self.wakes));
        future.poll(&mut Context::from_waker(&waker))
    }

    /// Waits until the task was woken: lets time pass if need be.
    ///
    /// # Panics
    ///
    /// If nothing is left that could wake it.
    pub fn wait(&self) {
        while !self.is_woken() {
            assert!(
                clock::advance_to_alarm(),
                "the task hangs: no wake-up and no alarm is left"
            );
        }
    }
}

/// Runs a future to its end, letting virtual time pass whenever nothing else can happen.
///
/// # Panics
///
/// If the future waits for something that cannot happen any more, or never ends.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut task = Task::new();
    for _ in 0..ENOUGH {
        if let Poll::Ready(output) = task.poll(future.as_mut()) {
            return output;
        }
        task.wait();
    }
    panic!("the future is polled for ever");
}

/// Polls a future for as long as it is woken, without letting time pass.
pub fn settle<F: Future + ?Sized>(task: &mut Task, mut future: Pin<&mut F>) -> Poll<F::Output> {
    for _ in 0..ENOUGH {
        let polled = task.poll(future.as_mut());
        if polled.is_ready() || !task.is_woken() {
            return polled;
        }
    }
    panic!("the future wakes itself for ever");
}

/// [`settle`] for a future that is dropped afterwards.
pub fn attempt<F: Future>(future: F) -> Poll<F::Output> {
    settle(&mut Task::new(), pin!(future))
}

/// Polls a future once and drops it.
pub fn glance<F: Future>(future: F) -> Poll<F::Output> {
    Task::new().poll(pin!(future))
}

/// Runs an operation to its end, but drops its future whenever it is pending and begins anew.
///
/// # Panics
///
/// As for [`run`].
pub fn run_dropping<S: ?Sized, R>(state: &mut S, mut operation: impl AsyncFnMut(&mut S) -> R) -> R {
    let mut task = Task::new();
    for _ in 0..ENOUGH {
        let polled = task.poll(pin!(operation(state)));
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending => task.wait(),
        }
    }
    panic!("the operation is begun for ever");
}

/// The output of what must be ready.
///
/// # Panics
///
/// If it is pending.
pub fn expect_ready<R>(polled: Poll<R>) -> R {
    match polled {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending"),
    }
}

/// [`run`], but `None` if nothing is left that could wake the task.
///
/// # Panics
///
/// If the future never ends.
pub fn try_run<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut task = Task::new();
    for _ in 0..ENOUGH {
        if let Poll::Ready(output) = task.poll(future.as_mut()) {
            return Some(output);
        }
        while !task.is_woken() {
            if !clock::advance_to_alarm() {
                return None;
            }
        }
    }
    panic!("the future is polled for ever");
}
