//! The core: headers, and whole messages in and out.

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use ws_benches::{
    Content, CountedKeys, LENS, Payload, block_receiver, encoded, frame_floor, receive, send_side,
};
use ws_proto::{
    Config, Event, FrameHeader, HeaderRules, MaskKey, MaskSource, MessageRef, OpCode, ReceiveSide,
    Role,
};

/// Octets of input in one read, as the receive loop of a server under load sees them.
const BURST_LEN: usize = 64 << 10;

/// The direction of the frames, named by what it means for the octets.
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

/// One message that lies in the input as a whole, through [`ReceiveSide::receive`].
fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    each_case(|name, sender, len, message| {
        let input = encoded(sender, message, 1);
        octets(&mut group, len);
        let mut side = ReceiveSide::new(sender.peer(), &Config::default());
        // Unmasking changes the input, so every run needs it anew: the copy is not timed. Not many at once that are
        // long, which would fill the memory.
        let batch = match len {
            0..=65_536 => BatchSize::SmallInput,
            _ => BatchSize::PerIteration,
        };
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter_batched_ref(
                || input.clone(),
                |input| match side.receive(input) {
                    Ok(received) => {
                        assert!(received.event.is_some());
                        received.consumed
                    }
                    Err(error) => panic!("{error}"),
                },
                batch,
            );
        });
    });
    floor_decode(&mut group);
    group.finish();
}

/// The least that it costs to decode a short text.
fn floor_decode(group: &mut BenchmarkGroup<'_, WallTime>) {
    let text = Payload::new(Content::Ascii, 20);
    let input = encoded(Role::Client, text.message(), 1);
    octets(group, 20);
    group.bench_function(BenchmarkId::new("masked/text-ascii/floor", 20), |b| {
        b.iter_batched_ref(
            || input.clone(),
            |input| assert!(frame_floor::short_text(input).is_some()),
            BatchSize::SmallInput,
        );
    });
}

/// A burst of equal messages in one block, through [`ws_proto::BlockReceiver`]: what a message costs in pipelined traffic.
fn decode_burst(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode-burst");
    each_case(|name, sender, len, message| {
        let count = BURST_LEN / (len + 14);
        if len == 0 || count < 2 {
            return;
        }
        let input = encoded(sender, message, count);
        octets(&mut group, len * count);
        let mut receiver = block_receiver(sender.peer(), BURST_LEN);
        // The copy stands for the read: it is timed.
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| assert_eq!(receive(&mut receiver, black_box(&input)), count));
        });
    });
    group.finish();
}

/// One message that arrives in pieces of 16 KiB and is put together outside the input.
fn decode_pieces(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode-pieces");
    each_case(|name, sender, len, message| {
        if len < 65_536 {
            return;
        }
        let input = encoded(sender, message, 1);
        octets(&mut group, len);
        let mut side = ReceiveSide::new(sender.peer(), &Config::default());
        let mut piece = vec![0; 16 << 10];
        group.bench_function(BenchmarkId::new(name, len), |b| {
            b.iter(|| {
                let mut messages = 0;
                for octets in black_box(&input).chunks(16 << 10) {
                    let piece = &mut piece[..octets.len()];
                    piece.copy_from_slice(octets);
                    match side.receive(piece) {
                        Ok(received) => {
                            messages +=
                                usize::from(matches!(received.event, Some(Event::Message(_))));
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                assert_eq!(messages, 1);
            });
        });
    });
    group.finish();
}

/// One borrowed message into the queue and out of it.
fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    each_case(|name, sender, len, message| {
        octets(&mut group, len);
        let mut send = send_side(sender);
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

/// The least that it costs to encode a short text.
fn floor_encode(group: &mut BenchmarkGroup<'_, WallTime>) {
    let text = "The quick brown fox ";
    let mut keys = CountedKeys::default();
    let mut output = Vec::with_capacity(64);
    octets(group, text.len());
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

fn octets(group: &mut BenchmarkGroup<'_, WallTime>, len: usize) {
    group.throughput(Throughput::Bytes(len as u64));
}

criterion_group!(benches, header, decode, decode_burst, decode_pieces, encode);
criterion_main!(benches);
