//! Futures of sending calls that are never polled, that are dropped, or that complete. Each test
//! asserts which messages are sent.

use ws_driver::TryFeedError;
use ws_tests::exec;
use ws_tests::scripted::{End, Op};

use super::{FRAMINGS, Framing, arrived};

/// The lengths of the messages in bytes: one that fits a buffer, one that is not copied, and one
/// that is framed or compressed in several steps.
const LENS: [usize; 3] = [20, 10 * 1024, 1 << 20];

/// Calls a method that sends the payload, owned or borrowed. Passes the future to `$then`.
macro_rules! message {
    ($tx:ident.$method:ident($payload:ident, $is_owned:expr), $then:expr) => {
        match $is_owned {
            true => $then($tx.$method($payload.clone())),
            false => $then($tx.$method(&$payload)),
        }
    };
}

/// Makes a payload of `len` bytes that compression halves.
fn payload(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    (0..len)
        .map(|at| if at % 2 == 0 { random.u8(..) } else { 0 })
        .collect()
}

/// Returns every combination of end, framing and length, once for a borrowed and once for an owned
/// message.
fn cases() -> impl Iterator<Item = (End, Framing, usize, bool)> {
    End::BOTH.into_iter().flat_map(|end| {
        FRAMINGS.into_iter().flat_map(move |framing| {
            LENS.into_iter()
                .flat_map(move |len| [false, true].map(|is_owned| (end, framing, len, is_owned)))
        })
    })
}

#[test]
fn a_future_that_was_never_polled_has_done_nothing() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            message!(tx.send(payload, is_owned), drop);
            message!(tx.feed(payload, is_owned), drop);
            drop(tx.send_ping("ping"));
            drop(tx.send_pong("pong"));
            drop(tx.ready());
            drop(tx.flush());
            assert!(tx.has_room());
            exec::run(tx.flush()).unwrap();
            let context = format!("{who} {end:?} {framing:?} {len} {is_owned}");
            assert_eq!(peer.output_len(), 0, "{context}");
            assert!(arrived(&peer, &mut other).0.is_empty(), "{context}");
        });
    }
}

#[test]
fn a_future_dropped_while_it_waits_for_room_sends_nothing() {
    let fill = {
        let mut random = fastrand::Rng::with_seed(1);
        let bytes: Vec<u8> = (0..10_000).map(|_| random.u8(..)).collect();
        bytes
    };
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            peer.window(0);
            let mut queued = 0;
            while tx.has_room() {
                tx.try_feed(&fill).unwrap();
                queued += 1;
            }
            for _ in 0..2 {
                let sent = message!(tx.send(payload, is_owned), exec::attempt);
                assert!(sent.is_pending(), "{who} {end:?} {framing:?}");
                assert!(message!(tx.feed(payload, is_owned), exec::attempt).is_pending());
                assert!(exec::attempt(tx.send_ping("ping")).is_pending());
                assert!(exec::attempt(tx.send_pong("pong")).is_pending());
                assert!(exec::attempt(tx.ready()).is_pending());
                assert!(exec::attempt(tx.flush()).is_pending());
                let refused = tx.try_feed(&payload);
                assert!(matches!(refused, Err(TryFeedError::Full(message)) if *message == payload));
            }
            peer.window(usize::MAX);
            exec::run(tx.flush()).unwrap();
            let (messages, pings) = arrived(&peer, &mut other);
            assert_eq!(messages.len(), queued, "{who} {end:?} {framing:?} {len}");
            assert!(messages.iter().all(|message| *message == fill));
            assert!(pings.is_empty(), "{who}: a Ping was sent");
        });
    }
}

#[test]
fn a_message_that_was_queued_when_its_future_was_dropped_is_sent_whole() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        for taken in [0, 1, len / 2] {
            on_each!(end, framing, |tx, peer, other, who| {
                let context = format!("{who} {end:?} {framing:?} {len} {is_owned} {taken}");
                peer.window(taken);
                let sent = message!(tx.send(payload, is_owned), exec::glance);
                assert!(
                    sent.is_pending() || matches!(framing, Framing::Compressed),
                    "{context}"
                );
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                peer.window(taken);
                // Only the `feed` of an outbox can wait here: it lends a borrowed payload to the
                // transport.
                let _ = message!(tx.feed(payload, is_owned), exec::glance);
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                peer.window(0);
                assert!(exec::glance(tx.send_ping("ping")).is_pending());
                peer.window(usize::MAX);
                exec::run(tx.flush()).unwrap();
                let (messages, pings) = arrived(&peer, &mut other);
                assert!(messages == [&payload[..], &payload], "{context}");
                assert_eq!(pings, [b"ping"], "{context}");
            });
        }
    }
}

#[test]
fn try_feed_queues_a_copy_at_once() {
    for (end, framing, len, is_owned) in cases() {
        on_each!(end, framing, |tx, peer, other, who| {
            let payload = payload(len);
            peer.window(0);
            match is_owned {
                true => tx.try_feed(payload.clone()).unwrap(),
                false => tx.try_feed(&payload).unwrap(),
            }
            let expected = payload.clone();
            drop(payload);
            peer.window(usize::MAX);
            exec::run(tx.flush()).unwrap();
            let (messages, _) = arrived(&peer, &mut other);
            assert!(messages == [expected], "{who} {end:?} {framing:?} {len}");
        });
    }
}

#[test]
fn send_flushes_the_message_and_feed_only_queues_it() {
    for (end, framing, len, is_owned) in cases() {
        let payload = payload(len);
        on_each!(end, framing, |tx, peer, other, who| {
            message!(tx.send(payload, is_owned), exec::run).unwrap();
            assert_eq!(peer.take_log().last(), Some(&Op::Flush), "{who}");
            assert!(arrived(&peer, &mut other).0 == [&payload[..]]);
            exec::run(tx.feed("small")).unwrap();
            assert_eq!(peer.output_len(), 0, "{who} {end:?} {framing:?}");
            exec::run(tx.ready()).unwrap();
            exec::run(tx.flush()).unwrap();
            assert!(arrived(&peer, &mut other).0 == [b"small"]);
        });
    }
}
