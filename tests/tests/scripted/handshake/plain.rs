//! Requests that do not ask for a WebSocket.

use std::pin::pin;
use std::time::Duration;

use ws_driver::http::{Method, Response, StatusCode};
use ws_driver::{AcceptError, Acceptor, AnyOffer, HeadLimits, PlainRequest, RejectReason};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, Fault, Manual, Peer, Scripted};
use ws_tests::wire::From;
use ws_tests::{clock, http};

use super::SECOND;

const HEALTH: &[u8] = b"GET /health?secret HTTP/1.1\r\nHost: h\r\nX-Probe: 7\r\n\r\n";

fn read(input: &[u8]) -> (Result<AnyOffer<Scripted>, AcceptError>, Peer) {
    let (transport, peer) = scripted::pair();
    peer.address("192.0.2.7:80".parse().unwrap());
    peer.push(input);
    let acceptor = Acceptor::<Manual>::new();
    (exec::run(acceptor.read_any_on(transport)), peer)
}

fn plain(input: &[u8]) -> (PlainRequest<Scripted>, Peer) {
    match read(input) {
        (Ok(AnyOffer::Plain(request)), peer) => (request, peer),
        (other, _) => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_request_shows_what_the_client_sent() {
    let (request, _peer) = plain(HEALTH);
    assert_eq!(request.method(), Method::GET);
    assert_eq!(
        (request.path(), request.query()),
        ("/health", Some("secret"))
    );
    assert_eq!(request.uri(), "/health?secret");
    assert_eq!(request.headers()["x-probe"], "7");
    assert_eq!(request.peer_addr(), Some("192.0.2.7:80".parse().unwrap()));
    let shown = format!("{request:?}");
    assert!(
        shown.contains("/health") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn a_response_is_complete_and_ends_the_connection() {
    let (request, peer) = plain(HEALTH);
    peer.end();
    let mut response = Response::new(b"well\n".to_vec());
    response
        .headers_mut()
        .insert("x-answer", "1".parse().unwrap());
    exec::run(request.respond(response)).unwrap();
    let answer = http::refusal(&peer.take_output());
    assert_eq!((answer.status, &answer.body[..]), (200, &b"well\n"[..]));
    assert_eq!(http::header(&answer.head, "X-Answer"), Some("1"));
    assert!(peer.is_shut_down() && peer.is_dropped());
    assert_eq!(clock::elapsed(), Duration::ZERO);
}

#[test]
fn the_response_to_head_has_no_body() {
    let (request, peer) = plain(b"HEAD /health HTTP/1.0\r\n\r\n");
    peer.end();
    exec::run(request.respond(Response::new(b"well\n".to_vec()))).unwrap();
    let output = peer.take_output();
    let (head, body) = http::split_head(&output).unwrap();
    assert_eq!(http::header(&head, "Content-Length"), Some("5"));
    assert!(body.is_empty());
}

#[test]
fn a_client_that_does_not_take_the_response_is_dropped_in_time() {
    type Misbehavior = fn(&Peer);
    let misbehaviors: [(Misbehavior, bool); 3] = [
        (|peer| peer.window(0), false),
        (|_| {}, true),
        (
            |peer| {
                peer.read_time(Duration::from_millis(1));
                peer.push_forever(&[b'x'; 1000]);
            },
            true,
        ),
    ];
    for (misbehave, is_ok) in misbehaviors {
        // The body of the request is never read as a request.
        let (request, peer) =
            plain(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbody");
        misbehave(&peer);
        let before = clock::elapsed();
        let result = exec::run(request.respond(Response::default()));
        assert_eq!(result.is_ok(), is_ok, "{result:?}");
        let time = clock::elapsed() - before;
        assert!(time >= SECOND && time <= 2 * SECOND, "{time:?}");
        assert!(peer.is_dropped());
    }
}

#[test]
fn an_opening_request_is_read_as_an_offer() {
    let (offer, _peer) = read(&[http::request(), From::Client.text("hello")].concat());
    let Ok(AnyOffer::Upgrade(offer)) = offer else {
        panic!("{offer:?}");
    };
    let mut ws = exec::run(offer.accept()).unwrap();
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("hello".into()));
}

#[test]
fn read_and_accept_still_refuse_a_plain_request() {
    let (transport, peer) = scripted::pair();
    peer.push(HEALTH);
    peer.end();
    let result = exec::run(Acceptor::<Manual>::new().accept(transport)).map(drop);
    let expected = RejectReason::UpgradeNotWebSocket;
    assert!(matches!(result, Err(AcceptError::Rejected(reason)) if reason == expected));
    assert_eq!(http::refusal(&peer.take_output()).status, 426);
}

#[test]
fn a_malformed_request_is_refused_by_read_any() {
    for input in [
        &b"EHLO example.com\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        &http::request_but("Connection", ""),
    ] {
        let (transport, peer) = scripted::pair();
        peer.push(input);
        peer.end();
        let result = exec::run(Acceptor::<Manual>::new().read_any(transport)).map(drop);
        assert!(
            matches!(result, Err(AcceptError::Rejected(_))),
            "{result:?}"
        );
        assert_eq!(http::refusal(&peer.take_output()).status, 400);
    }
}

#[test]
fn read_any_ends_in_time_and_reports_a_loss() {
    for len in 0..HEALTH.len() {
        let (transport, peer) = scripted::pair();
        peer.push(&HEALTH[..len]);
        let before = clock::elapsed();
        let result = exec::run(Acceptor::<Manual>::new().read_any(transport)).map(drop);
        assert!(matches!(result, Err(AcceptError::Timeout)), "{result:?}");
        assert_eq!(clock::elapsed() - before, 10 * SECOND);

        let (transport, peer_that_ends) = scripted::pair();
        peer_that_ends.push(&HEALTH[..len]);
        peer_that_ends.end();
        let result = exec::run(Acceptor::<Manual>::new().read_any(transport)).map(drop);
        assert!(matches!(result, Err(AcceptError::Lost)), "{result:?}");
        assert!(peer.is_dropped() && peer_that_ends.is_dropped());
    }
}

async fn serve(transport: Scripted) -> Result<(), AcceptError> {
    match Acceptor::<Manual>::new().read_any(transport).await? {
        AnyOffer::Plain(request) => request.respond(Response::new(b"well\n".to_vec())).await,
        AnyOffer::Upgrade(offer) => offer.reject(StatusCode::NOT_FOUND).await,
    }
}

#[test]
fn a_response_dropped_at_any_await_drops_the_transport() {
    for polls in 0.. {
        let (transport, peer) = scripted::pair();
        peer.hesitate();
        peer.pieces(10, 10);
        peer.push(HEALTH);
        peer.end();
        let mut done = false;
        {
            let mut serving = pin!(serve(transport));
            for _ in 0..polls {
                done = Task::new().poll(serving.as_mut()).is_ready();
                if done {
                    break;
                }
            }
        }
        assert!(peer.is_dropped());
        if done {
            assert!(polls > 10);
            assert_eq!(http::refusal(&peer.take_output()).status, 200);
            break;
        }
    }
}

#[test]
fn any_fault_is_an_error_of_the_response_or_changes_nothing() {
    for fault in [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt] {
        for at in 0.. {
            let (transport, peer) = scripted::pair();
            peer.pieces(50, 50);
            peer.push(HEALTH);
            peer.end();
            peer.fault(at, fault);
            let result = exec::run(serve(transport));
            match (fault, &result) {
                (_, Ok(())) if peer.fault_waits() => break,
                // The result of waiting for the end is ignored.
                (_, Ok(())) => assert_eq!(http::refusal(&peer.take_output()).status, 200),
                (Fault::Fail, Err(AcceptError::Io(_))) => {}
                (Fault::Stick, Err(AcceptError::Timeout)) => {}
                other => panic!("at {at}: {other:?}"),
            }
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn the_rules_of_the_acceptor_apply() {
    let key = "Sec-WebSocket-Key: c2hvcnQ=";
    let request = http::request_but("Sec-WebSocket-Key", key);
    for any_length in [false, true] {
        let (transport, peer) = scripted::pair();
        peer.push(&*request);
        peer.end();
        let acceptor = Acceptor::<Manual>::new();
        let acceptor = match any_length {
            true => acceptor.allow_any_key_length(),
            false => acceptor,
        };
        let result = exec::run(acceptor.accept(transport));
        assert_eq!(result.is_ok(), any_length, "{result:?}");
        let output = peer.take_output();
        if any_length {
            let (head, _) = http::split_head(&output).unwrap();
            let accept = http::accept_for("c2hvcnQ=");
            assert_eq!(http::header(&head, "Sec-WebSocket-Accept"), Some(&*accept));
        }
    }
    let long = http::request_with(&[&format!("X-Long: {}", "a".repeat(20_000))]);
    for (limits, status) in [
        (HeadLimits::new(), 431),
        (HeadLimits::new().max_len(30_000), 101),
    ] {
        let (transport, peer) = scripted::pair();
        peer.push(&*long);
        peer.end();
        let acceptor = Acceptor::<Manual>::new().head_limits(limits);
        let _ = exec::run(acceptor.accept(transport));
        let output = peer.take_output();
        assert!(
            output.starts_with(format!("HTTP/1.1 {status} ").as_bytes()),
            "{status}"
        );
    }
}
