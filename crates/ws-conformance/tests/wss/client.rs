//! Tests of clients under test over TLS.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use ws_conformance::case::Case;
use ws_conformance::clients::{Ended, Listener, Observer};
use ws_conformance::record::Record;
use ws_conformance::settings::StopFlag;
use ws_conformance::tls::{HandshakeError, Identity};

use crate::certificates::{self, Files};
use crate::testees::{Client, Fault};
use crate::{PACE, SOME, bridge, cases, is_good, patient};

const EXTRA: [&str; 8] = [
    "22.1.1", "23.3.1", "23.4.1", "24.1.1", "24.3.2", "24.4.3", "25.1.1", "26.1.15",
];
/// The time limit on a very busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The events of a listener.
#[derive(Debug, Default)]
struct Told {
    records: Mutex<Vec<Record>>,
    failures: Mutex<Vec<HandshakeError>>,
    changed: Condvar,
}

impl Observer for Told {
    fn tls_failed(&self, error: &HandshakeError) {
        self.failures.lock().unwrap().push(error.clone());
        self.changed.notify_all();
    }

    fn finished(&self, record: Record) {
        self.records.lock().unwrap().push(record);
        self.changed.notify_all();
    }

    fn update_reports(&self, _agent: &str) {}
}

impl Told {
    fn wait_for<T>(&self, things: &Mutex<Vec<T>>, count: usize) {
        let few = |things: &mut Vec<T>| things.len() < count;
        let things = things.lock().unwrap();
        let waited = self.changed.wait_timeout_while(things, PATIENCE, few);
        assert!(!waited.unwrap().1.timed_out());
    }
}

/// Returns the events of clients that connect while `act` runs.
fn told(
    files: &Files,
    cases: Vec<&'static Case>,
    act: impl FnOnce(SocketAddr, &Told) + Send,
) -> Told {
    let stop = StopFlag::default();
    let settings = patient().with_stop(stop.clone());
    let listener = Listener::bind("127.0.0.1:0", cases, settings).unwrap();
    let identity = Identity::load(&files.cert(), &files.key()).unwrap();
    let listener = listener.with_identity(identity);
    let address = listener.local_addr().unwrap();
    let told = Told::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let raised = Raised(&stop);
            act(address, &told);
            drop(raised);
        });
        assert_eq!(listener.serve(&told), Ended::Interrupted);
    });
    told
}

/// Ends the listener, also if an assertion fails.
struct Raised<'a>(&'a StopFlag);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.raise();
    }
}

/// Returns a correct client that trusts the authority of these files.
fn client(address: SocketAddr, files: &Files) -> Client {
    let address = bridge::to(address, &files.client());
    let client = Client::new(&format!("ws://{address}"), Fault::named("compressed"));
    client.unwrap().with_pace(PACE)
}

#[test]
fn a_good_client_is_found_good() {
    let files = certificates::signed("localhost");
    let cases = cases(&[&SOME, &EXTRA]);
    let count = cases.len();
    let told = told(&files, cases, |address, told| {
        let client = client(address, &files);
        assert_eq!(client.case_count().unwrap(), count);
        client.run_all(count, 2);
        told.wait_for(&told.records, count);
    });
    for record in told.records.into_inner().unwrap() {
        assert!(is_good(&record), "{}: {record:#?}", record.id);
        assert_eq!(record.violations, [""; 0], "{}", record.id);
    }
    assert_eq!(told.failures.into_inner().unwrap(), []);
}

#[test]
fn a_client_that_does_not_trust_the_suite_is_told_of() {
    let files = certificates::signed("localhost");
    let others = certificates::signed("localhost");
    let told = told(&files, cases(&[&SOME]), |address, told| {
        assert!(client(address, &others).case_count().is_err());
        told.wait_for(&told.failures, 1);
    });
    let failure = &told.failures.into_inner().unwrap()[0];
    assert!(failure.to_string().contains("alert"), "{failure}");
}

#[test]
fn a_client_that_speaks_no_tls_is_told_of() {
    let files = certificates::signed("localhost");
    let told = told(&files, cases(&[&SOME]), |address, told| {
        let client = Client::new(&format!("ws://{address}"), Fault::NONE).unwrap();
        assert!(client.with_pace(PACE).case_count().is_err());
        told.wait_for(&told.failures, 1);
    });
    let failures = told.failures.into_inner().unwrap();
    assert_eq!(failures, [HandshakeError::NoTls]);
}
