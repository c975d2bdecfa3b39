//! Tests of the allocated memory, and of use by several threads.

use alloc::vec;
use alloc::vec::Vec;

use super::{DEFAULTS, compress, compressor, decompress_all, decompressor, hex, noise, words};
use crate::deflate::compressor::{Compressor, CompressorOptions};
use crate::deflate::decompressor::Decompressor;

#[test]
fn a_bomb_of_1_gib_takes_no_more_than_the_room() {
    let mut own = compressor();
    let mut peer = decompressor();
    let zeros = vec![0; 1 << 20];
    let mut wire = Vec::new();
    own.push(&zeros, &mut wire);
    own.flush(&mut wire);
    assert!(wire.len() < 1100);
    let mut out = Vec::new();
    let mut total = 0;
    for _ in 0..1024 {
        let mut rest = &wire[..];
        loop {
            out.clear();
            let progress = peer.push(rest, &mut out, 64 * 1024).unwrap();
            total += out.len();
            rest = &rest[progress.used..];
            if !progress.pending {
                break;
            }
        }
        assert!(out.capacity() <= 64 * 1024);
    }
    assert_eq!(total, 1 << 30);
    assert!(out.iter().all(|&byte| byte == 0));
}

#[test]
fn endless_empty_blocks_take_no_memory() {
    let stored = hex("000000ffff").repeat(10_000);
    let last = hex("0300").repeat(10_000);
    for wire in [stored, last] {
        let mut peer = decompressor();
        let mut out = Vec::new();
        decompress_all(&mut peer, &compress(&mut compressor(), &noise(40_000, 1))).unwrap();
        for _ in 0..10 {
            let progress = peer.push(&wire, &mut out, 1).unwrap();
            assert_eq!((progress.used, progress.pending), (wire.len(), false));
        }
        assert!(out.capacity() <= 512);
        peer.push(&[0], &mut out, 1).unwrap();
        assert!(!peer.end_of_message(&mut out, 1).unwrap().pending);
    }
}

#[test]
fn the_output_buffer_grows_with_the_output() {
    let payload = words(1 << 20, 1);
    let wire = compress(&mut compressor(), &payload);
    let mut peer = decompressor();
    let mut out = Vec::new();
    for piece in wire.chunks(100) {
        peer.push(piece, &mut out, usize::MAX).unwrap();
        assert!(out.capacity() <= 2 * out.len() + 4096);
    }
    assert!(out == payload);
    // The memory is also bounded by the given room.
    let mut out = Vec::new();
    let room = 300_001;
    let progress = decompressor().push(&wire, &mut out, room).unwrap();
    assert_eq!(
        (progress.pending, out.len(), out.capacity()),
        (true, room, room)
    );
}

#[test]
fn halves_can_move_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Compressor>();
    check::<Decompressor>();
}

#[test]
fn memory_is_allocated_at_first_use_and_as_documented() {
    let measure = |run: &dyn Fn()| allocation_counter::measure(run).bytes_total;
    assert_eq!(measure(&|| drop((compressor(), decompressor()))), 0);
    let documented = [
        (9, [134, 140, 161, 245]),
        (12, [148, 154, 175, 259]),
        (13, [164, 170, 191, 275]),
        (15, [260, 266, 287, 371]),
    ];
    for (window_bits, row) in documented {
        for (mem_level, kib) in [1, 4, 6, 8].into_iter().zip(row) {
            let options = CompressorOptions {
                mem_level,
                window_bits,
                ..DEFAULTS
            };
            let bytes = measure(&|| {
                let mut out = Vec::with_capacity(64);
                Compressor::new(options).compress(b"x", &mut out);
            });
            assert_eq!((bytes - 64) / 1024, kib, "{options:?}");
        }
    }
    let bytes = measure(&|| {
        let _ = decompressor().push(&[0], &mut Vec::new(), 1);
    });
    assert_eq!((bytes - 1) / 1024, 46);
}
