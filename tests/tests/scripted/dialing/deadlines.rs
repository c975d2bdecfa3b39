//! The total deadline and the timeouts of the phases.

use std::time::Duration;

use ws_driver::handshake::HeadLimits;
use ws_driver::{ConnectError, ConnectPhase, Connector};
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Server};

use super::{SECOND, connect, connector, fail, serve, through};

/// All phases, in their order.
const PHASES: [ConnectPhase; 5] = [
    ConnectPhase::Resolve,
    ConnectPhase::Connect,
    ConnectPhase::Proxy,
    ConnectPhase::Tls,
    ConnectPhase::Handshake,
];

const OPENED: &str = "HTTP/1.1 200 OK\r\n\r\n";
const URL: &str = "wss://server/";

/// A way to the server that stops in `phase` for the time `pause`, or forever.
fn stop_in(phase: ConnectPhase, pause: Option<Duration>) {
    network::clear();
    let stop_at = |at, server: Server| match pause {
        _ if at != phase => server,
        Some(pause) => server.wait(pause),
        None => server.wait(Duration::MAX),
    };
    let mut server = stop_at(ConnectPhase::Proxy, Server::new()).answer(OPENED);
    server = server.expect("hello server\n");
    server = stop_at(ConnectPhase::Tls, server).send("ok\n");
    server = stop_at(ConnectPhase::Handshake, server).upgrade();
    let delay = |at| {
        if at == phase {
            pause
        } else {
            Some(Duration::ZERO)
        }
    };
    let found = network::addresses("192.0.2.1:3128");
    network::name("proxy", delayed(delay(ConnectPhase::Resolve), found));
    network::at(
        "192.0.2.1:3128",
        delayed(delay(ConnectPhase::Connect), server),
    );
}

/// Returns an answer after `delay`. Never answers without a delay.
fn delayed<T>(delay: Option<Duration>, value: T) -> Answer<T> {
    match delay {
        Some(delay) => Answer::success(value).after(delay),
        None => Answer::never(),
    }
}

fn proxied() -> Connector<Manual> {
    through("http://proxy:3128")
}

/// Asserts that connecting ends in `phase` after `time`.
fn assert_timeout(connector: &Connector<Manual>, phase: ConnectPhase, time: Duration) {
    let (error, passed) = fail(connector, URL);
    assert!(error.is_timeout());
    match error {
        ConnectError::Timeout(reported) => assert_eq!((reported, passed), (phase, time)),
        other => panic!("{phase:?}: {other:?}"),
    }
}

#[test]
fn each_phase_ends_at_the_earlier_of_its_own_deadline_and_the_total() {
    for phase in PHASES {
        stop_in(phase, None);
        let connector = proxied();
        assert_timeout(&connector, phase, 10 * SECOND);
        for (own, total) in [(3, 10), (7, 7), (30, 10), (8, 2)] {
            stop_in(phase, None);
            let connector = proxied()
                .handshake_timeout(total * SECOND)
                .phase_timeout(phase, own * SECOND);
            assert_timeout(&connector, phase, own.min(total) * SECOND);
        }
    }
}

#[test]
fn the_timeout_of_a_phase_limits_no_other_phase() {
    for phase in PHASES {
        stop_in(phase, None);
        let others = PHASES.into_iter().filter(|other| *other != phase);
        let connector = others.fold(proxied(), |connector, other| {
            connector.phase_timeout(other, SECOND)
        });
        assert_timeout(&connector, phase, 10 * SECOND);
    }
}

#[test]
fn the_timeout_of_a_phase_begins_with_the_phase() {
    for slow in PHASES {
        stop_in(slow, Some(4 * SECOND));
        let connector = PHASES.into_iter().fold(proxied(), |connector, phase| {
            let timeout = if phase == slow { 5 } else { 1 };
            connector.phase_timeout(phase, timeout * SECOND)
        });
        let (result, time) = connect(&connector, URL);
        result.unwrap();
        assert_eq!(time, 4 * SECOND);
    }
}

#[test]
fn the_total_spans_all_phases() {
    let way = || {
        network::clear();
        let wait = |server: Server| server.wait(2 * SECOND);
        let server = wait(Server::new()).answer(OPENED).expect("hello server\n");
        let server = wait(wait(server).send("ok\n")).upgrade();
        let found = network::addresses("192.0.2.1:3128");
        network::name("proxy", Answer::success(found).after(2 * SECOND));
        network::at("192.0.2.1:3128", Answer::success(server).after(2 * SECOND));
    };
    for (total, phase) in [1, 3, 5, 7, 9].into_iter().zip(PHASES) {
        way();
        let connector = proxied().handshake_timeout(total * SECOND);
        assert_timeout(&connector, phase, total * SECOND);
    }
    way();
    let (result, time) = connect(&proxied().handshake_timeout(11 * SECOND), URL);
    result.unwrap();
    assert_eq!(time, 10 * SECOND);
}

#[test]
fn tls_to_the_proxy_belongs_to_the_phase_of_the_proxy() {
    // 2 s for TLS and 2 s for the dialogue.
    let server = Server::new()
        .expect("hello proxy\n")
        .wait(2 * SECOND)
        .send("ok\n");
    let server = server
        .wait(2 * SECOND)
        .answer(OPENED)
        .hello("server")
        .upgrade();
    for (timeout, error) in [(1, Some(1)), (3, Some(3)), (5, None)] {
        network::clear();
        serve("127.0.0.1:443", server.clone());
        let connector = through("https://proxy")
            .phase_timeout(ConnectPhase::Tls, SECOND)
            .phase_timeout(ConnectPhase::Proxy, timeout * SECOND);
        match error {
            Some(time) => assert_timeout(&connector, ConnectPhase::Proxy, time * SECOND),
            None => connect(&connector, URL).0.unwrap(),
        }
    }
}

#[test]
fn the_lookup_of_the_server_for_socks5_has_its_own_time() {
    network::name("server", Answer::never());
    let connector = through("socks5://192.0.2.1:1080").phase_timeout(ConnectPhase::Resolve, SECOND);
    assert_timeout(&connector, ConnectPhase::Resolve, SECOND);
    assert!(network::attempts().is_empty());
}

/// Three servers, each of which redirects to the next after 4 s.
fn slow_redirects() {
    network::clear();
    for (port, location) in [(1, "ws://127.0.0.1:2/"), (2, "ws://127.0.0.1:3/")] {
        let server = Server::new().wait(4 * SECOND).redirect(location);
        serve(&format!("127.0.0.1:{port}"), server);
    }
    serve("127.0.0.1:3", Server::new().wait(4 * SECOND).upgrade());
}

#[test]
fn the_total_goes_on_after_a_redirect_and_a_phase_begins_again() {
    let timeouts = |total: u32, phase: u32| {
        let connector = connector().redirects(5);
        let connector = connector.handshake_timeout(total * SECOND);
        connector.phase_timeout(ConnectPhase::Handshake, phase * SECOND)
    };
    for (total, phase, end) in [(10, 5, 10), (60, 3, 3), (5, 60, 5)] {
        slow_redirects();
        let (error, time) = fail(&timeouts(total, phase), "ws://127.0.0.1:1/");
        assert!(
            matches!(error, ConnectError::Timeout(ConnectPhase::Handshake)),
            "{error:?}"
        );
        assert_eq!(time, end * SECOND);
    }
    slow_redirects();
    let (result, time) = connect(&timeouts(13, 5), "ws://127.0.0.1:1/");
    result.unwrap();
    assert_eq!(time, 12 * SECOND);
}

#[test]
fn no_time_at_all_is_a_timeout_at_once() {
    for phase in PHASES {
        for connector in [
            proxied().handshake_timeout(Duration::ZERO),
            proxied().phase_timeout(phase, Duration::ZERO),
        ] {
            stop_in(phase, None);
            let (error, time) = fail(&connector, URL);
            assert!(matches!(error, ConnectError::Timeout(_)), "{error:?}");
            assert_eq!(time, Duration::ZERO);
        }
    }
}

#[test]
fn a_timeout_may_be_longer_than_the_clock_can_count() {
    let connector = || {
        let connector = proxied().handshake_timeout(Duration::MAX);
        PHASES.into_iter().fold(connector, |connector, phase| {
            connector.phase_timeout(phase, Duration::MAX)
        })
    };
    for phase in PHASES {
        stop_in(phase, Some(1000 * SECOND));
        let (result, time) = connect(&connector(), URL);
        result.unwrap();
        assert_eq!(time, 1000 * SECOND);
        let total = connector().handshake_timeout(SECOND);
        stop_in(phase, None);
        assert_timeout(&total, phase, SECOND);
    }
}

#[test]
fn a_handshake_over_a_given_stream_has_the_timeout_of_its_phase_and_the_total() {
    for (own, total) in [(3, 10), (8, 2)] {
        let (transport, peer) = ws_tests::scripted::pair();
        let connector = connector()
            .handshake_timeout(total * SECOND)
            .phase_timeout(ConnectPhase::Handshake, own * SECOND)
            .phase_timeout(ConnectPhase::Resolve, Duration::ZERO);
        let handshake = connector.handshake("ws://h/", transport);
        let (result, time) = ws_tests::steps::timed(|| ws_tests::exec::run(handshake));
        let error = result.expect_err("no connection");
        assert!(
            matches!(error, ConnectError::Timeout(ConnectPhase::Handshake)),
            "{error:?}"
        );
        assert_eq!(time, own.min(total) * SECOND);
        assert!(peer.is_dropped());
    }
}

/// A peer that always has more input cannot postpone the deadline.
#[test]
fn input_without_end_does_not_postpone_the_deadline() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    serve("127.0.0.1:80", Server::new().answer(head).read_time(SECOND));
    let limits = HeadLimits::default().max_len(1 << 22);
    let (error, time) = fail(&connector().head_limits(limits), "ws://server/");
    assert!(error.response().is_some(), "{error:?}");
    assert!(time >= 10 * SECOND && time <= 12 * SECOND, "{time:?}");
}
