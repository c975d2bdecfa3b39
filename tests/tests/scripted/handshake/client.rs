//! Connecting, and the handshake of a client.

use std::pin::pin;
use std::task::Poll;

use ws_driver::{ConnectError, ConnectPhase, Connector};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::http;
use ws_tests::scripted::{self, Fault, Manual};

use super::SECOND;

fn is_handshake_timeout<R>(result: &Result<R, ConnectError>) -> bool {
    matches!(result, Err(ConnectError::Timeout(ConnectPhase::Handshake)))
}

#[test]
fn any_fault_is_an_error_of_a_client_handshake_or_changes_nothing() {
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
fn a_silent_server_ends_the_client_handshake_at_its_deadline() {
    for bytes in [
        &b""[..],
        b"HTTP/1.1 101 Switching",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let (transport, peer) = scripted::pair();
        peer.push(bytes);
        let before = clock::elapsed();
        let connector = Connector::<Manual>::new();
        let result = exec::run(connector.handshake("ws://h/", transport));
        assert!(is_handshake_timeout(&result), "{result:?}");
        assert_eq!(clock::elapsed() - before, 10 * SECOND);
        assert!(peer.is_dropped());
    }
}

#[test]
fn an_unreachable_server_ends_connect_at_its_deadline() {
    let connector = Connector::<Manual>::new().handshake_timeout(7 * SECOND);
    let before = clock::elapsed();
    let result = exec::run(connector.connect("ws://h/"));
    assert!(
        matches!(result, Err(ConnectError::Timeout(ConnectPhase::Connect))),
        "{result:?}"
    );
    assert_eq!(clock::elapsed() - before, 7 * SECOND);
}

/// The adapters have a default for TLS if one of their features is enabled.
#[test]
fn a_runtime_without_tls_sends_nothing_to_a_wss_url() {
    let connector = Connector::<Manual>::new();
    let error = exec::run(pin!(connector.connect("wss://h/"))).unwrap_err();
    assert!(matches!(error, ConnectError::TlsUnavailable), "{error:?}");
    assert!(error.to_string().contains("`tls`"), "{error}");
    assert!(!error.is_disconnect());
}
