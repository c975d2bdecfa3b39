//! Runs testees against their cases: all at a time with short time limits, and then again what
//! differs from the stored results.
//!
//! Short time limits pass on a busy machine, and all testees at a time keep a machine busy. So a
//! result that differs from the stored one counts only if it is the same with the time limits of
//! the suite, and few cases at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases;
use ws_conformance::record::Record;

use crate::desk::Desks;
use crate::stored::Results;
use crate::suite::{self, Misses};
use crate::testee::{Play, Testee, Times};

/// A way to run many cases.
#[derive(Clone, Copy, Debug)]
struct Mode {
    times: Times,
    jobs: usize,
}

const FIRST: Mode = Mode {
    times: Times { scale: 0.1 },
    jobs: 48,
};
/// The modes for what differs, one after the other. Most of it no longer differs after the first
/// one, which does not take long.
const AGAIN: [Mode; 2] = [
    Mode {
        times: Times { scale: 0.3 },
        jobs: 16,
    },
    Mode {
        times: Times { scale: 1.0 },
        jobs: 8,
    },
];

/// A testee and a case.
pub(crate) type Task = (&'static Testee, &'static Case);

/// The cases that each of these testees does not pass.
pub(crate) fn examine(testees: &[&'static Testee], expected: &Results) -> Results {
    let all = testees.iter().flat_map(|&testee| {
        let cases = suite::cases_of(testee);
        cases.into_iter().map(move |case| (testee, case))
    });
    let mut found = run(&all.collect::<Vec<_>>(), FIRST);
    for mode in AGAIN {
        let different = different(testees, &found, expected);
        for (testee, case) in &different {
            let (key, id, scale) = (testee.key(), case.id(), mode.times.scale);
            eprintln!("again, with times of {scale}: {key}: {id}");
            found.entry(key).or_default().remove(&id);
        }
        for (key, misses) in run(&different, mode) {
            found.entry(key).or_default().extend(misses);
        }
    }
    found
}

/// The tasks whose result is not the stored one.
fn different(testees: &[&'static Testee], found: &Results, expected: &Results) -> Vec<Task> {
    let of_testee = |&testee: &&'static Testee| {
        let key = testee.key();
        let (found, expected) = (found.get(&key), expected.get(&key));
        let result = |results: Option<&Misses>, id: CaseId| results?.get(&id).copied();
        let cases = suite::cases_of(testee).into_iter();
        let different = cases.filter(|case| {
            let id = case.id();
            result(found, id) != result(expected, id)
        });
        different.map(|case| (testee, case)).collect::<Vec<_>>()
    };
    testees.iter().flat_map(of_testee).collect()
}

/// Plays one case with the second-shortest time limits.
pub(crate) fn play(testee: &'static Testee, id: CaseId) -> Record {
    let times = AGAIN[0].times;
    let case = cases::find(id).expect("there is such a case");
    match &testee.play {
        Play::Server(_) => suite::play_with_server(testee, case, times, &mut None),
        Play::Client(_) => Desks::new(&[(testee, case)], times).play(testee, id),
    }
}

/// Runs all of these. The results have an entry for each testee.
fn run(tasks: &[Task], mode: Mode) -> Results {
    let desks = Desks::new(tasks, mode.times);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Results::new());
    let work = || {
        let mut listener = None;
        while let Some((testee, case)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let record = match &testee.play {
                Play::Server(_) => suite::play_with_server(testee, case, mode.times, &mut listener),
                Play::Client(_) => desks.play(testee, case.id()),
            };
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            let misses = results.entry(testee.key()).or_default();
            misses.extend(suite::miss(&record).map(|miss| (case.id(), miss)));
        }
    };
    thread::scope(|workers| {
        for _ in 0..mode.jobs.min(tasks.len()) {
            workers.spawn(work);
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}
