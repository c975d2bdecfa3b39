//! A small single-threaded executor. It polls a waiting task only after a wake-up, and detects when
//! nothing is left that can wake a task.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock;

/// The limit on polls. A test that exceeds this limit probably loops, and fails.
const ENOUGH: usize = 2_000_000;

const HANGS: &str = "the task hangs: no wake-up and no alarm is left";

/// A waker that counts its wake-ups.
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

impl Wakes {
    /// Returns a counter, and a waker that counts in it.
    #[must_use]
    pub fn counter() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    /// Returns the number of wake-ups so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A task whose wake-ups are counted.
#[derive(Debug, Default)]
pub struct Task {
    wakes: Arc<Wakes>,
    seen: usize,
}

impl Task {
    /// Returns a task that has not been woken yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of times that the task was woken.
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.wakes.count()
    }

    /// Returns `true` if the task was woken since the last poll.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.wakes() != self.seen
    }

    /// Polls `future` once.
    pub fn poll<F: Future + ?Sized>(&mut self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.seen = self.wakes();
        let waker = Waker::from(Arc::clone(&self.wakes));
        future.poll(&mut Context::from_waker(&waker))
    }

    /// Advances virtual time until the task is woken.
    ///
    /// # Panics
    ///
    /// If nothing is left that could wake the task.
    pub fn wait(&self) {
        assert!(self.try_wait(), "{HANGS}");
    }

    /// Advances virtual time until the task is woken. Returns `false` if nothing is left that could
    /// wake the task.
    fn try_wait(&self) -> bool {
        while !self.is_woken() {
            if !clock::advance_to_alarm() {
                return false;
            }
        }
        true
    }
}

/// Runs a future to its end. Advances virtual time whenever the future is pending and was not
/// woken.
///
/// # Panics
///
/// If nothing is left that could wake the task, or if the future never ends.
pub fn run<F: Future>(future: F) -> F::Output {
    try_run(future).expect(HANGS)
}

/// Runs a future as [`run`] does, but returns `None` if nothing is left that could wake the task.
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
        if !task.try_wait() {
            return None;
        }
    }
    panic!("the future never ends");
}

/// Polls a future until it is ready, or until it is pending and was not woken. Virtual time does
/// not pass.
///
/// # Panics
///
/// If the future wakes itself without end.
pub fn settle<F: Future + ?Sized>(task: &mut Task, mut future: Pin<&mut F>) -> Poll<F::Output> {
    for _ in 0..ENOUGH {
        let polled = task.poll(future.as_mut());
        if polled.is_ready() || !task.is_woken() {
            return polled;
        }
    }
    panic!("the future wakes itself without end");
}

/// Polls a future in a new task as [`settle`] does, and then drops the future.
pub fn attempt<F: Future>(future: F) -> Poll<F::Output> {
    settle(&mut Task::new(), pin!(future))
}

/// Polls a future once in a new task, and then drops the future.
pub fn glance<F: Future>(future: F) -> Poll<F::Output> {
    Task::new().poll(pin!(future))
}

/// Runs an operation to its end. Whenever the future of the operation is pending, drops the future,
/// waits for a wake-up, and starts the operation again.
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
    panic!("the operation never ends");
}

/// Returns the output of a poll.
///
/// # Panics
///
/// If the poll is pending.
pub fn expect_ready<R>(polled: Poll<R>) -> R {
    match polled {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the poll is pending"),
    }
}

/// Awaits an operation. Each poll starts the operation again. If the new future is pending, the
/// poll drops this future.
pub async fn afresh<S: ?Sized, R>(state: &mut S, mut operation: impl AsyncFnMut(&mut S) -> R) -> R {
    poll_fn(|cx| pin!(operation(state)).poll(cx)).await
}

/// The order in which woken tasks are polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The task that was spawned first is polled first.
    Oldest,
    /// The task that was spawned last is polled first.
    Newest,
}

impl Order {
    /// Both orders.
    pub const BOTH: [Self; 2] = [Self::Oldest, Self::Newest];
}

/// An executor for several tasks on one thread. It polls a task only if the task was woken.
#[derive(Debug)]
pub struct Tasks<'a> {
    order: Order,
    running: Vec<Running<'a>>,
}

struct Running<'a> {
    task: Task,
    polls: usize,
    /// `None` after the future has ended or was dropped.
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

/// A handle to one task of [`Tasks`].
#[derive(Debug)]
pub struct Job<R> {
    index: usize,
    output: Rc<RefCell<Option<R>>>,
}

impl<R> Job<R> {
    /// Takes the output of the task. Returns `None` if the task has not ended, or if the output was
    /// taken before.
    #[must_use]
    pub fn output(&self) -> Option<R> {
        self.output.borrow_mut().take()
    }
}

impl<'a> Tasks<'a> {
    /// Returns an executor without tasks.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Tasks {
            order,
            running: Vec::new(),
        }
    }

    /// Adds a task and wakes it, so that [`settle`](Self::settle) polls the task.
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

    /// Drops the future of a task.
    pub fn abort<R>(&mut self, job: &Job<R>) {
        self.running[job.index].future = None;
    }

    /// Returns the number of times that a task was polled.
    #[must_use]
    pub fn polls<R>(&self, job: &Job<R>) -> usize {
        self.running[job.index].polls
    }

    /// Returns the number of times that a task was woken, without the wake-up by
    /// [`spawn`](Self::spawn).
    #[must_use]
    pub fn wakes<R>(&self, job: &Job<R>) -> usize {
        self.running[job.index].task.wakes() - 1
    }

    /// Returns `true` if a task was woken since its last poll.
    #[must_use]
    pub fn is_woken<R>(&self, job: &Job<R>) -> bool {
        self.running[job.index].task.is_woken()
    }

    /// Polls woken tasks until no task is woken. Virtual time does not pass.
    ///
    /// # Panics
    ///
    /// If the tasks wake each other without end.
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
        panic!("the tasks wake each other without end");
    }

    /// Runs all tasks to their ends. Advances virtual time whenever no task is woken. Returns
    /// `false` if tasks are left that nothing can wake.
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
