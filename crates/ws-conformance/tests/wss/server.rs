//! Tests of servers under test over TLS.

use std::net::TcpListener;

use ws_conformance::case::Case;
use ws_conformance::record::Record;
use ws_conformance::servers::{self, ProbeError, Target, probe};
use ws_conformance::settings::Settings;
use ws_conformance::tls::{HandshakeError, Trust};

use crate::certificates::{self, Files};
use crate::{SOME, bridge, cases, is_good, patient, plain_server};

/// One case of each group, among them cuts, half-closed connections, resets and further
/// connections.
const EXTRA: [&str; 11] = [
    "20.1.1", "20.1.10", "20.1.11", "21.1.1", "23.3.1", "23.4.1", "23.4.10", "24.1.1", "24.3.2",
    "25.1.1", "26.1.15",
];

fn run(target: &Target, case: &'static Case) -> Record {
    servers::run_case(target, case, &patient())
}

/// Returns a correct server with this certificate, at this host.
fn target(files: &Files, host: &str) -> Target {
    let address = bridge::in_front_of(plain_server(), &files.server());
    Target::new(&format!("wss://{host}:{}", address.port())).unwrap()
}

fn trusting(files: &Files) -> Trust {
    Trust::only(&files.authority()).unwrap()
}

#[track_caller]
fn assert_is_good(target: &Target, cases: Vec<&'static Case>) {
    for case in cases {
        let record = run(target, case);
        assert!(is_good(&record), "{}: {record:#?}", record.id);
        assert_eq!(record.violations, [""; 0], "{}", record.id);
    }
}

/// Returns the TLS error of a server that the probe refuses.
#[track_caller]
fn refusal(target: &Target) -> HandshakeError {
    match probe(target, &patient()) {
        Err(ProbeError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_not_trusted(target: &Target, why: &str) {
    match refusal(target) {
        HandshakeError::Certificate(text) => assert!(text.contains(why), "{text}"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_good_server_is_found_good() {
    let files = certificates::signed("localhost");
    let target = target(&files, "localhost").with_trust(&trusting(&files));
    probe(&target, &patient()).unwrap();
    assert_is_good(&target, cases(&[&SOME, &EXTRA]));
}

#[test]
fn tls_1_2_will_do() {
    let files = certificates::signed("localhost");
    let address = bridge::in_front_of(plain_server(), &files.old_server());
    let target = Target::new(&format!("wss://localhost:{}", address.port())).unwrap();
    let target = target.with_trust(&trusting(&files));
    assert_is_good(&target, cases(&[&["1.1.1", "2.6", "7.1.1"]]));
}

#[test]
fn an_address_is_as_good_as_a_name() {
    let files = certificates::signed("127.0.0.1");
    let target = target(&files, "127.0.0.1").with_trust(&trusting(&files));
    probe(&target, &patient()).unwrap();
}

#[test]
fn the_certificate_has_to_be_for_the_name_that_is_asked_for() {
    let files = certificates::signed("example.org");
    let target = target(&files, "localhost").with_trust(&trusting(&files));
    assert_not_trusted(&target, "not valid for name");
    probe(&target.with_server_name("example.org").unwrap(), &patient()).unwrap();
}

#[test]
fn the_certificate_has_to_be_signed_by_someone_trusted() {
    let files = certificates::signed("localhost");
    let target = target(&files, "localhost");
    assert_not_trusted(&target, "no trusted authority has signed it");
    let others = trusting(&certificates::signed("localhost"));
    let target = target.with_trust(&others);
    assert_not_trusted(&target, "no trusted authority has signed it");
    probe(&target.with_trust(&Trust::anyone()), &patient()).unwrap();
}

#[test]
fn the_certificate_has_to_be_of_today() {
    for files in [
        certificates::expired(),
        certificates::self_signed_and_expired(),
    ] {
        let target = target(&files, "localhost").with_trust(&trusting(&files));
        assert_not_trusted(&target, "expired");
        probe(&target.with_trust(&Trust::anyone()), &patient()).unwrap();
    }
}

#[test]
fn a_certificate_that_signed_itself_can_be_trusted_for_its_name() {
    let files = certificates::self_signed("localhost");
    let own = target(&files, "localhost");
    assert_not_trusted(&own, "");
    probe(&own.with_trust(&trusting(&files)), &patient()).unwrap();
    let files = certificates::self_signed("example.org");
    let other = target(&files, "localhost").with_trust(&trusting(&files));
    assert_not_trusted(&other, "not valid for name");
}

#[test]
fn a_server_that_speaks_no_tls_is_refused() {
    let answering = bridge::listen(|mut tcp| {
        use std::io::{Read, Write};
        let _ = tcp.read(&mut [0; 16])?;
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    let ending = bridge::listen(|tcp| tcp.shutdown(std::net::Shutdown::Write));
    for (address, wanted) in [
        (answering, HandshakeError::NoTls),
        (ending, HandshakeError::Ended),
    ] {
        let target = Target::new(&format!("wss://{address}")).unwrap();
        assert_eq!(refusal(&target), wanted);
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    // The system accepts the connection, but no process does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let target = Target::new(&format!("wss://{address}")).unwrap();
    let settings = Settings::default().with_time_scale(0.02);
    match probe(&target, &settings) {
        Err(ProbeError::Tls(error)) => assert_eq!(error, HandshakeError::TimedOut),
        other => panic!("{other:?}"),
    }
    let record = servers::run_case(&target, &ws_conformance::cases::all()[0], &settings);
    assert!(record.was_open_handshake_timeout, "{record:#?}");
}
