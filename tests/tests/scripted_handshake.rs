//! The opening handshake in memory: its deadline, the application's decision, and faults of the transport.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::http::StatusCode;
use ws_driver::{
    AcceptError, Acceptor, ClientError, Config, ConnectError, ConnectPhase, Connector, Error,
    RejectReason,
};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::http;
use ws_tests::scripted::{self, Fault, Manual};
use ws_tests::wire::From;

const SECOND: Duration = Duration::from_secs(1);

fn is_accept_timeout<R>(result: &Result<R, AcceptError>) -> bool {
    matches!(result, Err(error @ AcceptError::Timeout) if error.is_timeout())
}

fn is_handshake_timeout<R>(result: &Result<R, ConnectError>) -> bool {
    matches!(result, Err(ConnectError::Timeout(ConnectPhase::Handshake)))
}

#[test]
fn a_request_that_does_not_arrive_in_time_ends_the_accept() {
    for octets in [&b""[..], b"GET / HT", &http::request()[..60]] {
        let (transport, peer) = scripted::pair();
        peer.push(octets);
        let before = clock::elapsed();
        let acceptor = Acceptor::<Manual>::new();
        let result = exec::run(acceptor.accept(transport));
        assert!(is_accept_timeout(&result), "{result:?}");
        assert_eq!(clock::elapsed() - before, 10 * SECOND);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_client_that_trickles_does_not_outlast_the_deadline() {
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
fn the_time_of_the_decision_does_not_count_and_the_time_before_it_does() {
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
    // Someone thinks it over for an hour.
    clock::advance(3600 * SECOND);
    peer.window(0);
    let before = clock::elapsed();
    let result = exec::run(offer.accept());
    assert!(is_accept_timeout(&result), "{result:?}");
    assert_eq!(clock::elapsed() - before, SECOND);
}

#[test]
fn an_offer_accepted_after_a_long_time_is_accepted() {
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
fn a_peer_that_takes_no_refusal_holds_nobody_for_long() {
    type Misbehaviour = fn(&scripted::Peer);
    let misbehaviours: [Misbehaviour; 4] = [
        |peer| peer.window(0),
        |peer| peer.block_shutdown(true),
        |_| {},
        |peer| {
            peer.read_time(Duration::from_millis(1));
            peer.push_for_ever(&[b'x'; 1000]);
        },
    ];
    for misbehave in misbehaviours {
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
fn a_refusal_ends_when_the_client_has_gone() {
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
fn an_accept_meets_any_fault_with_an_error_or_goes_on() {
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
fn a_client_handshake_meets_any_fault_with_an_error_or_goes_on() {
    for fault in [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt] {
        for at in 0.. {
            let (transport, peer) = scripted::pair();
            peer.pieces(50, 50);
            peer.fault(at, fault);
            let connector = Connector::<Manual>::new();
            let mut handshake = pin!(connector.handshake("ws://h/", transport));
            let mut task = Task::new();
            let before = clock::elapsed();
            let polled = exec::settle(&mut task, handshake.as_mut());
            let output = peer.take_output();
            let result = match polled {
                Poll::Ready(result) => result,
                Poll::Pending => {
                    if let Some((head, _)) = http::split_head(&output) {
                        peer.push(http::switching(&head));
                    }
                    exec::run(handshake)
                }
            };
            match (fault, &result) {
                (_, Ok(_)) if peer.fault_waits() => break,
                (Fault::Fail, Err(ConnectError::Io(_))) => {}
                (Fault::Stick, result) if is_handshake_timeout(result) => {}
                (Fault::Shorten | Fault::Interrupt, Ok(_)) => {}
                other => panic!("at {at}: {other:?}"),
            }
            assert!(clock::elapsed() - before <= 10 * SECOND);
        }
    }
}

#[test]
fn a_server_that_says_nothing_ends_the_client_handshake_at_its_deadline() {
    for octets in [
        &b""[..],
        b"HTTP/1.1 101 Switching",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let (transport, peer) = scripted::pair();
        peer.push(octets);
        let before = clock::elapsed();
        let connector = Connector::<Manual>::new();
        let result = exec::run(connector.handshake("ws://h/", transport));
        assert!(is_handshake_timeout(&result), "{result:?}");
        assert_eq!(clock::elapsed() - before, 10 * SECOND);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_server_that_cannot_be_reached_ends_connect_at_its_deadline() {
    let connector = Connector::<Manual>::new().handshake_timeout(7 * SECOND);
    let before = clock::elapsed();
    let result = exec::run(connector.connect("ws://h/"));
    assert!(
        matches!(result, Err(ConnectError::Timeout(ConnectPhase::Connect))),
        "{result:?}"
    );
    assert_eq!(clock::elapsed() - before, 7 * SECOND);
}

#[test]
fn a_refusal_whose_body_never_ends_still_reaches_the_caller() {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let result = scripted::answered(connector.handshake("ws://h/", transport), &peer, |_| {
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbecause".to_vec()
    });
    match result {
        Err(ConnectError::Handshake(ClientError::Refused(response))) => {
            assert_eq!(response.status(), 403);
            assert_eq!(response.body(), b"because");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_that_a_reset_follows_still_reaches_the_caller() {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let ending = peer.clone();
    let result = scripted::answered(connector.handshake("ws://h/", transport), &peer, |_| {
        ending.reset();
        b"HTTP/1.1 403 Forbidden\r\n\r\nbecause".to_vec()
    });
    match result {
        Err(ConnectError::Handshake(ClientError::Refused(response))) => {
            assert_eq!(response.status(), 403);
            assert_eq!(response.body(), b"because");
        }
        other => panic!("{other:?}"),
    }
}

/// TLS says so when its peer ends TCP without a word.
#[test]
fn an_unexpected_end_is_a_loss() {
    let (transport, peer) = scripted::pair();
    peer.push(&http::request()[..40]);
    peer.cut();
    let result = exec::run(Acceptor::<Manual>::new().accept(transport));
    assert!(matches!(result, Err(AcceptError::Lost)), "{result:?}");
    let (transport, peer) = scripted::pair();
    peer.cut();
    let connector = Connector::<Manual>::new();
    let result = exec::run(connector.handshake("ws://h/", transport));
    assert!(matches!(result, Err(ConnectError::Lost)), "{result:?}");
}

/// The order in which they were set counts for nothing.
#[test]
fn max_message_and_config_commute() {
    let config = || Config::default().max_message(1000);
    let acceptor = Acceptor::<Manual>::new;
    let connector = Connector::<Manual>::new;
    for acceptor in [
        acceptor().config(config()).max_message(5),
        acceptor().max_message(5).config(config()),
    ] {
        let (transport, peer) = scripted::pair();
        peer.push([http::request(), From::Client.text("123456")].concat());
        let mut ws = exec::run(acceptor.accept(transport)).unwrap();
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    }
    for connector in [
        connector().config(config()).max_message(5),
        connector().max_message(5).config(config()),
    ] {
        let (transport, peer) = scripted::pair();
        let handshake = connector.handshake("ws://h/", transport);
        let mut ws = scripted::answered(handshake, &peer, |request| {
            [http::switching(request), From::Server.text("123456")].concat()
        })
        .unwrap();
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Receive(_))));
    }
}

/// An offer that is told the address passes it on.
#[test]
fn the_address_that_an_offer_was_told_is_that_of_the_connection() {
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
