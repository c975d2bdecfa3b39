//! Compressed messages (RFC 7692): whatever is dropped or delayed, both ends see the same context; bombs are bounded.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use allocation_counter::measure;
use ws_driver::{CloseCode, Config, DeflateConfig, Error, Message, MessageKind, TryFeedError};
use ws_tests::clock;
use ws_tests::exec::{self, Task};
use ws_tests::pairs::{Place, compressing as open};
use ws_tests::scripted::{self, End, Peer, Ws};
use ws_tests::wire::{self, BINARY, CLOSE, KEY};

/// FIN and RSV1: a compressed message in one frame.
const COMPRESSED: u8 = 0xc0;

fn compressing() -> Config {
    Config::default().deflate(DeflateConfig::default())
}

/// A configuration that makes zeros a thousandth as long.
fn dense() -> Config {
    Config::default().deflate(DeflateConfig::default().level(9))
}

/// Text in words that repeat, within a message and between messages.
fn words(random: &mut fastrand::Rng, len: usize) -> String {
    let mut text = String::new();
    while text.len() < len {
        let number: u32 = random.u32(..300);
        text.push_str(&format!("κ{} ", number.wrapping_mul(2_654_435_761)));
    }
    text
}

fn message(random: &mut fastrand::Rng) -> Message {
    let most = [0, 31, 100, 3000, 20_000][random.usize(..5)];
    let len = random.usize(0..=most);
    match random.u8(..4) {
        0 => Message::from((0..len).map(|_| random.u8(..)).collect::<Vec<u8>>()),
        1 => Message::from(words(random, len).into_bytes()),
        _ => Message::from(words(random, len)),
    }
}

/// Sends a message in pieces whose futures are dropped whenever they wait.
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
        // Without a piece it has not begun.
        [] => ws.writer(kind).unwrap(),
        _ => ws.resume_writer().expect("it is unfinished"),
    };
    // Past the room: that it waits for the transport does not matter.
    if let Poll::Ready(result) = exec::glance(writer.finish()) {
        result.unwrap();
    }
}

/// What came of the sends of [`thousand`].
#[derive(Debug, Default)]
struct Count {
    dropped_before: usize,
    dropped_behind: usize,
    complete: usize,
    octets: usize,
}

/// Sends a thousand messages to a transport that at times takes nothing, and receives those that were sent.
fn thousand(end: End, deflate: DeflateConfig, seed: u64) -> Count {
    let mut random = fastrand::Rng::with_seed(seed);
    let config = Config::default().high_water_mark(2000).deflate(deflate);
    let ((mut ws, peer), (mut other, other_peer)) = open(end, &config, &compressing());
    let mut expected = VecDeque::new();
    let mut count = Count::default();
    let mut receive = |expected: &mut VecDeque<Message>, octets: Vec<u8>, all: bool| {
        other_peer.push(octets);
        while let Poll::Ready(received) = exec::attempt(other.recv()) {
            let received = received.unwrap().expect("the connection is open");
            let sent = expected.pop_front().expect("no more than was sent");
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
        // Nothing hesitates: whoever finds no room now finds none in the next poll.
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
                        count.dropped_before += 1;
                        continue;
                    }
                    (true, Poll::Pending) => count.dropped_behind += 1,
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
            let octets = peer.take_output();
            count.octets += octets.len();
            receive(&mut expected, octets, false);
        }
    }
    peer.window(usize::MAX);
    exec::run(ws.flush()).unwrap();
    let octets = peer.take_output();
    count.octets += octets.len();
    receive(&mut expected, octets, true);
    assert_eq!(clock::elapsed(), Duration::ZERO);
    count
}

#[test]
fn of_a_thousand_messages_exactly_those_arrive_that_found_room() {
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
            let drops = count.dropped_before.min(count.dropped_behind);
            assert!(drops > 50 && count.complete > 50, "{count:?}");
        }
    }
}

#[test]
fn a_send_that_finds_no_room_leaves_no_trace_in_what_follows() {
    let mut outputs = Vec::new();
    for drops in [0, 1, 5] {
        // What a server sends is not masked: the octets are the same each time.
        let config = compressing().high_water_mark(1000);
        let ((mut ws, peer), _other) = open(End::Server, &config, &compressing());
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

/// `messages` as one end sends them.
fn sent_by(place: &mut Place, messages: &[Message]) -> Vec<u8> {
    let (ws, peer) = place;
    for message in messages {
        exec::run(ws.send(message)).unwrap();
    }
    peer.take_output()
}

#[test]
fn recv_dropped_at_every_await_gives_each_message_once() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut messages: Vec<Message> = (0..20).map(|_| message(&mut random)).collect();
    messages.push(Message::from(vec![b'x'; 2_000_000]));
    messages.push(Message::from("last"));
    for end in End::BOTH {
        for piece in [1, 7, 4096] {
            let (mut ours, mut theirs) = open(end, &compressing(), &compressing());
            let octets = sent_by(&mut theirs, &messages);
            let (ws, peer) = &mut ours;
            peer.hesitate();
            peer.pieces(piece, piece);
            peer.push(octets);
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

/// A way to receive the length of the next message.
async fn length(ws: &mut Ws, way: u8) -> Result<usize, Error> {
    match way {
        0 => Ok(ws.recv().await?.expect("a message").as_bytes().len()),
        1 => {
            let (message, _) = ws.recv_ref().await?.expect("a message");
            Ok(message.as_bytes().len())
        }
        _ => {
            assert!(ws.drive().await?);
            Ok(ws.recv().await?.expect("a message").as_bytes().len())
        }
    }
}

#[test]
fn a_message_that_grows_to_8_mib_gives_others_a_turn() {
    const LEN: usize = 8 << 20;
    for end in End::BOTH {
        for way in 0..3 {
            let (mut ours, mut theirs) = open(end, &compressing(), &dense());
            let octets = sent_by(&mut theirs, &[Message::from(vec![0; LEN])]);
            assert!(octets.len() < 10_000, "{}", octets.len());
            let (ws, peer) = &mut ours;
            peer.push(octets);
            let mut task = Task::new();
            let mut receiving = pin!(length(ws, way));
            let mut turns = 0;
            let len = loop {
                match task.poll(receiving.as_mut()) {
                    Poll::Ready(len) => break len.unwrap(),
                    Poll::Pending => {
                        assert!(task.is_woken(), "{end:?} {way}: nobody goes on");
                        turns += 1;
                    }
                }
            };
            assert_eq!(len, LEN);
            assert!((8..1000).contains(&turns), "{end:?} {way}: {turns} turns");
        }
    }
}

#[test]
fn the_other_half_sends_while_a_message_grows() {
    for end in End::BOTH {
        let ((ws, peer), mut other) = open(end, &compressing(), &dense());
        let (mut tx, mut rx) = ws.split();
        peer.push(sent_by(&mut other, &[Message::from(vec![0; 8 << 20])]));
        let mut task = Task::new();
        let mut sent = 0;
        let message = {
            let mut receiving = pin!(rx.recv());
            loop {
                if let Poll::Ready(received) = task.poll(receiving.as_mut()) {
                    break received.unwrap().expect("a message");
                }
                assert!(task.is_woken(), "{end:?}: nobody goes on");
                let text = format!("between {sent}");
                exec::expect_ready(exec::glance(tx.send(&text))).unwrap();
                let (other_ws, other_peer) = &mut other;
                other_peer.push(peer.take_output());
                let arrived = exec::expect_ready(exec::attempt(other_ws.recv()));
                assert_eq!(arrived.unwrap(), Some(Message::from(text)));
                sent += 1;
            }
        };
        assert!(message.as_bytes() == vec![0; 8 << 20]);
        assert!(sent >= 8, "{end:?}: {sent}");
    }
}

/// What the peer saw of a connection that failed: the code of a Close, and nothing but it.
fn close_code(peer: &Peer) -> u16 {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0].opcode(), CLOSE);
    frames[0].close_code()
}

const LIMIT: usize = 1 << 20;

/// While a message of at most [`LIMIT`] octets is put together: it and its growth, a block, a window.
const BOUND: u64 = 3 * LIMIT as u64 + 512 * 1024;

/// Receives what must be too long, and counts.
fn explode(place: &mut Place, octets: Vec<u8>, way: u8) -> u64 {
    let (ws, peer) = place;
    peer.push(octets);
    peer.end();
    let mut result = None;
    let counted = measure(|| result = Some(exec::run(length(ws, way))));
    let error = result.expect("a result").expect_err("it is too long");
    assert!(matches!(error, Error::Receive(_)), "{error:?}");
    assert_eq!(
        error.violation_code().map(u16::from),
        Some(1009),
        "{error:?}"
    );
    assert_eq!(close_code(peer), 1009);
    counted.bytes_max
}

#[test]
fn a_bomb_ends_in_a_close_and_takes_no_more_memory_than_the_limit_permits() {
    let ours = compressing().max_message(LIMIT);
    for end in End::BOTH {
        for way in 0..3 {
            let (mut place, mut other) = open(end, &ours, &dense());
            let octets = sent_by(&mut other, &[Message::from(vec![0; 32 << 20])]);
            assert!(octets.len() < 40_000, "{}", octets.len());
            let most = explode(&mut place, octets, way);
            assert!(most <= BOUND, "{end:?} {way}: {most}");
        }
    }
}

#[test]
fn octets_that_grow_to_nothing_are_bounded_as_well() {
    let ours = compressing().max_message(LIMIT);
    // Empty stored blocks.
    let payload = [0, 0, 0, 0xff, 0xff].repeat(LIMIT / 2);
    for end in End::BOTH {
        let (mut place, _other) = open(end, &ours, &compressing());
        let key = (end == End::Server).then_some(KEY);
        // Fragments: a single frame is too long for itself.
        let mut octets = Vec::new();
        for (number, part) in payload.chunks(100_000).enumerate() {
            let first = if number == 0 { 0x40 | BINARY } else { 0 };
            octets.extend(wire::encode(first, key, part));
        }
        let most = explode(&mut place, octets, 0);
        assert!(most <= BOUND, "{end:?}: {most}");
    }
}

#[test]
fn the_limit_counts_what_comes_out_and_is_exact() {
    let ours = compressing().max_message(100_000);
    for end in End::BOTH {
        for way in 0..3 {
            let (mut place, mut other) = open(end, &ours, &compressing());
            let messages = [
                Message::from(vec![1; 100_000]),
                Message::from(vec![2; 100_001]),
            ];
            let octets = sent_by(&mut other, &messages);
            let (first, last) = octets.split_at(wire::parse_one(&octets).expect("a frame").1);
            place.1.push(first);
            let len = exec::run(length(&mut place.0, way)).unwrap();
            assert_eq!(len, 100_000);
            explode(&mut place, last.to_vec(), way);
        }
    }
}

#[test]
fn a_bomb_that_is_read_piece_by_piece_takes_a_window_and_a_piece() {
    const LEN: usize = 32 << 20;
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &compressing(), &dense());
        let octets = sent_by(&mut other, &[Message::from(vec![0; LEN])]);
        let (ws, peer) = &mut place;
        peer.push(octets);
        let mut sum = 0;
        let counted = measure(|| {
            exec::run(async {
                let mut reader = ws.recv_stream().await.unwrap().expect("a message");
                while let Some(piece) = reader.chunk().await.unwrap() {
                    sum += piece.len();
                }
            });
        });
        assert_eq!(sum, LEN);
        assert!(counted.bytes_max < 256 * 1024, "{end:?}: {counted:?}");
    }
}

#[test]
fn a_corrupt_message_among_good_ones_ends_in_a_close_behind_them() {
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &compressing(), &compressing());
        let good = Message::from("good ".repeat(100));
        let mut octets = sent_by(&mut other, &[good.clone(), good.clone()]);
        let key = (end == End::Server).then_some(KEY);
        octets.extend(wire::encode(COMPRESSED | BINARY, key, &[0xff; 9]));
        let (ws, peer) = &mut place;
        peer.push(octets);
        peer.end();
        let (messages, fault) = scripted::receive_all(ws);
        assert_eq!(messages, [good.clone(), good]);
        let error = fault.expect("an error");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
        assert_eq!(close_code(peer), 1007);
    }
}

#[test]
fn a_message_that_is_not_wanted_any_more_is_skipped_and_the_next_one_understood() {
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &compressing(), &dense());
        // The second one is nothing but a reference to the first.
        let mut random = fastrand::Rng::with_seed(8);
        let long = words(&mut random, 300_000);
        let next = Message::from(long.as_bytes()[290_000..].to_vec());
        let octets = sent_by(&mut other, &[Message::from(long), next.clone()]);
        let (ws, peer) = &mut place;
        peer.push(octets);
        exec::run(async {
            let mut reader = ws.recv_stream().await.unwrap().expect("a message");
            assert!(reader.chunk().await.unwrap().is_some());
        });
        assert_eq!(exec::run(ws.recv()).unwrap(), Some(next));
    }
}
