//! Accepting connections.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::http::StatusCode;
use ws_driver::{AcceptError, Acceptor, RejectReason};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::http;
use ws_tests::scripted::{self, Fault, Manual};

use super::SECOND;

fn is_accept_timeout<R>(result: &Result<R, AcceptError>) -> bool {
    matches!(result, Err(error @ AcceptError::Timeout) if error.is_timeout())
}

#[test]
fn a_request_that_does_not_arrive_in_time_ends_the_accept() {
    for bytes in [&b""[..], b"GET / HT", &http::request()[..60]] {
        let (transport, peer) = scripted::pair();
        peer.push(bytes);
        let before = clock::elapsed();
        let acceptor = Acceptor::<Manual>::new();
        let result = exec::run(acceptor.accept(transport));
        assert!(is_accept_timeout(&result), "{result:?}");
        assert_eq!(clock::elapsed() - before, 10 * SECOND);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_client_that_sends_slowly_does_not_outlast_the_deadline() {
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new().handshake_timeout(3 * SECOND);
    let mut accept = pin!(acceptor.accept(transport));
    let mut task = Task::new();
    let mut seconds = 0;
    let result = loop {
        match exec::settle(&mut task, accept.as_mut()) {
            Poll::Ready(result) => break result,
            Poll::Pending => {}
        }
        peer.push([http::request()[seconds]]);
        clock::advance(SECOND);
        seconds += 1;
    };
    assert!(is_accept_timeout(&result), "{result:?}");
    assert_eq!(seconds, 3);
}

#[test]
fn the_handshake_timeout_pauses_between_read_and_accept() {
    let (transport, peer) = scripted::pair();
    let acceptor = Acceptor::<Manual>::new();
    let offer = {
        let mut read = pin!(acceptor.read(transport));
        let mut task = Task::new();
        assert!(exec::settle(&mut task, read.as_mut()).is_pending());
        clock::advance(9 * SECOND);
        peer.push(http::request());
        exec::expect_ready(exec::settle(&mut task, read)).unwrap()
    };
    // The application decides after an hour.
    clock::advance(3600 * SECOND);
    peer.window(0);
    let before = clock::elapsed();
    let result = exec::run(offer.accept());
    assert!(is_accept_timeout(&result), "{result:?}");
    assert_eq!(clock::elapsed() - before, SECOND);
}

#[test]
fn an_offer_can_be_accepted_after_a_long_time() {
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    let offer = exec::run(Acceptor::<Manual>::new().read(transport)).unwrap();
    clock::advance(3600 * SECOND);
    let mut ws = exec::run(offer.accept()).unwrap();
    clock::advance(3600 * SECOND);
    assert!(exec::attempt(ws.recv()).is_pending());
    let output = peer.take_output();
    let (head, rest) = http::split_head(&output).unwrap();
    assert_eq!(
        http::header(&head, "Sec-WebSocket-Accept"),
        Some(http::SAMPLE_ACCEPT)
    );
    assert!(rest.is_empty());
}

#[test]
fn a_refusal_that_the_client_does_not_take_ends_in_time() {
    type Misbehavior = fn(&scripted::Peer);
    let misbehaviors: [Misbehavior; 4] = [
        |peer| peer.window(0),
        |peer| peer.block_shutdown(true),
        |_| {},
        |peer| {
            peer.read_time(Duration::from_millis(1));
            peer.push_forever(&[b'x'; 1000]);
        },
    ];
    for misbehave in misbehaviors {
        let (transport, peer) = scripted::pair();
        peer.push(http::request_but("GET", "POST / HTTP/1.1"));
        misbehave(&peer);
        let before = clock::elapsed();
        let result = exec::run(Acceptor::<Manual>::new().accept(transport));
        assert!(
            matches!(
                result,
                Err(AcceptError::Rejected(RejectReason::MethodNotGet))
            ),
            "{result:?}"
        );
        let time = clock::elapsed() - before;
        assert!(time >= SECOND && time <= 2 * SECOND, "{time:?}");
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_refusal_ends_when_the_client_ends_its_direction() {
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    peer.end();
    let offer = exec::run(Acceptor::<Manual>::new().read(transport)).unwrap();
    exec::run(offer.reject(StatusCode::NOT_FOUND)).unwrap();
    assert_eq!(http::refusal(&peer.take_output()).status, 404);
    assert!(peer.is_shut_down() && peer.is_dropped());
    assert_eq!(clock::elapsed(), Duration::ZERO);
}

#[test]
fn any_fault_is_an_error_of_accept_or_changes_nothing() {
    for fault in [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt] {
        for at in 0.. {
            let (transport, peer) = scripted::pair();
            peer.pieces(50, 50);
            peer.push(http::request());
            peer.fault(at, fault);
            let before = clock::elapsed();
            let result = exec::run(Acceptor::<Manual>::new().accept(transport));
            match (fault, &result) {
                (_, Ok(_)) if peer.fault_waits() => break,
                (Fault::Fail, Err(AcceptError::Io(_))) => {}
                (Fault::Stick, result) if is_accept_timeout(result) => {}
                (Fault::Shorten | Fault::Interrupt, Ok(_)) => {}
                other => panic!("at {at}: {other:?}"),
            }
            assert!(clock::elapsed() - before <= 10 * SECOND);
            if result.is_ok() {
                assert!(http::split_head(&peer.take_output()).is_some());
            }
        }
    }
}

#[test]
fn an_offer_passes_its_peer_address_to_the_connection() {
    let (transport, peer) = scripted::pair();
    peer.push(http::request());
    let mut offer = exec::run(Acceptor::<Manual>::new().read(transport)).unwrap();
    assert_eq!(offer.peer_addr(), None);
    let address = "203.0.113.7:4711".parse().unwrap();
    offer.set_peer_addr(address);
    assert_eq!(offer.peer_addr(), Some(address));
    let ws = exec::run(offer.accept()).unwrap();
    assert_eq!(ws.peer_addr(), Some(address));
}
