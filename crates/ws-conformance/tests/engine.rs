//! Tests of the engine over TCP, in both roles, against correct and wrong peers.

#![forbid(unsafe_code)]

mod support;

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Mutex;

use ws_conformance::case::Case;
use ws_conformance::cases;
use ws_conformance::clients::{Ended, Listener, Observer};
use ws_conformance::record::Record;
use ws_conformance::servers::{Target, probe, run_case};
use ws_conformance::settings::Settings;
use ws_conformance::verdict::{Behavior, CloseBehavior, Verdict};

/// Cases of each group, without those that take a second.
const SOME: [&str; 24] = [
    "1.1.1", "1.1.8", "1.2.7", "2.3", "2.5", "2.9", "2.11", "3.1", "3.4", "4.1.3", "4.2.1", "5.1",
    "5.8", "5.14", "6.2.3", "6.3.1", "6.6.3", "6.22.1", "7.1.5", "7.3.5", "7.7.10", "9.3.5",
    "9.8.3", "10.1.1",
];

fn case(id: &str) -> &'static Case {
    cases::find(id.parse().unwrap()).unwrap()
}

/// Returns settings with time for a busy machine. A correct peer answers at once otherwise.
fn patient() -> Settings {
    Settings::default().with_time_scale(20.0)
}

fn verdict(behavior: Behavior, close: CloseBehavior) -> Verdict {
    Verdict { behavior, close }
}

#[test]
fn a_good_server_is_found_good() {
    let target = Target::new(&support::echo_server()).unwrap();
    let settings = patient();
    let probe = probe(&target, &settings).unwrap();
    assert_eq!(probe.agent, "tiny");
    for id in SOME {
        let record = run_case(&target, case(id), &settings);
        assert_eq!(record.verdict, Verdict::GOOD, "{id}: {record:#?}");
        assert_eq!(record.violations, [""; 0], "{id}");
        assert_eq!(record.agent, "tiny");
    }
}

#[cfg(unix)]
#[test]
fn a_server_is_reached_over_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("echo.sock");
    support::unix_bridge(&path, &support::echo_server());
    let target = Target::new("ws://localhost/").unwrap();
    let target = target.with_unix_socket(&path);
    let settings = patient();
    assert_eq!(probe(&target, &settings).unwrap().agent, "tiny");
    for id in ["1.1.8", "2.5", "7.1.5", "9.3.5", "20.1.1"] {
        let record = run_case(&target, case(id), &settings);
        assert_eq!(record.verdict, Verdict::GOOD, "{id}: {record:#?}");
    }
}

#[test]
fn a_silent_server_is_found_silent() {
    let target = Target::new(&support::silent_server()).unwrap();
    // Short waits for what does not arrive, and a long one for the opening handshake, which does.
    let mut settings = Settings::default().with_time_scale(0.1);
    assert!(probe(&target, &settings).is_err());
    settings.open_handshake_timeout *= 100;
    let echo = run_case(&target, case("1.1.1"), &settings);
    assert_eq!(
        echo.verdict,
        verdict(Behavior::Failed, CloseBehavior::Unclean)
    );
    assert!(echo.was_close_handshake_timeout && echo.dropped_by_me);
    // These cases ask for silence, so only the verdict on the close differs.
    let reserved = run_case(&target, case("3.1"), &settings);
    assert_eq!(
        reserved.verdict,
        verdict(Behavior::Ok, CloseBehavior::Failed)
    );
}

#[test]
fn the_wire_log_has_the_frames_of_both_sides() {
    let target = Target::new(&support::echo_server()).unwrap();
    let record = run_case(&target, case("2.2"), &patient());
    let log = serde_json::to_value(&record.wirelog).unwrap();
    let log = log.as_array().unwrap();
    let kinds: Vec<_> = log.iter().map(|entry| &entry[0]).collect();
    assert_eq!(kinds[..2], ["TO", "RO"], "the opening handshake");
    assert_eq!(log[0][1][0], record.http_request.len());
    assert_eq!(log[1][1][0], record.http_response.len());
    assert_eq!(kinds[2..7], ["TF", "TO", "TI", "RO", "RF"]);
    assert_eq!(log[6][1][1], "Hello, world!");
    assert_eq!(record.tx_frame_stats, [(8, 1), (9, 1)].into());
    assert_eq!(record.rx_frame_stats, [(8, 1), (10, 1)].into());
}

#[derive(Default)]
struct Collector {
    records: Mutex<Vec<Record>>,
    updates: Mutex<Vec<String>>,
}

impl Observer for Collector {
    fn finished(&self, record: Record) {
        self.records.lock().unwrap().push(record);
    }

    fn update_reports(&self, agent: &str) {
        self.updates.lock().unwrap().push(agent.to_owned());
    }
}

/// Serves the cases of [`SOME`] to a client, until the client ends the listener.
fn serve(client: impl FnOnce(SocketAddr)) -> (Ended, Collector) {
    let cases = SOME.map(case).to_vec();
    let listener = Listener::bind("127.0.0.1:0", cases, patient()).unwrap();
    let address = listener.local_addr().unwrap();
    let collector = Collector::default();
    let ended = std::thread::scope(|scope| {
        let serving = scope.spawn(|| listener.serve(&collector));
        client(address);
        serving.join().unwrap()
    });
    (ended, collector)
}

#[test]
fn a_good_client_is_found_good() {
    let (ended, collector) = serve(|address| {
        let ask = |resource: &str| support::echo_client(address, resource).unwrap();
        assert_eq!(ask("/getCaseCount"), [SOME.len().to_string()]);
        for position in 1..=SOME.len() {
            ask(&format!("/runCase?case={position}&agent=tiny%20client"));
        }
        let info = ask("/getCaseInfo?casetuple=1.1.8");
        assert!(info[0].starts_with(r#"{"description":"Sends"#), "{info:?}");
        let status = ask("/getCaseStatus?case=1&agent=tiny%20client");
        assert_eq!(status, [r#"{"behavior":"OK"}"#]);
        ask("/updateReports?agent=tiny%20client&shutdownOnComplete=true");
    });
    assert_eq!(ended, Ended::Complete);
    assert_eq!(collector.updates.into_inner().unwrap(), ["tiny client"]);
    let mut records = collector.records.into_inner().unwrap();
    records.sort_by_key(|record| record.number);
    assert_eq!(records.len(), SOME.len());
    for (position, record) in (1..).zip(&records) {
        assert_eq!(record.verdict, Verdict::GOOD, "{record:#?}");
        assert_eq!((record.number, &*record.agent), (position, "tiny client"));
        assert!(record.is_server);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let (ended, _) = serve(|address| {
        let refusal = |resource| {
            let mut text = String::new();
            let mut answer = support::request(address, resource).unwrap();
            answer.read_to_string(&mut text).unwrap();
            text
        };
        let text = refusal("/runCase?case=900");
        assert!(text.starts_with("HTTP/1.1 500 "), "{text}");
        assert!(text.contains("case=900 is not between 1 and 24"), "{text}");
        assert!(refusal("/getCaseInfo").contains("name a case"));
        support::echo_client(address, "/stopServer").unwrap();
    });
    assert_eq!(ended, Ended::StopRequested);
}

#[test]
fn a_case_that_is_cut_off_says_nothing_about_the_client() {
    let mut silent = None;
    let (ended, collector) = serve(|address| {
        let case = "/runCase?casetuple=9.8.3&agent=silent";
        let client = silent.insert(support::request(address, case).unwrap());
        support::skip_head(client).unwrap();
        support::echo_client(address, "/stopServer").unwrap();
    });
    assert_eq!(ended, Ended::StopRequested);
    assert_eq!(collector.records.into_inner().unwrap().len(), 0);
}
