//! The compressor and the decompressor keep the same context, whatever is dropped or delayed.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{Config, DeflateConfig, Message, MessageKind, TryFeedError};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::pairs::compressing as open;
use ws_tests::scripted::{End, Peer, Ws};

use super::{deflating, dense, sent_by, words};

fn message(random: &mut fastrand::Rng) -> Message {
    let most = [0, 31, 100, 3000, 20_000][random.usize(..5)];
    let len = random.usize(0..=most);
    match random.u8(..4) {
        0 => Message::from((0..len).map(|_| random.u8(..)).collect::<Vec<u8>>()),
        1 => Message::from(words(random, len).into_bytes()),
        _ => Message::from(words(random, len)),
    }
}

/// Sends a message in pieces. Drops each future that waits, and repeats each write until it
/// returns.
fn write_in_pieces(ws: &mut Ws, peer: &Peer, random: &mut fastrand::Rng, message: &Message) {
    let kind = match message.as_text() {
        Some(_) => MessageKind::Text,
        None => MessageKind::Binary,
    };
    let mut writer = ws.writer(kind).unwrap();
    for piece in message.as_bytes().chunks(1501) {
        while exec::glance(writer.write(piece)).is_pending() {
            peer.window(random.usize(..3000));
        }
    }
    while exec::glance(ws.ready()).is_pending() {
        peer.window(random.usize(..3000));
    }
    let writer = match message.as_bytes() {
        // An empty message has no pieces, so no message is unfinished yet.
        [] => ws.writer(kind).unwrap(),
        _ => ws.resume_writer().expect("an unfinished message"),
    };
    // There is room, so the message is queued even if the future still waits for the transport.
    if let Poll::Ready(result) = exec::glance(writer.finish()) {
        result.unwrap();
    }
}

/// The numbers of sends in [`thousand`], by outcome.
#[derive(Debug, Default)]
struct Count {
    /// Sends that were dropped while they waited for room.
    dropped_unqueued: usize,
    /// Sends that were dropped while they waited for the transport.
    dropped_queued: usize,
    complete: usize,
}

/// Asserts that of a thousand messages exactly those that found room are received. The transport
/// sometimes takes nothing. Returns the outcomes of the sends.
fn thousand(end: End, deflate: DeflateConfig, seed: u64) -> Count {
    let mut random = fastrand::Rng::with_seed(seed);
    let config = Config::default().high_water_mark(2000).deflate(deflate);
    let ((mut ws, peer), (mut other, other_peer)) = open(end, &config, &deflating());
    let mut expected = VecDeque::new();
    let mut count = Count::default();
    let mut receive = |expected: &mut VecDeque<Message>, bytes: Vec<u8>, all: bool| {
        other_peer.push(bytes);
        while let Poll::Ready(received) = exec::attempt(other.recv()) {
            let received = received.unwrap().expect("the connection is open");
            let sent = expected.pop_front().expect("a message that was sent");
            assert!(received == sent, "{end:?} {deflate:?}, seed {seed}");
        }
        assert!(
            !all || expected.is_empty(),
            "{} are missing",
            expected.len()
        );
    };
    for _ in 0..1000 {
        let message = message(&mut random);
        match random.u8(..8) {
            0 => peer.window(0),
            1..=3 => peer.window(random.usize(..1500)),
            4 => peer.window(usize::MAX),
            5 => drop(exec::glance(ws.flush())),
            _ => {}
        }
        // The transport takes nothing between the polls of `ready` and of the next call, so both
        // find the same room.
        let room = exec::glance(ws.ready()).is_ready();
        match random.u8(..5) {
            0 => {
                write_in_pieces(&mut ws, &peer, &mut random, &message);
                expected.push_back(message);
            }
            1 => match ws.try_feed(&message) {
                Ok(()) => expected.push_back(message),
                Err(TryFeedError::Full(back)) => assert!(!room && *back == message),
                Err(other) => panic!("{other}"),
            },
            2 if room => {
                exec::expect_ready(exec::glance(ws.feed(&message))).unwrap();
                expected.push_back(message);
            }
            _ => {
                let sent = exec::glance(ws.send(&message));
                match (room, sent) {
                    (false, Poll::Pending) => {
                        count.dropped_unqueued += 1;
                        continue;
                    }
                    (true, Poll::Pending) => count.dropped_queued += 1,
                    (true, Poll::Ready(result)) => {
                        result.unwrap();
                        count.complete += 1;
                    }
                    (false, Poll::Ready(_)) => panic!("sent without room"),
                }
                expected.push_back(message);
            }
        }
        if random.u8(..4) == 0 {
            let bytes = peer.take_output();
            receive(&mut expected, bytes, false);
        }
    }
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
    let bytes = peer.take_output();
    receive(&mut expected, bytes, true);
    assert_eq!(clock::elapsed(), Duration::ZERO);
    count
}

#[test]
fn exactly_the_messages_that_found_room_arrive() {
    let default = DeflateConfig::default();
    let configs = [
        default,
        default.threshold(0).own_window_bits(9).mem_level(1),
        default.level(9).peer_no_context_takeover(),
        default.own_no_context_takeover(),
    ];
    for end in End::BOTH {
        for (seed, deflate) in (0..).zip(configs) {
            let count = thousand(end, deflate, seed);
            let drops = count.dropped_unqueued.min(count.dropped_queued);
            assert!(drops > 50 && count.complete > 50, "{count:?}");
        }
    }
}

#[test]
fn a_send_without_room_does_not_change_later_messages() {
    let mut outputs = Vec::new();
    for drops in [0, 1, 5] {
        // A server does not mask, so the bytes are the same in each run.
        let config = deflating().high_water_mark(1000);
        let ((mut ws, peer), _other) = open(End::Server, &config, &deflating());
        let mut random = fastrand::Rng::with_seed(3);
        let mut output = Vec::new();
        for _ in 0..20 {
            peer.window(0);
            while exec::glance(ws.ready()).is_ready() {
                let text = words(&mut random, 700);
                exec::expect_ready(exec::glance(ws.feed(&text))).unwrap();
            }
            for number in 0..drops {
                let other = format!("not sent {number} ").repeat(300);
                assert!(exec::glance(ws.send(&other)).is_pending());
                assert!(exec::glance(ws.feed(&other)).is_pending());
                let refused = ws.try_feed(&other);
                assert!(matches!(refused, Err(TryFeedError::Full(_))));
            }
            peer.window(usize::MAX);
            exec::run(ws.flush()).unwrap();
            output.extend(peer.take_output());
        }
        outputs.push(output);
    }
    assert!(outputs[0] == outputs[1] && outputs[0] == outputs[2]);
}

#[test]
fn recv_dropped_at_every_await_returns_each_message_once() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut messages: Vec<Message> = (0..20).map(|_| message(&mut random)).collect();
    messages.push(Message::from(vec![b'x'; 2_000_000]));
    messages.push(Message::from("last"));
    for end in End::BOTH {
        for piece in [1, 7, 4096] {
            let (mut ours, mut theirs) = open(end, &deflating(), &deflating());
            let bytes = sent_by(&mut theirs, &messages);
            let (ws, peer) = &mut ours;
            peer.hesitate();
            peer.pieces(piece, piece);
            peer.push(bytes);
            for (number, message) in messages.iter().enumerate() {
                let received = exec::run_dropping(ws, async |ws| ws.recv().await).unwrap();
                assert!(
                    received.as_ref() == Some(message),
                    "{end:?} {piece} {number}"
                );
            }
        }
    }
}

#[test]
fn after_a_skipped_message_the_next_one_is_decompressed() {
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &deflating(), &dense());
        // Compression replaces the second message by a reference to the first message.
        let mut random = fastrand::Rng::with_seed(8);
        let long = words(&mut random, 300_000);
        let next = Message::from(long.as_bytes()[290_000..].to_vec());
        let bytes = sent_by(&mut other, &[Message::from(long), next.clone()]);
        let (ws, peer) = &mut place;
        peer.push(bytes);
        exec::run(async {
            let mut reader = ws.recv_stream().await.unwrap().expect("a message");
            assert!(reader.chunk().await.unwrap().is_some());
        });
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(next));
    }
}
