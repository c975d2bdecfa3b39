//! Benchmarks of effects of the processor that depend on addresses, each as a pair or a series of
//! the same work: reading what was just stored, addresses that are equal modulo 4 KiB, and the size
//! of the memory in use.

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_proto::MaskKey;

const KEY: MaskKey = MaskKey::new([0x37, 0xfa, 0x21, 0x3d]);

/// The messages of one read.
const MESSAGES: usize = 64;

/// The length of a client's frame header in front of a short payload.
const HEADER: usize = 6;

/// Copies payloads that were unmasked in place: at once, so that each copy loads bytes whose stores
/// are still under way, or after all were unmasked. `one pass` unmasks while it copies.
fn store_forwarding(c: &mut Criterion) {
    let mut group = c.benchmark_group("store-forwarding");
    for len in [20, 125, 1 << 10] {
        let frame = HEADER + len;
        let mut block = vec![0x5a; MESSAGES * frame];
        let mut output = Vec::with_capacity(block.len());
        group.throughput(Throughput::Elements(MESSAGES as u64));
        group.bench_function(BenchmarkId::new("at once", len), |b| {
            b.iter(|| {
                output.clear();
                for payload in black_box(&mut block).chunks_exact_mut(frame) {
                    let payload = &mut payload[HEADER..];
                    black_box(KEY).apply(payload);
                    output.extend_from_slice(payload);
                }
                black_box(&mut output);
            });
        });
        group.bench_function(BenchmarkId::new("later", len), |b| {
            b.iter(|| {
                output.clear();
                for payload in black_box(&mut block).chunks_exact_mut(frame) {
                    black_box(KEY).apply(&mut payload[HEADER..]);
                }
                for payload in black_box(&mut block).chunks_exact_mut(frame) {
                    output.extend_from_slice(&payload[HEADER..]);
                }
                black_box(&mut output);
            });
        });
        group.bench_function(BenchmarkId::new("one pass", len), |b| {
            b.iter(|| {
                output.clear();
                for payload in black_box(&mut block).chunks_exact_mut(frame) {
                    black_box(KEY).append_masked(&payload[HEADER..], &mut output);
                }
                black_box(&mut output);
            });
        });
    }
    group.finish();
}

/// Copies a payload to an address that is `distance` bytes above it, modulo 4 KiB. The processor
/// compares only the lower 12 bits of a load with earlier stores.
fn aliasing(c: &mut Criterion) {
    const PAGE: usize = 4096;
    let mut group = c.benchmark_group("aliasing");
    for len in [1 << 10, 16 << 10] {
        let mut memory = vec![0x5a; 2 * (len + 2 * PAGE)];
        let middle = memory.len() / 2;
        let (from, to) = memory.split_at_mut(middle);
        group.throughput(Throughput::Bytes(len as u64));
        for distance in [2048, 0, 32, 64, 256] {
            let gap = to.as_ptr().addr() - from.as_ptr().addr();
            let start = (PAGE + distance - gap % PAGE) % PAGE;
            group.bench_function(BenchmarkId::new(format!("{distance} apart"), len), |b| {
                b.iter(|| {
                    let target = &mut black_box(&mut *to)[start..start + len];
                    target.copy_from_slice(&black_box(&*from)[..len]);
                });
            });
        }
    }
    group.finish();
}

/// Unmasks 1 KiB at a time into one output, from blocks that together have this size. This is the
/// memory of a server with many connections, each of which is read in turn.
fn working_set(c: &mut Criterion) {
    const BLOCK: usize = 1 << 10;
    let mut group = c.benchmark_group("working-set");
    group.throughput(Throughput::Bytes(BLOCK as u64));
    for kib in [8, 16, 32, 64, 256, 512, 1 << 10, 2 << 10, 4 << 10, 64 << 10] {
        let blocks = vec![[0x5a_u8; BLOCK]; kib];
        let mut output = Vec::with_capacity(2 * BLOCK);
        // An odd step visits every block once, in an order that the processor cannot prefetch.
        let step = kib / 3 * 2 + 1;
        let mut next = 0;
        group.bench_function(BenchmarkId::new("unmask 1 KiB of KiB", kib), |b| {
            b.iter(|| {
                next = (next + step) % kib;
                output.clear();
                black_box(KEY).append_masked(&blocks[next], &mut output);
                black_box(&mut output);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, store_forwarding, aliasing, working_set);
criterion_main!(benches);
