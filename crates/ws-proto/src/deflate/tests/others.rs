//! Tests with the examples of the RFC and with other implementations, in both directions.

use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::{
    DEFAULTS, HELLO, compress, compressor, conversation, decompress_all, decompress_in,
    decompressor, hex, noise, words,
};
use crate::deflate::compressor::{Compressor, CompressorOptions};
use crate::deflate::{TAIL, oracle};

#[test]
fn the_examples_of_the_rfc_are_reproduced_exactly() {
    // The examples of RFC 7692 §7.2.3.1, §7.2.3.2 and §7.2.3.6.
    let mut takeover = compressor();
    assert_eq!(compress(&mut takeover, HELLO), hex("f248cdc9c90700"));
    assert_eq!(compress(&mut takeover, HELLO), hex("f200110000"));
    assert_eq!(compress(&mut takeover, b""), hex("00"));
    let mut fresh = Compressor::new(CompressorOptions {
        takeover: false,
        ..DEFAULTS
    });
    assert_eq!(compress(&mut fresh, HELLO), hex("f248cdc9c90700"));
    assert_eq!(compress(&mut fresh, HELLO), hex("f248cdc9c90700"));
    assert_eq!(compress(&mut fresh, b""), hex("00"));
    // The example of RFC 7692 §7.2.3.3.
    let mut stored = Compressor::new(CompressorOptions {
        level: 0,
        ..DEFAULTS
    });
    assert_eq!(compress(&mut stored, HELLO), hex("000500faff48656c6c6f00"));
}

#[test]
fn the_examples_of_the_rfc_are_decompressed() {
    // The examples of RFC 7692 §7.2.3.1 to §7.2.3.5, one after the other. Each is split in two at
    // every position, and decompressed with several amounts of room.
    let examples = [
        "f248cdc9c90700",
        "f200110000",
        "000500faff48656c6c6f00",
        "f348cdc9c9070000",
        "f24805000000ffffcac9c90700",
        "f200110000",
    ];
    for room in [1, 2, 3, 5, 6, 100] {
        for cut in 0..13 {
            let mut peer = decompressor();
            for example in examples.map(hex) {
                let (head, tail) = example.split_at(cut.min(example.len()));
                assert_eq!(decompress_in(&mut peer, [head, tail], room).unwrap(), HELLO);
                assert_eq!(decompress_in(&mut peer, [&[0][..]], room).unwrap(), b"");
            }
        }
    }
}

#[test]
fn the_output_of_zlib_is_decompressed() {
    for line in include_str!("../../../tests/data/deflate_vectors.txt").lines() {
        let [name, recipes, wires] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let messages: Vec<_> = recipes.split(',').zip(wires.split(',')).collect();
        for (room, chunk) in [(1 << 30, usize::MAX), (1, 100), (1000, 1), (258, 3)] {
            let mut peer = decompressor();
            for (index, (recipe, wire)) in messages.iter().enumerate() {
                let payload = payload_of(recipe);
                let received = decompress_in(&mut peer, hex(wire).chunks(chunk), room);
                assert_eq!(received, Ok(payload), "message {index} of {name}");
            }
        }
    }
}

#[test]
fn the_vectors_contain_every_block_type() {
    let line = include_str!("../../../tests/data/deflate_vectors.txt").lines();
    let mut seen = [false; 3];
    for wire in line.filter_map(|line| line.split(' ').nth(2)?.split(',').next()) {
        let whole = [&hex(wire)[..], &TAIL].concat();
        for block in oracle::inflate(&whole, &[]).unwrap().blocks {
            seen[usize::from(block)] = true;
        }
    }
    assert_eq!(seen, [true; 3]);
}

/// Creates the payload that a recipe of the vectors describes.
fn payload_of(recipe: &str) -> Vec<u8> {
    let [recipe, len, seed] = recipe.split(':').collect::<Vec<_>>()[..] else {
        panic!("{recipe}");
    };
    let (len, seed) = (len.parse().unwrap(), seed.parse().unwrap());
    match recipe {
        "zeros" => vec![0; len],
        "noise" => noise(len, seed),
        "words" => words(len, seed),
        _ => panic!("{recipe}"),
    }
}

#[test]
fn miniz_oxide_and_this_codec_interoperate() {
    let conversation = conversation();
    for level in 0..=9 {
        let mut own = Compressor::new(CompressorOptions { level, ..DEFAULTS });
        let mut wire = Vec::new();
        let mut peer = decompressor();
        for payload in &conversation {
            wire.extend(compress(&mut own, payload));
            wire.extend(TAIL);
            // The last block has BFINAL set, so a zero byte is appended (RFC 7692 §7.2.3.4).
            let mut theirs = miniz_oxide::deflate::compress_to_vec(payload, level);
            theirs.push(0);
            assert_eq!(decompress_all(&mut peer, &theirs).as_ref(), Ok(payload));
        }
        let all = conversation.concat();
        let mut output = vec![0; all.len() + 1];
        let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT
            | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut theirs = DecompressorOxide::new();
        let (status, used, produced) = decompress(&mut theirs, &wire, &mut output, 0, flags);
        assert_eq!((status, used), (TINFLStatus::NeedsMoreInput, wire.len()));
        assert!(output[..produced] == all);
    }
}
