//! Parallel runs of cases.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::case::{Case, Weight};
use crate::record::Record;
use crate::settings::StopFlag;

/// The number of cases at a time.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    all: usize,
    heavy: usize,
}

impl Jobs {
    /// Creates a number of cases at a time.
    pub fn new(all: NonZeroUsize) -> Self {
        Self {
            all: all.get(),
            heavy: all.get().min(cores()),
        }
    }
}

impl Default for Jobs {
    /// Returns four for each core, because most cases mostly wait.
    fn default() -> Self {
        let heavy = cores();
        let all = heavy.saturating_mul(4);
        Self { all, heavy }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Calls `run` for every case like [`for_each`]. Passes the records on, except those of cases that
/// were interrupted, which show nothing about the testee.
pub fn run(
    cases: &[&'static Case],
    jobs: Jobs,
    stop: &StopFlag,
    run: impl Fn(&'static Case) -> Record + Sync,
    finished: impl Fn(Record) + Sync,
) {
    for_each(cases, jobs, stop, |case| {
        let record = run(case);
        if !stop.is_raised() {
            finished(record);
        }
    });
}

/// Calls `work` for every case, of any set, on threads of its own, until all are done or `stop` is
/// set. Cases start in order, with two exceptions: cases with much data wait for a free core, and
/// cases that must run alone come last. With one job at a time, the cases also end in order.
pub fn for_each(
    cases: &[&'static Case],
    jobs: Jobs,
    stop: &StopFlag,
    work: impl Fn(&'static Case) + Sync,
) {
    let queue = Queue::new(cases.iter().copied(), jobs, |case| case.weight());
    let worker = || {
        while !stop.is_raised()
            && let Some(case) = queue.next()
        {
            work(case);
            queue.done(case);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.all.min(cases.len()) {
            scope.spawn(worker);
        }
    });
}

/// The items that are still to be run.
struct Queue<T> {
    state: Mutex<State<T>>,
    jobs: Jobs,
    weight: fn(&T) -> Weight,
}

struct State<T> {
    waiting: VecDeque<T>,
    running: usize,
    heavy_running: usize,
}

impl<T: Copy> Queue<T> {
    fn new(items: impl Iterator<Item = T>, jobs: Jobs, weight: fn(&T) -> Weight) -> Self {
        let state = State {
            waiting: items.collect(),
            running: 0,
            heavy_running: 0,
        };
        Self {
            state: Mutex::new(state),
            jobs,
            weight,
        }
    }

    /// Returns the first item that may run now. If there is none, the busy workers do the rest.
    fn next(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = state.heavy_running >= self.jobs.heavy;
        let may_run = |item: &T| match (self.weight)(item) {
            Weight::Light => true,
            Weight::Heavy => !full,
            Weight::Alone => self.jobs.all == 1,
        };
        let index = state.waiting.iter().position(may_run);
        // Only items that must be alone are left.
        let index = index.or((state.running == 0).then_some(0))?;
        let item = state.waiting.remove(index)?;
        state.running += 1;
        state.heavy_running += usize::from((self.weight)(&item) == Weight::Heavy);
        Some(item)
    }

    fn done(&self, item: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        state.heavy_running -= usize::from((self.weight)(&item) == Weight::Heavy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(all: usize) -> Queue<u8> {
        let jobs = Jobs { all, heavy: 2 };
        Queue::new(
            [1, 90, 91, 200, 92, 10].into_iter(),
            jobs,
            |item| match item {
                0..90 => Weight::Light,
                90..200 => Weight::Heavy,
                200.. => Weight::Alone,
            },
        )
    }

    #[test]
    fn heavy_ones_are_limited_and_the_others_overtake_them() {
        let queue = queue(8);
        let taken: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(taken, [1, 90, 91, 10]);
        queue.done(10);
        assert_eq!(queue.next(), None);
        queue.done(90);
        assert_eq!(queue.next(), Some(92));
    }

    #[test]
    fn one_that_must_be_alone_comes_when_all_others_are_done() {
        let queue = queue(8);
        let taken: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
        queue.done(90);
        assert_eq!(queue.next(), Some(92));
        for item in taken.into_iter().filter(|item| *item != 90) {
            queue.done(item);
        }
        assert_eq!(queue.next(), None);
        queue.done(92);
        assert_eq!(queue.next(), Some(200));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn one_at_a_time_keeps_the_order() {
        let queue = queue(1);
        let mut taken = Vec::new();
        while let Some(item) = queue.next() {
            taken.push(item);
            queue.done(item);
        }
        assert_eq!(taken, [1, 90, 91, 200, 92, 10]);
    }
}
