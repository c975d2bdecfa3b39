//! The race between the addresses of a host (RFC 8305).

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use ws_driver::{ConnectError, ConnectPhase, ProxyErrorKind};
use ws_tests::clock;
use ws_tests::scripted::Server;
use ws_tests::scripted::network::{self, Answer, Place, Progress, addresses};

use super::{MILLISECOND, SECOND, connect, connector, fail, through};

const DELAY: Duration = Duration::from_millis(250);

const A: &str = "192.0.2.1:80";
const B: &str = "192.0.2.2:80";
const C: &str = "[2001:db8::1]:80";
const D: &str = "[2001:db8::2]:80";

/// Sets the addresses of the host `h`.
fn host(text: &str) -> Vec<SocketAddr> {
    let addresses = addresses(text);
    network::name("h", Answer::success(addresses.clone()));
    addresses
}

/// Returns the address, the start and the progress of each attempt.
fn attempts() -> Vec<(SocketAddr, Duration, Progress)> {
    let attempts = network::attempts().into_iter();
    attempts
        .map(|attempt| match attempt.place {
            Place::Tcp(address) => (address, attempt.start, attempt.progress),
            Place::Unix(path) => panic!("{path:?}"),
        })
        .collect()
}

/// Returns the addresses of an error with the kinds of their errors.
fn failures(error: &ConnectError) -> Vec<(SocketAddr, ErrorKind)> {
    let error = match error {
        ConnectError::Unreachable(error) => error,
        ConnectError::Proxy(error) => match error.kind() {
            ProxyErrorKind::Unreachable(error) => error,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let addresses = error.addresses().iter();
    addresses
        .map(|failed| (failed.address, failed.error.kind()))
        .collect()
}

fn parse(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn accept() -> Answer<Server> {
    Answer::success(Server::new().upgrade())
}

#[test]
fn attempts_alternate_between_families_and_start_every_quarter_of_a_second() {
    host(&[A, B, C, D].join(" "));
    let start = clock::elapsed();
    let (error, time) = fail(&connector(), "ws://h/");
    assert!(matches!(
        error,
        ConnectError::Timeout(ConnectPhase::Connect)
    ));
    assert!(error.is_timeout());
    assert_eq!(time, 10 * SECOND);
    let expected: Vec<_> = [A, C, B, D]
        .into_iter()
        .zip(0..)
        .map(|(address, index)| (parse(address), start + DELAY * index, Progress::Dropped))
        .collect();
    assert_eq!(attempts(), expected);
}

#[test]
fn the_first_address_stays_first_in_either_family() {
    for order in [[A, C, B, D], [C, A, D, B]] {
        network::clear();
        let [first, second, third, fourth] = order;
        host(&[first, third, second, fourth].join(" "));
        let _ = fail(&connector(), "ws://h/");
        let tried: Vec<_> = attempts()
            .into_iter()
            .map(|(address, ..)| address)
            .collect();
        assert_eq!(tried, order.map(parse));
    }
}

#[test]
fn a_failure_starts_the_next_attempt_at_once_and_restarts_the_delay() {
    host(&[A, B, C].join(" "));
    network::at(
        A,
        Answer::failure(ErrorKind::ConnectionRefused).after(100 * MILLISECOND),
    );
    let start = clock::elapsed();
    let _ = fail(&connector(), "ws://h/");
    let ms = |ms: u32| start + MILLISECOND * ms;
    assert_eq!(
        attempts(),
        [
            (parse(A), ms(0), Progress::Failed),
            (parse(C), ms(100), Progress::Dropped),
            (parse(B), ms(350), Progress::Dropped),
        ]
    );
}

#[test]
fn a_late_failure_of_an_earlier_attempt_starts_the_next_one() {
    host(&[A, B, C].join(" "));
    // A fails 50 ms after C has started.
    network::at(
        A,
        Answer::failure(ErrorKind::ConnectionRefused).after(300 * MILLISECOND),
    );
    let start = clock::elapsed();
    let _ = fail(&connector(), "ws://h/");
    let starts: Vec<_> = attempts().iter().map(|(_, at, _)| *at - start).collect();
    assert_eq!(starts, [0, 250, 300].map(|ms| MILLISECOND * ms));
}

#[test]
fn the_first_success_wins_and_drops_the_others() {
    for (winner, at) in [(A, 600), (C, 300), (B, 100)] {
        network::clear();
        host(&[A, B, C].join(" "));
        network::at(winner, accept().after(at * MILLISECOND));
        let (result, _) = connect(&connector(), "ws://h/");
        result.unwrap();
        for (address, _, progress) in attempts() {
            let expected = if address == parse(winner) {
                Progress::Connected
            } else {
                Progress::Dropped
            };
            assert_eq!(progress, expected, "{address}");
        }
        assert_eq!(network::peers().len(), 1);
    }
}

#[test]
fn no_attempt_starts_after_the_winner() {
    for at in [0, 1, 249] {
        network::clear();
        host(&[A, B, C].join(" "));
        network::at(A, accept().after(at * MILLISECOND));
        let (result, time) = connect(&connector(), "ws://h/");
        result.unwrap();
        assert_eq!(time, at * MILLISECOND);
        assert_eq!(attempts().len(), 1);
    }
    // The handshake takes longer than the delay between two attempts.
    network::clear();
    host(&[A, B, C].join(" "));
    network::at(A, Answer::success(Server::new().wait(SECOND).upgrade()));
    connect(&connector(), "ws://h/").0.unwrap();
    assert_eq!(attempts().len(), 1);
}

#[test]
fn the_other_attempts_are_dropped_before_the_handshake() {
    host(&[A, C].join(" "));
    network::at(C, accept().after(SECOND));
    let connector = connector();
    let mut connecting = Box::pin(connector.connect("ws://h/"));
    let mut task = ws_tests::exec::Task::new();
    while network::peers().is_empty() {
        assert!(ws_tests::exec::settle(&mut task, connecting.as_mut()).is_pending());
        assert!(clock::advance_to_alarm() || !network::peers().is_empty());
    }
    let progress: Vec<_> = attempts().iter().map(|(.., progress)| *progress).collect();
    assert_eq!(progress, [Progress::Dropped, Progress::Connected]);
    drop(connecting);
    super::assert_nothing_left();
}

#[test]
fn if_every_address_fails_the_error_has_all_in_the_order_of_failure() {
    host(&[A, B, C].join(" "));
    network::at(A, Answer::failure(ErrorKind::TimedOut).after(2 * SECOND));
    network::at(B, Answer::failure(ErrorKind::ConnectionRefused));
    network::at(
        C,
        Answer::failure(ErrorKind::NetworkUnreachable).after(SECOND),
    );
    let (error, time) = fail(&connector(), "ws://h/");
    assert_eq!(
        failures(&error),
        [
            (parse(B), ErrorKind::ConnectionRefused),
            (parse(C), ErrorKind::NetworkUnreachable),
            (parse(A), ErrorKind::TimedOut),
        ]
    );
    assert_eq!(time, 2 * SECOND);
    assert!(error.is_disconnect());
    let text = error.to_string();
    assert!(
        [A, B, C].iter().all(|address| text.contains(address)),
        "{text}"
    );
}

#[test]
fn refusals_by_every_address_take_no_time() {
    let addresses = host(&[A, C, B, D].join(" "));
    for address in [A, B, C, D] {
        network::at(address, Answer::failure(ErrorKind::ConnectionRefused));
    }
    let (error, time) = fail(&connector(), "ws://h/");
    let expected: Vec<_> = addresses
        .into_iter()
        .map(|address| (address, ErrorKind::ConnectionRefused))
        .collect();
    assert_eq!(failures(&error), expected);
    assert_eq!(time, Duration::ZERO);
    assert!(!error.is_timeout());
}

#[test]
fn failed_and_pending_addresses_at_the_deadline_are_both_reported() {
    for is_proxy in [false, true] {
        network::clear();
        host(&[A, B, C].join(" "));
        network::at(
            C,
            Answer::failure(ErrorKind::ConnectionRefused).after(SECOND),
        );
        let connector = if is_proxy {
            through("http://h:80")
        } else {
            connector()
        };
        let (error, time) = fail(&connector, "ws://h/");
        assert_eq!(
            failures(&error),
            [
                (parse(C), ErrorKind::ConnectionRefused),
                (parse(A), ErrorKind::TimedOut),
                (parse(B), ErrorKind::TimedOut),
            ]
        );
        assert_eq!(time, 10 * SECOND);
        assert!(error.is_timeout() && error.is_disconnect());
    }
}

#[test]
fn an_address_that_is_listed_twice_is_tried_twice() {
    host(&[A, A].join(" "));
    network::at(A, Answer::failure(ErrorKind::ConnectionRefused));
    network::at(A, accept());
    connect(&connector(), "ws://h/").0.unwrap();
    let progress: Vec<_> = attempts().iter().map(|(.., progress)| *progress).collect();
    assert_eq!(progress, [Progress::Failed, Progress::Connected]);
}

/// Returns the addresses of 100 servers.
fn hundred() -> Vec<String> {
    (1..=100).map(|n| format!("198.51.100.{n}:80")).collect()
}

#[test]
fn a_hundred_silent_addresses_end_at_the_deadline() {
    host(&hundred().join(" "));
    let (error, time) = fail(&connector(), "ws://h/");
    assert!(matches!(
        error,
        ConnectError::Timeout(ConnectPhase::Connect)
    ));
    assert_eq!(time, 10 * SECOND);
    // One at the start, and one after each 250 ms before the deadline.
    assert!(
        (40..=41).contains(&attempts().len()),
        "{}",
        attempts().len()
    );
}

#[test]
fn a_hundred_refusals_are_all_reported() {
    let addresses = hundred();
    host(&addresses.join(" "));
    for address in &addresses {
        network::at(address, Answer::failure(ErrorKind::ConnectionRefused));
    }
    let (error, time) = fail(&connector(), "ws://h/");
    let reported: Vec<_> = failures(&error)
        .into_iter()
        .map(|(address, _)| address.to_string())
        .collect();
    assert_eq!(reported, addresses);
    assert_eq!(time, Duration::ZERO);
}

#[test]
fn errors_of_the_lookup_are_reported_and_nothing_is_tried() {
    network::name(
        "h",
        Answer::failure(ErrorKind::PermissionDenied).after(SECOND),
    );
    let (error, time) = fail(&connector(), "ws://h/");
    assert!(
        matches!(&error, ConnectError::Resolve(e) if e.kind() == ErrorKind::PermissionDenied),
        "{error:?}"
    );
    assert_eq!(time, SECOND);
    host("");
    let (error, _) = fail(&connector(), "ws://h/");
    assert!(
        matches!(&error, ConnectError::Resolve(e) if e.kind() == ErrorKind::NotFound),
        "{error:?}"
    );
    assert!(attempts().is_empty());
}

#[test]
fn an_ip_address_is_not_looked_up() {
    for (url, address) in [
        ("ws://192.0.2.1/", "192.0.2.1:80"),
        ("ws://[2001:db8::1]:8080/", "[2001:db8::1]:8080"),
    ] {
        network::at(address, accept());
        connect(&connector(), url).0.unwrap();
    }
    assert!(network::lookups().is_empty());
}

#[test]
fn the_resolver_of_the_caller_replaces_that_of_the_runtime_and_sets_the_port() {
    network::at("192.0.2.7:7", accept());
    let connector = connector().resolver(|host, port| async move {
        assert_eq!((host.as_str(), port), ("h", 80));
        Ok(addresses("192.0.2.7:7"))
    });
    connect(&connector, "ws://h/").0.unwrap();
    assert!(network::lookups().is_empty());
}

#[test]
fn a_unix_socket_is_reached_without_a_lookup_or_a_proxy() {
    let server = Server::new().hello("h").upgrade();
    network::at_path("/run/h.sock", Answer::success(server));
    let connector = super::through("http://proxy:1").unix_socket("/run/h.sock");
    connect(&connector, "wss://h/").0.unwrap();
    assert!(network::lookups().is_empty());
    assert_eq!(network::attempts().len(), 1);
    assert!(network::heads()[0].contains("Host: h\r\n"));
}

#[test]
fn an_error_of_a_unix_socket_is_reported() {
    network::at_path("/none", Answer::failure(ErrorKind::NotFound));
    let (error, _) = fail(&connector().unix_socket("/none"), "ws://h/");
    assert!(
        matches!(&error, ConnectError::UnixSocket(e) if e.kind() == ErrorKind::NotFound),
        "{error:?}"
    );
    let (error, _) = fail(&connector().unix_socket("/silent"), "ws://h/");
    assert!(matches!(
        error,
        ConnectError::Timeout(ConnectPhase::Connect)
    ));
}
