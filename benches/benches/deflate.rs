//! Benchmarks of permessage-deflate (RFC 7692): compressing one message, and decompressing it.
//! Context takeover is on, as by default.

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_benches::{receiver, send_half};
use ws_proto::{DeflateConfig, DeflateParams, RecvHalf, Role, SendHalf, Step};

const LENS: [usize; 4] = [125, 1 << 10, 64 << 10, 1 << 20];

const PARAMS: DeflateParams = DeflateParams {
    server_no_context_takeover: false,
    client_no_context_takeover: false,
    server_max_window_bits: 12,
    client_max_window_bits: 12,
};

/// Returns a text that resembles the JSON answer of a web service, and compresses about as well.
fn json(len: usize) -> String {
    let mut text = String::with_capacity(len + 100);
    for id in 0.. {
        if text.len() >= len {
            break;
        }
        let next = id * 7919 % 10_007;
        text += &format!("{{\"id\": {id}, \"next\": {next}, \"tags\": [\"a\", \"b\"]}}, ");
    }
    text.truncate(len);
    text
}

fn sender(role: Role) -> SendHalf {
    let mut send = send_half(role);
    send.deflate(&PARAMS, &DeflateConfig::default().threshold(0));
    send
}

/// Removes all bytes from the queue, and returns them.
fn take_queued(send: &mut SendHalf) -> Vec<u8> {
    let mut slices = [&[][..]; 4];
    let used = send.slices(&mut slices);
    let bytes = slices[..used].concat();
    send.advance(send.queued());
    bytes
}

fn compress(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    for len in LENS {
        let text = json(len);
        let mut send = sender(Role::Server);
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("compress", len), |b| {
            b.iter(|| {
                send.message(black_box(&text))
                    .expect("the connection is open");
                take_queued(&mut send)
            });
        });
    }
    group.finish();
}

fn decompress(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    for len in LENS {
        let text = json(len);
        let mut send = sender(Role::Client);
        // A block of `len` bytes is long enough for the frame, because compression makes this text
        // shorter.
        let (mut recv, mut answers) = receiver(Role::Server, len);
        recv.inflate(&PARAMS);
        group.throughput(Throughput::Bytes(len as u64));
        // Each compressed message may refer to the messages before it. So all messages must be
        // received, and in this order.
        group.bench_function(BenchmarkId::new("decompress", len), |b| {
            let next = || {
                send.message(&text).expect("the connection is open");
                take_queued(&mut send)
            };
            b.iter_batched_ref(
                next,
                |frame| inflate(&mut recv, &mut answers, frame),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Receives one message, in as many steps as necessary. The time includes a copy of the frame into
/// the block, in place of the read.
fn inflate(recv: &mut RecvHalf, send: &mut SendHalf, frame: &[u8]) {
    recv.spare()[..frame.len()].copy_from_slice(frame);
    recv.filled(frame.len());
    loop {
        match recv.next_message(send) {
            Step::Found(()) => break,
            Step::Busy => {}
            other => panic!("expected a message, got {other:?}"),
        }
    }
    black_box(recv.message());
}

criterion_group!(benches, compress, decompress);
criterion_main!(benches);
