//! The end of TLS sessions: half-closed, cut, and refused.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustls::version::TLS13;
use ws_driver::{CloseCode, Config, Error, TlsError, TlsErrorKind};

use super::peer::TlsStream;
use super::{Setup, acceptor, echo_server, open};
use crate::http;
use crate::socket::{Ending, RawPeer};
use crate::suite::Suite;
use crate::suite::closing::outcome;
use crate::suite::roles::{FAR, ROLES};
use crate::tls::{VERSIONS, client_config};
use crate::wire::{self, BINARY};

/// The peer ends its direction, with a `close_notify`, while our end still sends. The other
/// direction remains open (RFC 8446 §6.1).
pub fn a_peer_that_ends_its_direction_gets_everything<S: Suite>() {
    const LEN: usize = 8 << 20;
    for role in ROLES {
        for version in VERSIONS {
            let case = format!("{role:?}, {version:?}");
            let mut setup = Setup::new(version);
            setup.config = Config::default().close_timeout(FAR);
            setup.buffers = Some(16 << 10);
            let (mut peer, running) = open::<S, _, _>(role, setup, |mut ws| async move {
                ws.feed(vec![7; LEN]).await.expect("room in the queue");
                let received = ws.recv().await;
                // A client that is dropped now may end TCP before it has sent its `close_notify`.
                let closed = ws.close(CloseCode::NORMAL, "").await;
                (received, closed, ws.end())
            });
            peer.send(&role.peer().close(1000, "bye"));
            peer.end();
            // Our end processes the Close and the end while its message is not written yet.
            thread::sleep(Duration::from_millis(50));
            let frame = peer.read_frame().expect("the message");
            assert!(frame.whole() == (BINARY, &vec![7; LEN][..]), "{case}");
            // A `close_notify` follows the Close.
            peer.expect_close(1000);
            let (received, closed, end) = running.finish();
            assert!(matches!(received, Ok(None)), "{case}: {received:?}");
            assert!(end.expect("the end").clean, "{case}");
            closed.expect(&case);
        }
    }
}

/// An attacker can end TCP, but cannot forge the Close or the `close_notify`. The Close counts: an
/// end with a `close_notify` and without a Close is a loss, too.
pub fn a_session_that_ends_without_a_close_is_lost<S: Suite>() {
    for role in ROLES {
        for version in VERSIONS {
            for notifies in [false, true] {
                let case = format!("{role:?}, {version:?}, {notifies}");
                let (mut peer, running) = open::<S, _, _>(role, Setup::new(version), outcome::<S>);
                peer.send(&role.peer().text("last"));
                if notifies {
                    peer.end();
                } else {
                    peer.cut();
                }
                let outcome = running.finish();
                assert_eq!(outcome.messages, ["last".into()], "{case}");
                assert!(
                    matches!(outcome.fault, Some(Error::Lost)),
                    "{case}: {outcome:?}"
                );
                let end = outcome.end.expect("the end");
                assert_eq!((end.code(), end.clean), (CloseCode::ABNORMAL, false));
            }
        }
    }
}

/// Many implementations end TCP without a `close_notify`. The Closes are authenticated, so nothing
/// is missing. The peer ends in the second case before it has read our Close.
pub fn a_cut_after_both_closes_is_clean<S: Suite>() {
    for role in ROLES {
        for version in VERSIONS {
            for early in [false, true] {
                let case = format!("{role:?}, {version:?}, {early}");
                let mut setup = Setup::new(version);
                setup.config = Config::default().close_timeout(FAR);
                let (mut peer, running) = open::<S, _, _>(role, setup, |mut ws| async move {
                    let received = ws.recv().await;
                    // This waits for the end of the transport.
                    let closed = ws.close(CloseCode::NORMAL, "").await;
                    (received, closed, ws.end())
                });
                peer.send(&role.peer().close(1001, "bye"));
                if early {
                    peer.cut();
                }
                let close = peer.read_frame().expect("a Close");
                assert_eq!((close.opcode(), close.close_code()), (wire::CLOSE, 1001));
                peer.cut();
                let (received, closed, end) = running.finish();
                assert!(matches!(received, Ok(None)), "{case}: {received:?}");
                assert!(end.expect("the end").clean, "{case}");
                closed.expect(&case);
            }
        }
    }
}

/// Dropping a connection ends TCP only. The peer can tell this from a clean end.
pub fn a_dropped_connection_ends_tls_without_a_close_notify<S: Suite>() {
    for role in ROLES {
        let (mut peer, running) =
            open::<S, _, _>(role, Setup::new(&TLS13), |ws| async move { drop(ws) });
        let () = running.finish();
        let (bytes, ending) = peer.read_to_end();
        assert!(bytes.is_empty());
        assert_eq!(
            ending,
            Ending::Broken(io::ErrorKind::UnexpectedEof),
            "{role:?}"
        );
    }
}

/// The refusal of an HTTP request is complete, and a `close_notify` follows.
pub fn a_refusal_over_tls_is_complete<S: Suite>() {
    for version in VERSIONS {
        let (address, running) = echo_server::<S>(acceptor::<S>());
        let tcp = TcpStream::connect(address).expect("a listener");
        let mut stream = TlsStream::client(tcp, client_config(&[version]));
        stream.handshake().expect("the TLS handshake");
        let mut peer = RawPeer::over(stream);
        peer.send(&http::request_with(&["Origin: http://evil.example"]));
        let (bytes, ending) = peer.read_to_end();
        assert_eq!(ending, Ending::Eof);
        assert_eq!(http::refusal(&bytes).status, 403);
        drop(peer);
        assert!(running.finish().is_err());
    }
}

/// A damaged record is an error of TLS, unlike the end of TCP.
pub fn a_damaged_record_is_an_error_of_tls<S: Suite>() {
    for role in ROLES {
        for version in VERSIONS {
            let case = format!("{role:?}, {version:?}");
            let (mut peer, running) = open::<S, _, _>(role, Setup::new(version), outcome::<S>);
            peer.send(&role.peer().text("last"));
            let record = [&b"\x17\x03\x03\x00\x40"[..], &[7; 64]].concat();
            let sent = peer.get_mut().tcp.write_all(&record);
            sent.expect("room in the socket");
            let outcome = running.finish();
            assert_eq!(outcome.messages, ["last".into()], "{case}");
            match outcome.fault {
                Some(error @ Error::Io(_)) => {
                    assert!(error.is_disconnect(), "{case}: {error:?}");
                    let error = io::Error::from(error);
                    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
                    let inner: &TlsError = inner.expect("an error of TLS");
                    assert_eq!(inner.kind(), TlsErrorKind::Session, "{case}");
                }
                fault => panic!("{case}: {fault:?}"),
            }
            // The peer receives the reason.
            let (_, ending) = peer.read_to_end();
            assert_eq!(ending, Ending::Broken(io::ErrorKind::InvalidData), "{case}");
        }
    }
}
