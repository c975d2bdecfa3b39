//! How long a client waits for the body of a refusal.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::time::Duration;

use ws_driver::handshake::ClientError;
use ws_driver::{ConnectError, Connector};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, Manual, Peer};

const SECOND: Duration = Duration::from_secs(1);

/// Begins a handshake that may take 10 s, has `answer` answer it, and returns the body of the refusal and how long it
/// took to be reported. `dribble` is called after each 0.9 s.
fn refused(answer: &[u8], mut dribble: impl FnMut(&Peer)) -> (Vec<u8>, Duration) {
    let (transport, peer) = scripted::pair();
    let connector = Connector::<Manual>::new();
    let mut handshake = pin!(connector.handshake("ws://h/", transport));
    let mut task = Task::new();
    assert!(exec::settle(&mut task, handshake.as_mut()).is_pending());
    peer.push(answer);
    let before = clock::elapsed();
    loop {
        if let std::task::Poll::Ready(result) = exec::settle(&mut task, handshake.as_mut()) {
            assert!(peer.is_dropped());
            return match result {
                Err(ConnectError::Handshake(ClientError::Refused(response))) => {
                    assert_eq!(response.status(), 401);
                    (response.into_body(), clock::elapsed() - before)
                }
                other => panic!("{other:?}"),
            };
        }
        clock::advance(9 * SECOND / 10);
        dribble(&peer);
    }
}

#[test]
fn a_body_without_a_length_is_waited_for_a_second() {
    let (body, time) = refused(b"HTTP/1.1 401 Unauthorized\r\n\r\nwho?", |_| {});
    assert_eq!(body, b"who?");
    assert!(time >= SECOND && time < 2 * SECOND, "{time:?}");
}

#[test]
fn a_body_that_has_come_whole_is_not_waited_for() {
    for answer in [
        &b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nwho?"[..],
        b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n",
    ] {
        let (body, time) = refused(answer, |_| {});
        assert_eq!((&body[..], time), (&b"who?"[..], Duration::ZERO));
    }
}

#[test]
fn a_body_that_dribbles_ends_with_the_time_for_the_handshake() {
    let (body, time) = refused(b"HTTP/1.1 401 Unauthorized\r\n\r\n", |peer| peer.push("."));
    assert!(time >= 10 * SECOND && time < 11 * SECOND, "{time:?}");
    assert!(body.len() >= 9 && body.iter().all(|byte| *byte == b'.'));
}

#[test]
fn a_head_that_dribbles_is_no_refusal_yet() {
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
