//! The session as a transport: its data, its ends, and its buffers.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::Poll;

use ws_driver::transport::{ReadHalf, WriteHalf};
use ws_driver::{TlsError, TlsErrorKind};
use ws_tests::exec::{self, expect_ready};
use ws_tests::scripted::{self, End, Fault, Op};
use ws_tests::tls::{Session, TlsPeer, VERSIONS, client_config, session};
use ws_tls::TlsConnector;

/// The plaintext of one record.
const RECORD_LEN: usize = 16 * 1024;

fn read(session: &mut Session, room: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut buffer = vec![0; room];
    let read = poll_fn(|cx| session.poll_read(cx, &mut buffer));
    exec::attempt(read).map_ok(|len| buffer[..len].to_vec())
}

fn write(session: &mut Session, bytes: &[u8]) -> Poll<io::Result<usize>> {
    let slices = [IoSlice::new(bytes)];
    exec::attempt(poll_fn(|cx| session.poll_write_vectored(cx, &slices)))
}

fn write_all(session: &mut Session, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let len = expect_ready(write(session, bytes)).unwrap();
        bytes = &bytes[len..];
    }
}

/// Returns bytes without a pattern that repeats within a record.
fn sample(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..)).collect()
}

fn kind(error: io::Error) -> TlsErrorKind {
    let error: TlsError = error.downcast().expect("an error of TLS");
    error.kind()
}

#[test]
fn plaintext_arrives_in_order_whatever_the_buffers_are() {
    for end in End::BOTH {
        for version in VERSIONS {
            for (room, piece) in [(1, 5000), (100, 1), (4096, 1000), (70_000, 70_000)] {
                let (mut session, mut peer) = session(end, &[version]);
                peer.below.pieces(piece, piece);
                let sent = sample(40_000);
                peer.push(&sent[..1]);
                peer.push(&sent[1..20_000]);
                peer.push(&sent[20_000..]);
                let mut received = Vec::new();
                while received.len() < sent.len() {
                    received.extend(expect_ready(read(&mut session, room)).unwrap());
                }
                assert!(received == sent, "{end:?} {version:?} {room} {piece}");
                write_all(&mut session, &sent);
                assert!(
                    peer.take_output() == sent,
                    "{end:?} {version:?} {room} {piece}"
                );
                assert!(read(&mut session, room).is_pending());
            }
        }
    }
}

#[test]
fn plaintext_before_a_damaged_record_is_returned_and_the_peer_gets_an_alert() {
    for end in End::BOTH {
        for version in VERSIONS {
            for room in [3, 4096] {
                let (mut session, mut peer) = session(end, &[version]);
                let mut records = peer.encrypt(b"intact");
                let mut damaged = peer.encrypt(b"damaged");
                *damaged.last_mut().unwrap() ^= 1;
                records.extend(damaged);
                peer.below.push(records);
                let mut received = Vec::new();
                let error = loop {
                    match expect_ready(read(&mut session, room)) {
                        Ok(bytes) => received.extend(bytes),
                        Err(error) => break error,
                    }
                };
                assert_eq!(received, b"intact");
                assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
                assert_eq!(kind(error), TlsErrorKind::Session);
                peer.process();
                let failure = peer.failure.take();
                assert!(
                    matches!(failure, Some(rustls::Error::AlertReceived(_))),
                    "{failure:?}"
                );
                // The failure is permanent.
                assert_eq!(
                    kind(expect_ready(read(&mut session, room)).unwrap_err()),
                    TlsErrorKind::Session
                );
                assert_eq!(
                    kind(expect_ready(write(&mut session, b"late")).unwrap_err()),
                    TlsErrorKind::Session
                );
            }
        }
    }
}

#[test]
fn after_a_close_notify_reading_ends_and_writing_continues() {
    for end in End::BOTH {
        for version in VERSIONS {
            let (mut session, mut peer) = session(end, &[version]);
            peer.push(b"last words");
            peer.close_notify();
            peer.below.push(b"what follows has no meaning");
            assert_eq!(
                expect_ready(read(&mut session, 100)).unwrap(),
                b"last words"
            );
            for _ in 0..2 {
                assert_eq!(expect_ready(read(&mut session, 100)).unwrap(), b"");
            }
            write_all(&mut session, b"still open");
            assert_eq!(peer.take_output(), b"still open");
            expect_ready(exec::attempt(poll_fn(|cx| session.poll_shutdown(cx)))).unwrap();
            assert!(peer.below.is_shut_down());
            peer.process();
            assert!(peer.tls.process_new_packets().unwrap().peer_has_closed());
        }
    }
}

#[test]
fn an_end_without_close_notify_is_unexpected() {
    for end in End::BOTH {
        for version in VERSIONS {
            let (mut session, mut peer) = session(end, &[version]);
            peer.push(b"last words");
            let record = peer.encrypt(b"incomplete");
            peer.below.push(&record[..record.len() - 1]);
            peer.below.end();
            assert_eq!(
                expect_ready(read(&mut session, 100)).unwrap(),
                b"last words"
            );
            for _ in 0..2 {
                let error = expect_ready(read(&mut session, 100)).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            }
        }
    }
}

#[test]
fn keys_can_be_updated_between_all_records() {
    for end in End::BOTH {
        let (mut session, mut peer) = session(end, &VERSIONS);
        for turn in 0..20 {
            peer.tls.refresh_traffic_keys().unwrap();
            let text = format!("turn {turn}");
            peer.push(text.as_bytes());
            assert_eq!(
                expect_ready(read(&mut session, 100)).unwrap(),
                text.as_bytes()
            );
            write_all(&mut session, text.as_bytes());
            assert_eq!(peer.take_output(), text.as_bytes());
        }
    }
}

#[test]
fn a_poll_that_finds_no_plaintext_yields_to_the_executor() {
    let (mut session, mut peer) = session(End::Server, &VERSIONS);
    peer.below.pieces(1, 1);
    peer.push(&sample(RECORD_LEN));
    let _ = peer.below.take_log();
    let mut buffer = [0; 100];
    let mut wakes = 0;
    while exec::glance(poll_fn(|cx| session.poll_read(cx, &mut buffer))).is_pending() {
        let log = peer.below.take_log();
        let reads = log.iter().filter(|op| matches!(op, Op::Read { .. }));
        assert!(reads.count() <= 32);
        wakes += 1;
    }
    assert!(wakes > RECORD_LEN / 32 - 1, "{wakes}");
}

#[test]
fn a_stalled_transport_leaves_one_record_in_the_session() {
    for end in End::BOTH {
        for window in [0, 1, 1000, 17_000, 60_000, 90_000] {
            let (mut session, mut peer) = session(end, &VERSIONS);
            let bytes = sample(100_000);
            peer.below.window(window);
            let mut accepted = 0;
            while let Poll::Ready(len) = write(&mut session, &bytes[accepted..]) {
                accepted += len.unwrap();
            }
            assert!(accepted <= window + RECORD_LEN, "{accepted}");
            assert!(accepted + 1000 >= window, "{accepted}");
            assert!(exec::attempt(poll_fn(|cx| session.poll_flush(cx))).is_pending());
            peer.below.window(usize::MAX);
            write_all(&mut session, &bytes[accepted..]);
            assert!(peer.take_output() == bytes, "{end:?} {window}");
        }
    }
}

#[test]
fn records_may_be_short_and_the_transport_slow() {
    for max_fragment_size in [32, 1000, 16_384 + 5] {
        for window in [1, 40, 3000, 50_000] {
            let (transport, below) = scripted::pair();
            let mut peer = TlsPeer::new(End::Client, below, &VERSIONS);
            let mut config = client_config(&VERSIONS);
            config.max_fragment_size = Some(max_fragment_size);
            let connector = TlsConnector::from(config);
            let handshake = connector.connect("localhost", transport);
            let mut session = peer.serve(handshake, |_| ()).unwrap();
            peer.process();
            let bytes = sample(100_000);
            let (mut accepted, mut received) = (0, Vec::new());
            while accepted < bytes.len() {
                peer.below.window(window);
                // The caller may offer fewer bytes than before.
                let end = bytes.len().min(accepted + 1 + accepted % 70_000);
                if let Poll::Ready(len) = write(&mut session, &bytes[accepted..end]) {
                    accepted += len.unwrap();
                }
                received.extend(peer.take_output());
                assert!(accepted <= received.len() + max_fragment_size);
            }
            peer.below.window(usize::MAX);
            expect_ready(exec::attempt(poll_fn(|cx| session.poll_flush(cx)))).unwrap();
            received.extend(peer.take_output());
            assert!(received == bytes, "{max_fragment_size} {window}");
        }
    }
}

#[test]
fn a_slow_reader_leaves_one_record_in_the_session() {
    for end in End::BOTH {
        for room in [1, 5000] {
            let (mut session, mut peer) = session(end, &VERSIONS);
            let bytes = sample(400_000);
            peer.push(&bytes);
            let sent = peer.below.unread();
            let mut received = Vec::new();
            while received.len() < bytes.len() {
                received.extend(expect_ready(read(&mut session, room)).unwrap());
                let held = (sent - peer.below.unread()).saturating_sub(received.len());
                // One record of plaintext, a part of the next record, and the overhead of both.
                let most = 2 * RECORD_LEN + 1000 + bytes.len() / 500;
                assert!(held <= most, "{held} after {}", received.len());
                if room == 1 && received.len() > 3 * RECORD_LEN {
                    break;
                }
            }
            assert!(bytes.starts_with(&received), "{end:?} {room}");
        }
    }
}

#[test]
fn an_interrupted_write_sends_nothing_twice() {
    for end in End::BOTH {
        for at in 0..4 {
            let (mut session, mut peer) = session(end, &VERSIONS);
            let bytes = sample(40_000);
            peer.below.fault(at, Fault::Interrupt);
            write_all(&mut session, &bytes);
            assert!(peer.take_output() == bytes, "{end:?} {at}");
        }
    }
}

#[test]
fn a_write_error_is_explained_by_the_alert_of_the_peer() {
    for end in End::BOTH {
        for has_alert in [true, false] {
            let (mut session, mut peer) = session(end, &VERSIONS);
            peer.push(b"before the alert");
            if has_alert {
                let damaged = [&[23, 3, 3, 0, 20][..], &[0; 20]].concat();
                peer.tls.read_tls(&mut &damaged[..]).unwrap();
                peer.tls.process_new_packets().unwrap_err();
                peer.process();
            }
            peer.below.break_writes();
            let error = expect_ready(write(&mut session, b"late")).unwrap_err();
            if has_alert {
                assert_eq!(kind(error), TlsErrorKind::Session);
            } else {
                assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            }
            let bytes = expect_ready(read(&mut session, 100)).unwrap();
            assert_eq!(bytes, b"before the alert");
        }
    }
}
