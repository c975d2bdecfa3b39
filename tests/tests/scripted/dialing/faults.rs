//! Every way to a server, with a fault at every operation, and dropped at every await.

use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;

use ws_driver::{ConnectError, ConnectPhase, ProxyErrorKind};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{Fault, network};

use super::routes::{self, Route};
use super::{MILLISECOND, assert_nothing_left};

use ConnectPhase::{Handshake, Proxy, Tls};

const KINDS: [ErrorKind; 8] = [
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
    ErrorKind::InvalidData,
    ErrorKind::Other,
    ErrorKind::TimedOut,
    ErrorKind::UnexpectedEof,
    ErrorKind::WouldBlock,
];

fn run(route: &Route) -> Result<(), ConnectError> {
    let connecting = async { route.connector.connect(route.url).await.map(drop) };
    let result = exec::run(network::serving(connecting));
    assert_nothing_left();
    result
}

/// Returns the phase of each operation without a fault.
fn phases(route: &Route) -> Vec<ConnectPhase> {
    route.prepare(|server| server);
    run(route).expect(route.name);
    let log = route.take_log();
    assert!(log.len() > 5, "{}", route.name);
    (0..log.len())
        .map(|at| route.phase_after(&log[..at]))
        .collect()
}

/// Returns `true` if the error is that of a transport which failed with `kind` in `phase`.
fn is_failure(error: &ConnectError, phase: ConnectPhase, kind: ErrorKind) -> bool {
    let is_end = kind == ErrorKind::UnexpectedEof;
    match (error, phase) {
        (ConnectError::Proxy(error), Proxy) => match error.kind() {
            ProxyErrorKind::Io(error) => !is_end && error.kind() == kind,
            ProxyErrorKind::Lost => is_end,
            _ => false,
        },
        (ConnectError::Io(error), Tls | Handshake) => !is_end && error.kind() == kind,
        (ConnectError::Lost, Tls | Handshake) => is_end,
        _ => false,
    }
}

/// Returns `true` for a redirect whose head was interrupted. It is reported as a refusal that leads
/// nowhere.
fn is_interrupted_redirect(error: &ConnectError) -> bool {
    error.response().is_some_and(|response| {
        response.status() == 302 && !response.headers().contains_key("location")
    })
}

#[test]
fn a_failure_of_any_kind_at_any_operation_is_an_error_of_its_phase() {
    for route in routes::all() {
        for (at, phase) in phases(&route).into_iter().enumerate() {
            for kind in KINDS {
                route.prepare(|server| server.fault(at, Fault::Fail, kind));
                let error = run(&route).expect_err(route.name);
                assert!(
                    is_failure(&error, phase, kind) || is_interrupted_redirect(&error),
                    "{} {at} {phase:?} {kind:?}: {error:?}",
                    route.name
                );
            }
        }
    }
}

#[test]
fn an_operation_that_never_completes_is_a_timeout_of_its_phase() {
    for route in routes::all() {
        for (at, phase) in phases(&route).into_iter().enumerate() {
            route.prepare(|server| server.fault(at, Fault::Stick, ErrorKind::Other));
            match run(&route) {
                Err(ConnectError::Timeout(reported)) => {
                    assert_eq!(reported, phase, "{} {at}", route.name);
                }
                Err(error) if is_interrupted_redirect(&error) => {}
                other => panic!("{} {at}: {other:?}", route.name),
            }
        }
    }
}

#[test]
fn a_short_or_interrupted_operation_changes_nothing() {
    for route in routes::all() {
        for at in 0..phases(&route).len() {
            for fault in [Fault::Shorten, Fault::Interrupt] {
                route.prepare(|server| server.fault(at, fault, ErrorKind::Other));
                let result = run(&route);
                assert!(result.is_ok(), "{} {at} {fault:?}: {result:?}", route.name);
            }
        }
    }
}

/// Polls `connect` at most `polls` times, and drops it. Returns `true` if it was done before.
fn run_dropping(route: &Route, polls: usize) -> bool {
    let mut connecting = pin!(network::serving(route.connector.connect(route.url)));
    let mut task = Task::new();
    for _ in 0..polls {
        if let Poll::Ready(result) = task.poll(connecting.as_mut()) {
            result.expect(route.name);
            return true;
        }
        // Two attempts, or one transport.
        assert!(network::live() <= 2, "{}", route.name);
        while !task.is_woken() {
            assert!(clock::advance_to_alarm(), "{} hangs", route.name);
        }
    }
    false
}

#[test]
fn a_connect_that_is_dropped_at_any_await_leaves_nothing() {
    for route in routes::all() {
        for polls in 0.. {
            route.prepare(|server| server);
            let done = run_dropping(&route, polls);
            assert_nothing_left();
            if done {
                assert!(polls > 15, "{}: {polls} polls", route.name);
                break;
            }
        }
    }
}

#[test]
fn a_connect_that_is_dropped_in_a_stuck_operation_leaves_nothing() {
    for route in routes::all() {
        for at in 0..phases(&route).len() {
            route.prepare(|server| server.fault(at, Fault::Stick, ErrorKind::Other));
            let mut connecting = Box::pin(network::serving(route.connector.connect(route.url)));
            let mut task = Task::new();
            let start = clock::elapsed();
            while clock::elapsed() - start < 5000 * MILLISECOND {
                assert!(task.poll(connecting.as_mut()).is_pending());
                if !task.is_woken() {
                    clock::advance(MILLISECOND * 100);
                }
            }
            assert_eq!(network::live(), 1, "{} {at}", route.name);
            drop(connecting);
            assert_nothing_left();
        }
    }
}
