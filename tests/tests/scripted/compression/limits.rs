//! Limits on compressed messages: decompression bombs, compressed input without output, and corrupt
//! messages.

use allocation_counter::measure;
use ws_driver::{CloseCode, Error, Message};
use ws_tests::exec;
use ws_tests::pairs::{Place, compressing as open};
use ws_tests::scripted::{self, End, Peer};
use ws_tests::wire::{self, BINARY, CLOSE, KEY};

use super::{deflating, dense, length, sent_by};

/// FIN and RSV1, the flags of a compressed message in one frame.
const COMPRESSED: u8 = 0xc0;

/// Asserts that only a Close was written, and returns its code.
fn close_code(peer: &Peer) -> u16 {
    let frames = peer.take_frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0].opcode(), CLOSE);
    frames[0].close_code()
}

/// The limit on the length of a message in bytes.
const LIMIT: usize = 1 << 20;

/// The most memory in bytes that the assembly of a message of [`LIMIT`] bytes may take: the
/// message, the larger buffer to which a growing message moves, a block and a window.
const BOUND: u64 = 3 * LIMIT as u64 + 512 * 1024;

/// Asserts that a message is refused because it is too long. Returns the most memory in bytes that
/// receiving it took.
fn receive_too_long(place: &mut Place, bytes: Vec<u8>, way: u8) -> u64 {
    let (ws, peer) = place;
    peer.push(bytes);
    peer.end();
    let mut result = None;
    let counted = measure(|| result = Some(exec::run(length(ws, way))));
    let error = result
        .expect("a result")
        .expect_err("a message that is too long");
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
fn a_decompression_bomb_ends_in_a_close_and_takes_bounded_memory() {
    let ours = deflating().max_message(LIMIT);
    for end in End::BOTH {
        for way in 0..3 {
            let (mut place, mut other) = open(end, &ours, &dense());
            let bytes = sent_by(&mut other, &[Message::from(vec![0; 32 << 20])]);
            assert!(bytes.len() < 40_000, "{}", bytes.len());
            let most = receive_too_long(&mut place, bytes, way);
            assert!(most <= BOUND, "{end:?} {way}: {most}");
        }
    }
}

#[test]
fn compressed_input_without_output_is_limited() {
    let ours = deflating().max_message(LIMIT);
    // DEFLATE blocks that are stored and empty: they decompress to nothing.
    let payload = [0, 0, 0, 0xff, 0xff].repeat(LIMIT / 2);
    for end in End::BOTH {
        let (mut place, _other) = open(end, &ours, &deflating());
        let key = (end == End::Server).then_some(KEY);
        // The message has fragments, because the length in the header of a single frame would
        // exceed the limit.
        let mut bytes = Vec::new();
        for (number, part) in payload.chunks(100_000).enumerate() {
            let first = if number == 0 { 0x40 | BINARY } else { 0 };
            bytes.extend(wire::encode(first, key, part));
        }
        let most = receive_too_long(&mut place, bytes, 0);
        assert!(most <= BOUND, "{end:?}: {most}");
    }
}

#[test]
fn the_message_limit_counts_decompressed_bytes_exactly() {
    let ours = deflating().max_message(100_000);
    for end in End::BOTH {
        for way in 0..3 {
            let (mut place, mut other) = open(end, &ours, &deflating());
            let messages = [
                Message::from(vec![1; 100_000]),
                Message::from(vec![2; 100_001]),
            ];
            let bytes = sent_by(&mut other, &messages);
            let (first, last) = bytes.split_at(wire::parse_one(&bytes).expect("a frame").1);
            place.1.push(first);
            let len = exec::run(length(&mut place.0, way)).unwrap();
            assert_eq!(len, 100_000);
            receive_too_long(&mut place, last.to_vec(), way);
        }
    }
}

#[test]
fn a_streamed_decompression_bomb_takes_the_memory_of_a_window_and_a_piece() {
    const LEN: usize = 32 << 20;
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &deflating(), &dense());
        let bytes = sent_by(&mut other, &[Message::from(vec![0; LEN])]);
        let (ws, peer) = &mut place;
        peer.push(bytes);
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
fn a_corrupt_message_is_reported_after_the_messages_before_it() {
    for end in End::BOTH {
        let (mut place, mut other) = open(end, &deflating(), &deflating());
        let good = Message::from("good ".repeat(100));
        let mut bytes = sent_by(&mut other, &[good.clone(), good.clone()]);
        let key = (end == End::Server).then_some(KEY);
        bytes.extend(wire::encode(COMPRESSED | BINARY, key, &[0xff; 9]));
        let (ws, peer) = &mut place;
        peer.push(bytes);
        peer.end();
        let (messages, fault) = scripted::receive_all(ws);
        assert_eq!(messages, [good.clone(), good]);
        let error = fault.expect("an error");
        assert!(matches!(error, Error::Receive(_)), "{error:?}");
        assert_eq!(error.violation_code(), Some(CloseCode::INVALID_PAYLOAD));
        assert_eq!(close_code(peer), 1007);
    }
}
