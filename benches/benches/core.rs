//! Benchmarks of the core: headers, receiving whole messages, and sending whole messages.

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use ws_benches::{
    Content, CountedKeys, LENS, Payload, encoded, frame_floor, receive, receiver, send_half,
};
use ws_proto::{FrameHeader, HeaderRules, MaskKey, MaskSource, MessageRef, OpCode, Role};

/// A typical length of one read on a server under load.
const BURST_LEN: usize = 64 << 10;

/// The length of one read, in the benchmark of messages that arrive in pieces.
const PIECE_LEN: usize = 16 << 10;

/// The directions of frames, each with the role of the sender. Clients mask, and servers do not.
const SENDERS: [(&str, Role); 2] = [("masked", Role::Client), ("unmasked", Role::Server)];

fn header(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for (direction, sender) in SENDERS {
        let rules = HeaderRules::new(sender.peer());
        for payload_len in [20, 1000, 100_000] {
            let mut header = FrameHeader::new(OpCode::Binary, payload_len);
            header.mask = sender.masks().then(|| MaskKey::new([1, 2, 3, 4]));
            let mut encoded = Vec::with_capacity(64);
            header.encode(&mut encoded);
            group.bench_function(
                BenchmarkId::new(format!("parse/{direction}"), payload_len),
                |b| b.iter(|| FrameHeader::parse(black_box(&encoded), black_box(&rules))),
            );
            group.bench_function(
                BenchmarkId::new(format!("encode/{direction}"), payload_len),
                |b| {
                    b.iter(|| {
                        encoded.clear();
                        black_box(&header).encode(black_box(&mut encoded));
                    });
                },
            );
        }
    }
    group.finish();
}

/// Receives one message that is completely in the block. The time includes a copy of the input into
/// the block, in place of the read.
fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    each_case(|name, sender, len, message| {
        let input = encoded(sender, message, 1);
        throughput(&mut group, len);
        let (mut recv, mut send) = receiver(sender.peer(), input.len());
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| assert_eq!(receive(&mut recv, &mut send, black_box(&input)), 1));
        });
    });
    floor_decode(&mut group);
    group.finish();
}

/// Measures the lower bound for decoding a short text. The time includes the same copy as in
/// [`decode`].
fn floor_decode(group: &mut BenchmarkGroup<'_, WallTime>) {
    let text = Payload::new(Content::Ascii, 20);
    let input = encoded(Role::Client, text.message(), 1);
    let mut block = input.clone();
    throughput(group, 20);
    group.bench_function(BenchmarkId::new("masked/text-ascii/floor", 20), |b| {
        b.iter(|| {
            block.copy_from_slice(black_box(&input));
            assert!(black_box(frame_floor::short_text(&mut block)).is_some());
        });
    });
}

/// Receives a burst of equal messages from one block. This measures the cost of a message in
/// pipelined traffic. The time includes the copy, as in [`decode`].
fn decode_burst(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode-burst");
    each_case(|name, sender, len, message| {
        let count = BURST_LEN / (len + 14);
        if len == 0 || count < 2 {
            return;
        }
        let input = encoded(sender, message, count);
        throughput(&mut group, len * count);
        let (mut recv, mut send) = receiver(sender.peer(), BURST_LEN);
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| {
                assert_eq!(receive(&mut recv, &mut send, black_box(&input)), count);
            });
        });
    });
    group.finish();
}

/// Receives one message in pieces that each fill the block. So the message is assembled outside the
/// block. The time includes the copies, as in [`decode`].
fn decode_pieces(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode-pieces");
    each_case(|name, sender, len, message| {
        if len < 65_536 {
            return;
        }
        let input = encoded(sender, message, 1);
        throughput(&mut group, len);
        let (mut recv, mut send) = receiver(sender.peer(), PIECE_LEN);
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| {
                let pieces = black_box(&input).chunks(PIECE_LEN);
                let messages = pieces.map(|piece| receive(&mut recv, &mut send, piece));
                assert_eq!(messages.sum::<usize>(), 1);
            });
        });
    });
    group.finish();
}

/// Queues one borrowed message, and removes its bytes from the queue.
fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    each_case(|name, sender, len, message| {
        throughput(&mut group, len);
        let mut send = send_half(sender);
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| {
                assert!(send.message(black_box(message)).is_ok());
                let mut slices = [&[][..]; 4];
                black_box(send.slices(&mut slices));
                send.advance(send.queued());
            });
        });
    });
    floor_encode(&mut group);
    group.finish();
}

/// Measures the lower bound for encoding a short text.
fn floor_encode(group: &mut BenchmarkGroup<'_, WallTime>) {
    let text = "The quick brown fox ";
    let mut keys = CountedKeys::default();
    let mut output = Vec::with_capacity(64);
    throughput(group, text.len());
    group.bench_function(
        BenchmarkId::new("masked/text-ascii/floor", text.len()),
        |b| {
            b.iter(|| {
                output.clear();
                frame_floor::push_short_text(keys.next_key(), black_box(text), &mut output);
                black_box(&mut output);
            });
        },
    );
}

fn each_case(mut run: impl FnMut(String, Role, usize, MessageRef<'_>)) {
    for (direction, sender) in SENDERS {
        for content in Content::ALL {
            for len in LENS {
                let payload = Payload::new(content, len);
                let name = format!("{direction}/{}", content.name());
                run(name, sender, len, payload.message());
            }
        }
    }
}

fn throughput(group: &mut BenchmarkGroup<'_, WallTime>, len: usize) {
    group.throughput(Throughput::Bytes(len as u64));
}

criterion_group!(benches, header, decode, decode_burst, decode_pieces, encode);
criterion_main!(benches);
