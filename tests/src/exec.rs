//! A small executor without a runtime: it polls only what was woken, and says so when nothing will wake it any more.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
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
        Self::default()
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

/// An operation that is begun anew whenever it is polled, and dropped whenever it is pending.
pub async fn afresh<S: ?Sized, R>(state: &mut S, mut operation: impl AsyncFnMut(&mut S) -> R) -> R {
    poll_fn(|cx| pin!(operation(state)).poll(cx)).await
}

/// Which task is polled first when several were woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one that was spawned first.
    Oldest,
    /// The one that was spawned last.
    Newest,
}

impl Order {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Oldest, Self::Newest];
}

/// Several tasks on one thread, of which only those are polled that were woken.
#[derive(Debug)]
pub struct Tasks<'a> {
    order: Order,
    running: Vec<Running<'a>>,
}

struct Running<'a> {
    task: Task,
    polls: usize,
    /// `None` when it has come to its end, or was dropped.
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
}

impl fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("task", &self.task)
            .field("polls", &self.polls)
            .field("is_done", &self.future.is_none())
            .finish()
    }
}

/// A task among others.
#[derive(Debug)]
pub struct Job<R> {
    index: usize,
    output: Rc<RefCell<Option<R>>>,
}

impl<R> Job<R> {
    /// What it came to, once, if it has come to its end.
    #[must_use]
    pub fn output(&self) -> Option<R> {
        self.output.borrow_mut().take()
    }
}

impl<'a> Tasks<'a> {
    /// No task.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Tasks {
            order,
            running: Vec::new(),
        }
    }

    /// Adds a task, which will be polled for the first time.
    pub fn spawn<R: 'a>(&mut self, future: impl Future<Output = R> + 'a) -> Job<R> {
        let output = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&output);
        let task = Task::new();
        task.wakes.wake_by_ref();
        self.running.push(Running {
            task,
            polls: 0,
            future: Some(Box::pin(async move {
                let result = future.await;
                *slot.borrow_mut() = Some(result);
            })),
        });
        Job {
            index: self.running.len() - 1,
            output,
        }
    }

    /// Drops what is left of a task.
    pub fn abort<R>(&mut self, job: &Job<R>) {
        self.running[job.index].future = None;
    }

    /// How often a task was polled.
    #[must_use]
    pub fn polls<R>(&self, job: &Job<R>) -> usize {
        self.running[job.index].polls
    }

    /// How often a task was woken.
    #[must_use]
    pub fn wakes<R>(&self, job: &Job<R>) -> usize {
        // One of them stands for its beginning.
        self.running[job.index].task.wakes() - 1
    }

    /// Whether a task was woken since it was polled.
    #[must_use]
    pub fn is_woken<R>(&self, job: &Job<R>) -> bool {
        self.running[job.index].task.is_woken()
    }

    /// Polls what was woken until nothing is, without letting time pass.
    ///
    /// # Panics
    ///
    /// If that has no end.
    pub fn settle(&mut self) {
        for _ in 0..ENOUGH {
            let woken =
                |running: &&mut Running<'_>| running.future.is_some() && running.task.is_woken();
            let next = match self.order {
                Order::Oldest => self.running.iter_mut().find(woken),
                Order::Newest => self.running.iter_mut().rev().find(woken),
            };
            let Some(running) = next else {
                return;
            };
            running.polls += 1;
            if let Some(future) = &mut running.future
                && running.task.poll(future.as_mut()).is_ready()
            {
                running.future = None;
            }
        }
        panic!("the tasks wake each other for ever");
    }

    /// Runs all tasks, letting virtual time pass whenever nothing else can happen. `false` if some are left that
    /// nothing will wake any more.
    #[must_use]
    pub fn run(&mut self) -> bool {
        loop {
            self.settle();
            if self.running.iter().all(|running| running.future.is_none()) {
                return true;
            }
            if !clock::advance_to_alarm() {
                return false;
            }
        }
    }
}
