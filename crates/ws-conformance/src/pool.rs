//! Running many cases at a time.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::case::Case;
use crate::record::Record;
use crate::settings::StopFlag;

/// How many cases run at a time.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    all: usize,
    heavy: usize,
}

impl Jobs {
    /// This many.
    pub fn new(all: NonZeroUsize) -> Self {
        Self {
            all: all.get(),
            heavy: all.get().min(cores()),
        }
    }
}

impl Default for Jobs {
    /// Four for each core: most cases mostly wait.
    fn default() -> Self {
        let heavy = cores();
        let all = heavy.saturating_mul(4);
        Self { all, heavy }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Runs `run` for every case, of any set, on threads of its own, until all are done or `stop` is raised. Cases
/// start in order, except that those with much data wait for a free core. With one job at a time
/// they also end in order.
pub fn run(
    cases: &[&'static Case],
    jobs: Jobs,
    stop: &StopFlag,
    run: impl Fn(&'static Case) -> Record + Sync,
    finished: impl Fn(Record) + Sync,
) {
    let queue = Queue::new(cases.iter().copied(), jobs.heavy, |case| case.is_heavy());
    let work = || {
        while !stop.is_raised()
            && let Some(case) = queue.next()
        {
            let record = run(case);
            // A case that was cut off says nothing about the testee.
            if !stop.is_raised() {
                finished(record);
            }
            queue.done(case);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.all.min(cases.len()) {
            scope.spawn(work);
        }
    });
}

/// What is still to be run.
struct Queue<T> {
    state: Mutex<State<T>>,
    heavy_at_a_time: usize,
    is_heavy: fn(&T) -> bool,
}

struct State<T> {
    waiting: VecDeque<T>,
    heavy_running: usize,
}

impl<T: Copy> Queue<T> {
    fn new(
        items: impl Iterator<Item = T>,
        heavy_at_a_time: usize,
        is_heavy: fn(&T) -> bool,
    ) -> Self {
        let state = State {
            waiting: items.collect(),
            heavy_running: 0,
        };
        Self {
            state: Mutex::new(state),
            heavy_at_a_time,
            is_heavy,
        }
    }

    /// The first one that may run now. If there is none, only heavy ones are left, and enough
    /// workers are busy with those.
    fn next(&self) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = state.heavy_running >= self.heavy_at_a_time;
        let mut waiting = state.waiting.iter();
        let index = waiting.position(|item| !(full && (self.is_heavy)(item)))?;
        let item = state.waiting.remove(index)?;
        state.heavy_running += usize::from((self.is_heavy)(&item));
        Some(item)
    }

    fn done(&self, item: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.heavy_running -= usize::from((self.is_heavy)(&item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue<u8> {
        Queue::new([1, 90, 91, 92, 10].into_iter(), 2, |item| *item >= 90)
    }

    #[test]
    fn heavy_ones_are_limited_and_the_others_overtake_them() {
        let queue = queue();
        let taken: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(taken, [1, 90, 91, 10]);
        queue.done(10);
        assert_eq!(queue.next(), None);
        queue.done(90);
        assert_eq!(queue.next(), Some(92));
    }

    #[test]
    fn one_at_a_time_keeps_the_order() {
        let queue = queue();
        let mut taken = Vec::new();
        while let Some(item) = queue.next() {
            taken.push(item);
            queue.done(item);
        }
        assert_eq!(taken, [1, 90, 91, 92, 10]);
    }
}
