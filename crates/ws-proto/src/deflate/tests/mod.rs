//! Tests of both halves of the codec, with each other and with other implementations.

mod faults;
mod memory;
mod others;
mod round_trips;
mod takeover;

use alloc::vec;
use alloc::vec::Vec;

use super::compressor::{Compressor, CompressorOptions};
use super::decompressor::{Decompressor, InflateError};

const HELLO: &[u8] = b"Hello";
const DEFAULTS: CompressorOptions = CompressorOptions {
    level: 6,
    mem_level: 8,
    takeover: true,
    window_bits: 15,
};

fn compressor() -> Compressor {
    Compressor::new(DEFAULTS)
}

fn decompressor() -> Decompressor {
    Decompressor::new(true, 15)
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |index| u8::from_str_radix(&text[index..index + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn compress(compressor: &mut Compressor, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compressor.compress(payload, &mut out);
    out
}

/// Decompresses a message piece by piece. Asserts that each call produces at most `room` bytes, and
/// exactly `room` bytes if more output is pending.
fn decompress_in<'a>(
    decompressor: &mut Decompressor,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    room: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    for mut piece in pieces {
        loop {
            let before = out.len();
            let progress = decompressor.push(piece, &mut out, room)?;
            assert!(out.len() <= before + room);
            piece = &piece[progress.used..];
            if !progress.pending {
                assert!(piece.is_empty());
                break;
            }
            assert_eq!(out.len(), before + room);
        }
    }
    loop {
        let before = out.len();
        let pending = decompressor.end_of_message(&mut out, room)?.pending;
        assert!(out.len() <= before + room);
        if !pending {
            return Ok(out);
        }
    }
}

fn decompress_all(decompressor: &mut Decompressor, wire: &[u8]) -> Result<Vec<u8>, InflateError> {
    decompress_in(decompressor, [wire], 1 << 30)
}

/// Returns the pseudo-random bytes that `deflate_vectors.py` also uses.
fn numbers(seed: u32) -> impl Iterator<Item = u8> {
    let next = |&seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    core::iter::successors(Some(seed), next)
        .skip(1)
        .map(|number| (number >> 24) as u8)
}

fn noise(len: usize, seed: u32) -> Vec<u8> {
    numbers(seed).take(len).collect()
}

fn words(len: usize, seed: u32) -> Vec<u8> {
    const WORDS: [&str; 10] = [
        "alpha ",
        "beta ",
        "gamma ",
        "{\"id\":",
        "\"value\":",
        "12345",
        "},",
        "κόσμε ",
        "\n",
        "zz",
    ];
    let word = |number: u8| WORDS[usize::from(number) % WORDS.len()].bytes();
    numbers(seed).flat_map(word).take(len).collect()
}

/// Returns messages that take every path of a compressor at least once.
fn conversation() -> Vec<Vec<u8>> {
    vec![
        words(700, 1),
        b"".to_vec(),
        noise(300, 2),
        words(3000, 1),
        vec![0; 2000],
        b"x".to_vec(),
        [noise(600, 2), words(1200, 3)].concat(),
        words(700, 1),
    ]
}
