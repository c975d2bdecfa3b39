//! Runs extra cases against testees.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use ws_conformance::case::Case;
use ws_conformance::clients::{Listener, Observer};
use ws_conformance::pool::{self, Jobs};
use ws_conformance::record::Record;
use ws_conformance::servers::{self, Target};
use ws_conformance::settings::{Settings, StopFlag};

use crate::testees::{Client, Fault, Role, Server};

/// How long cases may take that a client is done with. A case that it was too late to ask for, because
/// the machine is busy, never ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// The records of these cases.
pub(crate) fn examine(
    role: Role,
    fault: Fault,
    cases: Vec<&'static Case>,
    time_scale: f64,
) -> Vec<Record> {
    let settings = Settings::default().with_time_scale(time_scale);
    match role {
        _ if cases.is_empty() => Vec::new(),
        Role::Server => examine_server(fault, &cases, &settings),
        Role::Client => examine_client(fault, cases, settings),
    }
}

fn examine_server(fault: Fault, cases: &[&'static Case], settings: &Settings) -> Vec<Record> {
    let server = Server::bind(0).unwrap();
    let target = Target::new(&server.url()).unwrap().with_agent(fault.name());
    thread::spawn(move || server.serve(fault));
    let records = Mutex::new(Vec::new());
    let jobs = Jobs::new(12.try_into().unwrap());
    pool::run(
        cases,
        jobs,
        &settings.stop,
        |case| servers::run_case(&target, case, settings),
        |record| records.lock().unwrap().push(record),
    );
    records.into_inner().unwrap()
}

fn examine_client(fault: Fault, cases: Vec<&'static Case>, settings: Settings) -> Vec<Record> {
    let count = cases.len();
    listen(cases, settings, |url| {
        let client = Client::new(url, fault).unwrap();
        // One of the cases compares the keys of connections: there has to be one before it.
        client.case_count().unwrap();
        client.run_all(count, 12);
    })
}

/// The records of cases that are asked for at the URL that `ask` gets.
pub(crate) fn listen(
    cases: Vec<&'static Case>,
    settings: Settings,
    ask: impl FnOnce(&str) + Send,
) -> Vec<Record> {
    let stop = StopFlag::default();
    let count = cases.len();
    let listener = Listener::bind("127.0.0.1:0", cases, settings.with_stop(stop.clone())).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let records = Kept::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            ask(&url);
            // What is still running is about to end by its own limit.
            records.wait_for(count);
            stop.raise();
        });
        listener.serve(&records);
    });
    records.0.into_inner().unwrap()
}

/// An observer that keeps everything.
#[derive(Default)]
struct Kept(Mutex<Vec<Record>>);

impl Kept {
    fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.0.lock().unwrap().len() < count && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Observer for Kept {
    fn finished(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }

    fn update_reports(&self, _agent: &str) {}
}
