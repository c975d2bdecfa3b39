//! A fault at every operation of the transport below TLS.

use std::io;

use ws_driver::{Config, Error};
use ws_tests::scripted::{self, End, Fault};
use ws_tests::tls::{self, TlsPeer, VERSIONS, Wss};

use super::{LARGE, conversation, echo, echoes, frames};

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

/// Echoes a conversation. Returns the number of messages that were received, and the result. `None`
/// if the echo waits forever.
fn converse(ws: &mut Wss, peer: &mut TlsPeer, end: End) -> (usize, Option<Result<(), Error>>) {
    let (input, messages) = conversation(end.peer(), LARGE);
    for frame in &input {
        peer.push(frame);
    }
    peer.close_notify();
    peer.below.end();
    let mut received = Vec::new();
    let result = peer.try_serve(echo(ws, &mut received), |_| ());
    assert!(messages.starts_with(&received), "{end:?}");
    (received.len(), result)
}

#[test]
fn a_fault_in_the_conversation_loses_and_repeats_nothing() {
    for end in End::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                let context = format!("{end:?} {fault:?} {at}");
                let (mut ws, mut peer) = tls::open(end, &Config::default());
                peer.below.fault(at, fault);
                let (received, result) = converse(&mut ws, &mut peer, end);
                if peer.below.fault_waits() {
                    assert!(at > 5, "{context}");
                    break;
                }
                let sent = frames(&mut peer);
                assert!(echoes(end).starts_with(&sent), "{context}: {}", sent.len());
                match (fault, result) {
                    (Fault::Shorten | Fault::Interrupt, Some(Ok(()))) => {
                        assert_eq!(sent, echoes(end), "{context}");
                    }
                    // A read that is stuck, and no timeout.
                    (Fault::Stick, None) => {}
                    (Fault::Fail | Fault::Stick, Some(result)) => {
                        let is_loss = result.as_ref().map_or_else(Error::is_disconnect, |()| true);
                        assert!(is_loss, "{context}: {result:?}");
                        assert!(sent.len() <= received + 1, "{context}");
                    }
                    (_, result) => panic!("{context}: {result:?}"),
                }
            }
        }
    }
}

#[test]
fn a_fault_in_the_tls_handshake_is_reported() {
    for end in End::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                let context = format!("{end:?} {fault:?} {at}");
                let (transport, below) = scripted::pair();
                below.fault(at, fault);
                let mut peer = TlsPeer::new(end, below, &VERSIONS);
                peer.process();
                let Some(result) = peer.try_serve(tls::secure(end, transport), |_| ()) else {
                    assert_eq!(fault, Fault::Stick, "{context}");
                    continue;
                };
                if peer.below.fault_waits() {
                    assert!(at > 2, "{context}");
                    break;
                }
                match fault {
                    Fault::Fail => {
                        let error = result.err().map(|error| error.kind());
                        assert_eq!(error, Some(io::ErrorKind::BrokenPipe), "{context}");
                    }
                    Fault::Stick => panic!("{context}"),
                    Fault::Shorten | Fault::Interrupt => drop(result.expect(&context)),
                }
            }
        }
    }
}
