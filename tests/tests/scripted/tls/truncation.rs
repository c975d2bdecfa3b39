//! A peer that ends the transport after each byte of a session.

use std::io;

use ws_driver::{Config, ConnectError, Error};
use ws_tests::fault::Fault;
use ws_tests::scripted::{self, End};
use ws_tests::tls::{self, TlsPeer, VERSIONS};

use super::{conversation, echo};

/// The phase in which the transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Tls,
    Handshake,
    Messages,
    Closed,
}

/// Runs a session whose peer ends the transport after `len` bytes. Returns the phase that was
/// reached.
fn cut_after(end: End, len: usize) -> Phase {
    let (transport, below) = scripted::pair();
    let mut peer = TlsPeer::new(end, below, &VERSIONS);
    peer.cut_after(len);
    peer.process();
    let session = match peer.serve(tls::secure(end, transport), |_| ()) {
        Ok(session) => session,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{end:?} {len}");
            return Phase::Tls;
        }
    };
    let mut ws = match tls::upgrade(end, &Config::default(), session, &mut peer) {
        Ok(ws) => ws,
        Err(Fault::Connect(ConnectError::Lost))
        | Err(Fault::Accept(ws_driver::AcceptError::Lost)) => {
            return Phase::Handshake;
        }
        Err(fault) => panic!("{end:?} {len}: {fault:?}"),
    };
    let (frames, messages) = conversation(end.peer(), 10);
    let mut received = Vec::new();
    for frame in &frames {
        if !peer.is_cut() {
            peer.push(frame);
        }
    }
    let ended = peer.serve(echo(&mut ws, &mut received), |peer| {
        if !peer.is_cut() {
            peer.close_notify();
        }
    });
    assert!(messages.starts_with(&received), "{end:?} {len}");
    match ended {
        Ok(()) => {
            assert_eq!(received, messages, "{end:?} {len}");
            assert!(ws.end().unwrap().clean, "{end:?} {len}");
            Phase::Closed
        }
        Err(Error::Lost) => Phase::Messages,
        Err(error) => panic!("{end:?} {len}: {error:?}"),
    }
}

/// Returns the number of bytes that the peer sends in a whole session.
fn whole(end: End) -> usize {
    // A longer session than any other, because signatures differ in length.
    let mut len = 1000;
    while cut_after(end, len) < Phase::Closed {
        len += 1000;
    }
    len
}

fn every_byte(end: End) {
    let mut reached = Vec::new();
    for len in 0..whole(end) {
        reached.push(cut_after(end, len));
    }
    // A later cut reaches a later phase. Signatures differ by a few bytes between two sessions.
    let count = |phase| reached.iter().filter(|&&reached| reached == phase).count();
    for phase in [Phase::Tls, Phase::Handshake, Phase::Messages, Phase::Closed] {
        assert!(count(phase) > 0, "{end:?} {phase:?}");
    }
    assert!(
        reached.windows(20).all(|some| some[0] <= some[19]),
        "{end:?}"
    );
}

#[test]
fn a_server_that_ends_the_transport_at_any_byte_is_lost() {
    every_byte(End::Client);
}

#[test]
fn a_client_that_ends_the_transport_at_any_byte_is_lost() {
    every_byte(End::Server);
}
