//! Refusals that a client receives, and the time for which the client waits for their bodies.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{ClientError, ConnectError, Connector};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, Manual, Peer};

use super::SECOND;

/// Returns the status and the body of a refusal.
fn refusal(result: Result<(), ConnectError>) -> (u16, Vec<u8>) {
    match result {
        Err(ConnectError::Handshake(ClientError::Refused(response))) => {
            (response.status().as_u16(), response.into_body())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_with_an_incomplete_body_is_reported() {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let result = scripted::answered(connector.handshake("ws://h/", transport), &peer, |_| {
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbecause".to_vec()
    });
    assert_eq!(refusal(result.map(drop)), (403, b"because".to_vec()));
}

#[test]
fn a_refusal_before_a_reset_is_reported() {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let ending = peer.clone();
    let result = scripted::answered(connector.handshake("ws://h/", transport), &peer, |_| {
        ending.reset();
        b"HTTP/1.1 403 Forbidden\r\n\r\nbecause".to_vec()
    });
    assert_eq!(refusal(result.map(drop)), (403, b"because".to_vec()));
}

/// Starts a handshake whose timeout is 10 s, and answers it with `answer`. Then calls `send_more`
/// every 0.2 s. Returns the body of the refusal, and the time from the answer until the refusal was
/// reported.
fn refused(answer: &[u8], mut send_more: impl FnMut(&Peer)) -> (Vec<u8>, Duration) {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let mut handshake = pin!(connector.handshake("ws://h/", transport));
    let mut task = Task::new();
    assert!(exec::settle(&mut task, handshake.as_mut()).is_pending());
    peer.push(answer);
    let before = clock::elapsed();
    loop {
        if let Poll::Ready(result) = exec::settle(&mut task, handshake.as_mut()) {
            assert!(peer.is_dropped());
            let (status, body) = refusal(result.map(drop));
            assert_eq!(status, 401);
            return (body, clock::elapsed() - before);
        }
        clock::advance(SECOND / 5);
        send_more(&peer);
    }
}

#[test]
fn a_client_waits_one_second_for_a_body_without_a_length() {
    let (body, time) = refused(b"HTTP/1.1 401 Unauthorized\r\n\r\nwho?", |_| {});
    assert_eq!(body, b"who?");
    assert!(time >= SECOND && time < 2 * SECOND, "{time:?}");
}

#[test]
fn a_complete_body_is_reported_at_once() {
    for answer in [
        &b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nwho?"[..],
        b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
    ] {
        let (body, time) = refused(answer, |_| {});
        assert_eq!((&body[..], time), (&b"who?"[..], Duration::ZERO));
    }
}

#[test]
fn a_body_that_arrives_slowly_ends_1_s_after_the_head() {
    let (body, time) = refused(b"HTTP/1.1 401 Unauthorized\r\n\r\n", |peer| peer.push("."));
    assert!(time >= SECOND && time < 6 * SECOND / 5, "{time:?}");
    assert!(matches!(&body[..], b"...." | b"....."), "{body:?}");
}

#[test]
fn an_incomplete_head_is_a_timeout_and_no_refusal() {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let mut handshake = pin!(connector.handshake("ws://h/", transport));
    let mut task = Task::new();
    let before = clock::elapsed();
    for byte in b"HTTP/1.1 401 Un" {
        assert!(exec::settle(&mut task, handshake.as_mut()).is_pending());
        peer.push([*byte]);
        clock::advance(SECOND / 2);
    }
    assert!(exec::settle(&mut task, handshake.as_mut()).is_pending());
    clock::advance(10 * SECOND);
    let result = exec::expect_ready(exec::settle(&mut task, handshake.as_mut()));
    assert!(
        matches!(result, Err(ConnectError::Timeout(_))),
        "{result:?}"
    );
    assert!(clock::elapsed() - before > 10 * SECOND);
}
