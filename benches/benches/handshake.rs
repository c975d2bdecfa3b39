//! Benchmarks of the opening handshake (RFC 6455 §4), separately for the client and the server.

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ws_benches::handshake::{accept, client, request};

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("handshake");
    let request = request();
    group.bench_function("server", |b| b.iter(|| accept(black_box(&request))));
    let answer = accept(&request);
    group.bench_function("client", |b| b.iter(|| client(black_box(&answer))));
    group.finish();
}

criterion_group!(benches, handshake);
criterion_main!(benches);
