//! Benchmarks of the operations that process every byte: masking, copying and the UTF-8 check. Each
//! operation is compared with a `memcpy` of the same length.

#![forbid(unsafe_code)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ws_benches::{Content, Payload, encoded, receive, receiver};
use ws_proto::{MaskKey, Role, Text};

const LENS: [usize; 6] = [0, 20, 125, 1 << 10, 64 << 10, 16 << 20];

const KEY: MaskKey = MaskKey::new([0x37, 0xfa, 0x21, 0x3d]);

/// Times `run` with `len` bytes at an unaligned address. Payloads usually begin at such an address.
fn case(c: &mut Criterion, group: &str, name: &str, len: usize, mut run: impl FnMut(&mut [u8])) {
    let mut bytes = vec![0x5a; len + 6];
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Bytes(len as u64));
    group.bench_function(BenchmarkId::new(name, len), |b| {
        b.iter(|| run(black_box(&mut bytes[6..])));
    });
    group.finish();
}

fn memcpy(c: &mut Criterion, group: &str, len: usize) {
    let mut target = Vec::with_capacity(len + 14);
    case(c, group, "memcpy", len, |source| {
        target.clear();
        target.extend_from_slice(source);
        black_box(&mut target);
    });
}

fn mask(c: &mut Criterion) {
    for len in LENS {
        memcpy(c, "mask", len);
        case(c, "mask", "in-place", len, |payload| {
            black_box(KEY).apply(payload);
        });
        let mut target = Vec::with_capacity(len + 14);
        case(c, "mask", "copy", len, |payload| {
            target.clear();
            black_box(KEY).append_masked(payload, &mut target);
            black_box(&mut target);
        });
    }
}

/// Receives whole frames with [`ws_proto::RecvHalf`]. Text is unmasked and checked. Binary data is
/// only unmasked. The time includes a copy of the frame into the block, in place of the read.
fn text(c: &mut Criterion) {
    for len in LENS {
        memcpy(c, "receive", len);
        for content in [Content::Binary, Content::Ascii, Content::NonAscii] {
            let payload = Payload::new(content, len);
            let frame = encoded(Role::Client, payload.message(), 1);
            let (mut recv, mut send) = receiver(Role::Server, frame.len());
            case(c, "receive", content.name(), len, |_| {
                assert_eq!(receive(&mut recv, &mut send, black_box(&frame)), 1);
            });
        }
    }
}

/// A text of ASCII with one two-byte character, like a text in a Western language.
const MOSTLY_ASCII: &str =
    "All the letters of this text but one have a place in ASCII, as is common in Québec. ";

fn mostly_ascii(len: usize) -> String {
    let mut text = MOSTLY_ASCII.repeat(len / MOSTLY_ASCII.len());
    text.extend(std::iter::repeat_n(' ', len - text.len()));
    text
}

/// Compares the UTF-8 check of this library with that of the standard library.
fn utf8(c: &mut Criterion) {
    for len in LENS {
        memcpy(c, "utf8", len);
        let mut texts = vec![("text-mostly-ascii", mostly_ascii(len))];
        for content in [Content::Ascii, Content::NonAscii] {
            if let Payload::Text(text) = Payload::new(content, len) {
                texts.push((content.name(), text));
            }
        }
        for (name, text) in texts {
            let bytes = Bytes::from(text);
            case(c, "utf8", name, len, |_| {
                assert!(Text::try_from(black_box(bytes.clone())).is_ok());
            });
            case(c, "utf8-std", name, len, |_| {
                assert!(str::from_utf8(black_box(&bytes)).is_ok());
            });
        }
    }
}

criterion_group!(benches, mask, text, utf8);
criterion_main!(benches);
