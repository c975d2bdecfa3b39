//! Admission: the maximum number of connections, and opening handshakes during a shutdown.

use std::time::Duration;

use ws_driver::handshake::Agreed;
use ws_driver::{AcceptError, CloseCode, Config, Registry, Unavailable};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::http;
use ws_tests::scripted::{self, Manual, Peer};

use super::{Acceptor, TIMEOUT, answer, open, shutdown};

/// Asserts that the peer was refused with status 503, and to try again after this time.
fn assert_refused(peer: &Peer, seconds: &str) {
    let refusal = http::refusal(&peer.take_output());
    assert_eq!(refusal.status, 503);
    assert_eq!(http::header(&refusal.head, "Retry-After"), Some(seconds));
}

#[test]
fn a_full_registry_refuses_clients_until_a_connection_ends() {
    let registry = Registry::<Manual>::new()
        .max_connections(2)
        .retry_after(Duration::from_millis(2001));
    let (first, _peer) = open(&registry, &Config::default());
    let (second, _peer) = open(&registry, &Config::default());
    let acceptor = Acceptor::new().registry(&registry);

    let (transport, peer) = scripted::pair();
    peer.end();
    let refused = exec::run(acceptor.accept_on(transport));
    let full = matches!(
        refused,
        Err(AcceptError::Unavailable(Unavailable::Full { .. }))
    );
    assert!(full, "{refused:?}");
    assert_refused(&peer, "3");
    let counts = registry.counts();
    assert_eq!((counts.open, counts.opened, counts.refused), (2, 2, 1));

    drop(first);
    let (third, _peer) = open(&registry, &Config::default());
    drop((second, third));
    let counts = registry.counts();
    assert_eq!((counts.opening, counts.open, counts.closing), (0, 0, 0));
    assert_eq!((counts.opened, counts.failed), (3, 3));
}

#[test]
fn opening_handshakes_take_places() {
    let registry = Registry::<Manual>::new().max_connections(1);
    let acceptor = Acceptor::new().registry(&registry);
    let (transport, _peer) = scripted::pair();
    let mut accepting = Box::pin(acceptor.accept_on(transport));
    assert!(exec::Task::new().poll(accepting.as_mut()).is_pending());
    assert_eq!(registry.counts().opening, 1);
    assert!(acceptor.admit().is_err());
    drop(accepting);
    assert_eq!(registry.counts().opening, 0);
    let admission = acceptor.admit().unwrap();
    let (transport, _peer) = scripted::pair();
    let ws = acceptor.upgraded_as(admission, transport, Agreed::new(), []);
    assert_eq!((registry.counts().opening, registry.counts().open), (0, 1));
    drop(ws);
}

#[test]
fn a_shut_down_registry_refuses_clients() {
    let registry = Registry::<Manual>::new();
    let report = exec::run(shutdown(&registry)).unwrap();
    assert!(report.is_clean() && registry.is_shut_down());
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    peer.end();
    let refused = exec::run(Acceptor::new().registry(&registry).accept_on(transport));
    let reason = AcceptError::Unavailable(Unavailable::ShuttingDown {
        retry_after: Duration::from_secs(5),
    });
    assert_eq!(refused.unwrap_err().to_string(), reason.to_string());
    assert_refused(&peer, "5");
}

#[test]
fn a_handshake_without_a_request_is_refused_at_once() {
    let registry = Registry::<Manual>::new();
    let acceptor = Acceptor::new().registry(&registry);
    let (transport, peer) = scripted::pair();
    peer.push(&http::request()[..40]);
    let mut tasks = Tasks::new(Order::Oldest);
    let accepting = tasks.spawn(acceptor.accept_on(transport));
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    tasks.settle();
    assert_refused(&peer, "5");
    peer.end();
    tasks.settle();
    let accepted = accepting.output().unwrap();
    assert!(
        matches!(accepted, Err(AcceptError::Unavailable(_))),
        "{accepted:?}"
    );
    let report = shutting.output().unwrap().unwrap();
    assert_eq!((report.not_opened, report.remaining), (1, 0));
    assert_eq!(registry.counts().refused, 1);
}

/// The client does not take its refusal.
#[test]
fn a_stalled_handshake_is_cut_at_the_deadline() {
    let registry = Registry::<Manual>::new();
    let acceptor = Acceptor::new().registry(&registry);
    let (transport, peer) = scripted::pair();
    peer.window(0);
    let mut tasks = Tasks::new(Order::Oldest);
    let accepting = tasks.spawn(acceptor.accept_on(transport));
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    let (all_ended, time) = ws_tests::steps::timed(|| tasks.run());
    assert!(all_ended && time == TIMEOUT, "{time:?}");
    assert!(matches!(
        accepting.output(),
        Some(Err(AcceptError::Unavailable(_)))
    ));
    assert_eq!(shutting.output().unwrap().unwrap().not_opened, 1);
    assert!(peer.is_dropped());
}

#[test]
fn an_offer_is_refused_when_it_is_accepted_after_the_shutdown() {
    let registry = Registry::<Manual>::new();
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    let acceptor = Acceptor::new().registry(&registry);
    let offer = exec::run(acceptor.read_on(transport)).unwrap();
    let mut tasks = Tasks::new(Order::Oldest);
    let shutting = tasks.spawn(shutdown(&registry));
    tasks.settle();
    assert!(shutting.output().is_none());
    peer.end();
    let accepting = tasks.spawn(offer.accept());
    tasks.settle();
    assert!(matches!(
        accepting.output(),
        Some(Err(AcceptError::Unavailable(_)))
    ));
    assert_refused(&peer, "5");
    assert_eq!(shutting.output().unwrap().unwrap().not_opened, 1);
}

/// The client has its answer, so it gets a connection, and a Close.
#[test]
fn a_handshake_whose_answer_is_being_written_becomes_a_connection_that_closes() {
    let registry = Registry::<Manual>::new();
    let acceptor = Acceptor::new().registry(&registry);
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    peer.window(10);
    let mut tasks = Tasks::new(Order::Oldest);
    let handling = tasks.spawn(async move {
        let mut ws = acceptor.accept_on(transport).await.unwrap();
        ws.recv().await.unwrap()
    });
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    tasks.settle();
    peer.window(usize::MAX);
    tasks.settle();
    let output = peer.take_output();
    let (_, frames) = http::split_head(&output).unwrap();
    assert_eq!(frames, b"\x88\x09\x03\xe9restart");
    peer.push(answer());
    tasks.settle();
    assert_eq!(handling.output(), Some(None));
    assert_eq!(shutting.output().unwrap().unwrap().clean, 1);
}

#[test]
fn a_connection_of_another_http_server_enters_a_registry_that_was_shut_down_and_closes() {
    let registry = Registry::<Manual>::new().max_connections(0);
    exec::run(registry.shutdown(CloseCode::SERVICE_RESTART, "", TIMEOUT)).unwrap();
    let (transport, peer) = scripted::pair();
    peer.push(answer());
    let acceptor = Acceptor::new().registry(&registry);
    let mut ws = acceptor.upgraded_on(transport, Agreed::new(), []);
    assert_eq!(exec::run(ws.recv()).unwrap(), None);
    assert_eq!(registry.counts().opened, 1);
    drop(ws);
    assert_eq!(registry.counts().clean, 1);
}
