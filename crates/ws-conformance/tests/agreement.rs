//! Compares the verdicts of this crate with those of the original suite: case by case, on testees
//! with every fault that a case looks for (`data/baselines`, see the README there).

#![forbid(unsafe_code)]

#[allow(dead_code, reason = "shared with the examples")]
mod testees;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use testees::{Client, Fault, Pace, Role, Server};
use ws_conformance::case::Case;
use ws_conformance::case::CaseId;
use ws_conformance::cases;
use ws_conformance::clients::{Listener, Observer};
use ws_conformance::record::Record;
use ws_conformance::servers::{self, Target};
use ws_conformance::settings::{Settings, StopFlag};
use ws_conformance::verdict::{Behavior, CloseBehavior, Verdict};

type Verdicts = BTreeMap<CaseId, Verdict>;
type Records = BTreeMap<CaseId, Record>;

/// The parameters of a round.
#[derive(Clone, Copy)]
struct Round {
    /// The number of testees at a time.
    testees: usize,
    /// The number of cases of each testee at a time.
    jobs: usize,
    /// The factor of all times: the waits of a testee, and the limits of a case.
    slowed: f64,
}

/// Rounds with fewer cases at a time and with more time. Most cases only wait, but time limits of
/// 0.5 s fire on a busy machine. Only the cases with different verdicts run again. The last
/// differences count. More cases at a time would need more file descriptors than the default limit
/// of a process.
const ROUNDS: [Round; 3] = [
    Round {
        testees: 12,
        jobs: 6,
        slowed: 1.0,
    },
    Round {
        testees: 4,
        jobs: 8,
        slowed: 2.0,
    },
    Round {
        testees: 4,
        jobs: 4,
        slowed: 10.0,
    },
];

impl Round {
    fn pace(self) -> Pace {
        Pace::scaled(self.slowed)
    }

    fn settings(self) -> Settings {
        Settings::default().with_time_scale(self.slowed)
    }
}

/// The deliberate differences: testee, beginning of the families, verdict of this crate.
const DIFFERENT: &[(Role, &str, &str, Verdict)] = &[
    // The testee fails the connection, and then both sides wait for the other one to end TCP. The
    // original waits without limit, until the testee gives up after 10 s. This crate has a time
    // limit.
    (
        Role::Server,
        "tcp-left-open",
        "6.4",
        Verdict {
            behavior: Behavior::Ok,
            close: CloseBehavior::FailedByClient,
        },
    ),
    // The original's library cannot compress with a window of 8 bits, which breaks its connection.
    // This crate can.
    (Role::Server, "smallest-window", "12.", Verdict::GOOD),
    (Role::Server, "smallest-window", "13.", Verdict::GOOD),
    (Role::Client, "smallest-window", "12.", Verdict::GOOD),
    (Role::Client, "smallest-window", "13.", Verdict::GOOD),
];

#[test]
fn servers_get_the_verdicts_of_the_original() {
    assert_agreement(Role::Server);
}

#[test]
fn clients_get_the_verdicts_of_the_original() {
    assert_agreement(Role::Client);
}

fn assert_agreement(role: Role) {
    let mut suspects: Vec<_> = Fault::original(role)
        .map(|fault| (fault, expected(role, fault), Records::new()))
        .collect();
    for round in ROUNDS {
        let remaining = Mutex::new(Vec::new());
        in_parallel(round.testees, &suspects, |(fault, expected, _)| {
            let (expected, records) = differing(role, *fault, expected.clone(), round);
            remaining.lock().unwrap().push((*fault, expected, records));
        });
        suspects = remaining.into_inner().unwrap();
        suspects.retain(|(_, expected, _)| !expected.is_empty());
    }
    let lines = |(fault, expected, records): &(Fault, Verdicts, Records)| {
        let line = |(id, expected): (&CaseId, &Verdict)| {
            let got = records.get(id).map_or("nothing".to_owned(), summary);
            let (role, fault) = (role.name(), fault.name());
            format!("{role} {fault} {id}: expected {expected}; got {got}")
        };
        expected.iter().map(line).collect::<Vec<_>>()
    };
    let differences: Vec<_> = suspects.iter().flat_map(lines).collect();
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

/// Returns the expected verdicts that this crate does not give, with the verdicts that it gives.
fn differing(
    role: Role,
    fault: Fault,
    mut expected: Verdicts,
    round: Round,
) -> (Verdicts, Records) {
    let records = examine(role, fault, &expected, round);
    expected.retain(|id, verdict| records.get(id).map(|record| record.verdict) != Some(*verdict));
    (expected, records)
}

fn summary(record: &Record) -> String {
    let Record {
        verdict,
        result,
        result_close,
        was_not_clean_reason,
        duration,
        ..
    } = record;
    let reason = was_not_clean_reason.as_deref().unwrap_or("clean");
    format!("{verdict} after {duration} ms: {result} {result_close} ({reason})")
}

/// Returns the verdicts of the original, with the deliberate differences.
fn expected(role: Role, fault: Fault) -> Verdicts {
    let mut verdicts = baseline(role, fault);
    for (_, _, family, here) in DIFFERENT
        .iter()
        .filter(|entry| (entry.0, entry.1) == (role, fault.name()))
    {
        for (id, verdict) in &mut verdicts {
            if id.family().starts_with(family) {
                *verdict = *here;
            }
        }
    }
    verdicts
}

/// Returns the verdicts of the original.
fn baseline(role: Role, fault: Fault) -> Verdicts {
    let file = format!("tests/data/baselines/{}/{}.json", role.name(), fault.name());
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file));
    let text = text.unwrap_or_else(|error| panic!("{file}: {error}; see the README there"));
    let verdicts: BTreeMap<CaseId, (Behavior, CloseBehavior)> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let verdict = |(id, (behavior, close))| (id, Verdict { behavior, close });
    verdicts.into_iter().map(verdict).collect()
}

/// Returns the verdicts of this crate on the same cases.
fn examine(role: Role, fault: Fault, original: &Verdicts, round: Round) -> Records {
    let case = |id: &CaseId| cases::find(*id).unwrap_or_else(|| panic!("there is no case {id}"));
    let cases: Vec<&'static Case> = original.keys().map(case).collect();
    let records = match role {
        _ if cases.is_empty() => Vec::new(),
        Role::Server => examine_server(fault, &cases, round),
        Role::Client => examine_client(fault, cases, round),
    };
    let by_id = records.into_iter().map(|record| (record.id, record));
    by_id.collect()
}

fn examine_server(fault: Fault, cases: &[&'static Case], round: Round) -> Vec<Record> {
    let server = Server::bind(0).unwrap().with_pace(round.pace());
    let target = Target::new(&server.url()).unwrap().with_agent(fault.name());
    thread::spawn(move || server.serve(fault));
    let records = Mutex::new(Vec::new());
    in_parallel(round.jobs, cases, |case| {
        let record = servers::run_case(&target, case, &round.settings());
        records.lock().unwrap().push(record);
    });
    records.into_inner().unwrap()
}

fn examine_client(fault: Fault, cases: Vec<&'static Case>, round: Round) -> Vec<Record> {
    let stop = StopFlag::default();
    let settings = round.settings().with_stop(stop.clone());
    let listener = Listener::bind("127.0.0.1:0", cases, settings).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let client = Client::new(&url, fault).unwrap();
    let client = client.with_pace(round.pace());
    let records = Kept::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let done = client
                .run_cases(round.jobs)
                .and_then(|()| client.try_update_reports());
            // If the client reports nothing, the listener would wait without limit.
            if done.is_err() {
                stop.raise();
            }
        });
        listener.serve(&records);
    });
    records.0.into_inner().unwrap()
}

/// An observer that stores everything.
#[derive(Default)]
struct Kept(Mutex<Vec<Record>>);

impl Observer for Kept {
    fn finished(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }

    fn update_reports(&self, _agent: &str) {}
}

/// Calls `work` on every item, on this number of threads.
fn in_parallel<T: Sync>(threads: usize, items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
