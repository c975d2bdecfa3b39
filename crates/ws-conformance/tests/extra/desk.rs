//! The suite as a server, for clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ws_conformance::case::{CaseId, Set};
use ws_conformance::cases;
use ws_conformance::clients::{Listener, Observer};
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::settings::StopFlag;

use crate::run::Task;
use crate::suite;
use crate::testee::{Asked, Play, Testee, Times};

/// The case that compares the keys of a client's connections.
const KEYS: &str = "22.1.2";
/// The time limit for the record of a case.
const PATIENCE: Duration = Duration::from_secs(90);

/// A suite for each client of a run, from its first case to its last. They do not serve at the same
/// time, because each one that waits takes time from those that work.
pub(crate) struct Desks {
    by_client: BTreeMap<String, Place>,
    times: Times,
}

struct Place {
    desk: OnceLock<Arc<Desk>>,
    /// The number of cases that are not over.
    left: AtomicUsize,
}

impl Desks {
    pub(crate) fn new(tasks: &[Task], times: Times) -> Self {
        let mut by_client = BTreeMap::new();
        let clients = tasks.iter().map(|(testee, _)| testee);
        for client in clients.filter(|testee| testee.role() == Role::Client) {
            let place = by_client.entry(client.key()).or_insert_with(|| Place {
                desk: OnceLock::new(),
                left: AtomicUsize::new(0),
            });
            *place.left.get_mut() += 1;
        }
        Self { by_client, times }
    }

    /// Plays a case with a client.
    pub(crate) fn play(&self, client: &'static Testee, id: CaseId) -> Record {
        let place = &self.by_client[&client.key()];
        let open = || Desk::open(client, self.times);
        let desk = place.desk.get_or_init(open);
        let record = desk.play(id);
        if place.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            desk.stop.raise();
        }
        record
    }
}

struct Desk {
    client: &'static Testee,
    times: Times,
    listener: Listener,
    stop: StopFlag,
    records: Mutex<BTreeMap<CaseId, Record>>,
    changed: Condvar,
}

impl Desk {
    /// Serves a client until `stop` is raised.
    fn open(client: &'static Testee, times: Times) -> Arc<Self> {
        let stop = StopFlag::default();
        let settings = suite::settings(times).with_stop(stop.clone());
        let cases = cases::of_set(Set::Extra).collect();
        let listener = Listener::bind("127.0.0.1:0", cases, settings);
        let mut listener = listener.expect("the loopback interface has a free port");
        if client.is_http2() {
            listener = listener.with_http2();
        }
        let desk = Arc::new(Self {
            client,
            times,
            listener,
            stop,
            records: Mutex::default(),
            changed: Condvar::new(),
        });
        let copy = Arc::clone(&desk);
        thread::spawn(move || copy.listener.serve(&*copy));
        desk
    }

    fn play(&self, id: CaseId) -> Record {
        if id.to_string() == KEYS {
            let first = self.ask("/getCaseCount".to_owned());
            first.join().expect("no client panics");
        }
        let agent = &self.client.name;
        self.ask(format!("/runCase?casetuple={id}&agent={agent}"));
        let missing = |records: &mut BTreeMap<CaseId, Record>| !records.contains_key(&id);
        let changed = &self.changed;
        let waited = changed.wait_timeout_while(self.records(), PATIENCE, missing);
        let (mut records, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let record = records.remove(&id);
        record.unwrap_or_else(|| panic!("{}: {id} has no record", self.client.key()))
    }

    /// Lets the client make a connection. The suite judges how it ends, so an error of the client
    /// is no result.
    fn ask(&self, target: String) -> JoinHandle<()> {
        let address = self.listener.local_addr().expect("it is bound");
        let (client, times) = (self.client, self.times);
        thread::spawn(move || {
            if let Play::Client(ask) = &client.play {
                let _ = ask(&Asked {
                    address,
                    target: &target,
                    times,
                });
            }
        })
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<CaseId, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Desk {
    fn finished(&self, record: Record) {
        self.records().insert(record.id, record);
        self.changed.notify_all();
    }

    fn update_reports(&self, _agent: &str) {}
}
