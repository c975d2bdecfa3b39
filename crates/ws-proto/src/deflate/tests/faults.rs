//! Tests that bytes are refused if they do not form a compressed message.

use alloc::vec::Vec;

use super::{DEFAULTS, compress, decompress_all, decompress_in, decompressor, hex, noise, words};
use crate::deflate::compressor::{Compressor, CompressorOptions};
use crate::deflate::decompressor::InflateError;
use crate::deflate::{TAIL, oracle};

#[test]
fn malformed_bytes_are_refused() {
    let cases = [
        ("07", "block type 3"),
        (
            "000500faf048656c6c6f00",
            "wrong complement of a stored length",
        ),
        ("f200110000", "a distance before the beginning"),
        ("ffffffffffffffff", "noise"),
        ("04e0932449922449922449", "an over-subscribed code"),
        ("f348cdc9c90700ff", "noise after a final block"),
        ("1a030000", "a reserved length"),
    ];
    for (wire, what) in cases {
        let wire = hex(wire);
        for chunk in 1..=wire.len() {
            let mut peer = decompressor();
            let refused = decompress_in(&mut peer, wire.chunks(chunk), 1);
            assert_eq!(refused, Err(InflateError::Malformed), "{what}");
            assert!(decompress_all(&mut peer, b"\0").is_err());
        }
    }
}

#[test]
fn output_before_an_error_is_returned() {
    let wire = hex("f248cdc9c907000000ffff07");
    let mut out = b"before ".to_vec();
    let mut peer = decompressor();
    let refused = peer.push(&wire, &mut out, 100);
    assert_eq!(
        (refused, &out[..]),
        (Err(InflateError::Malformed), &b"before Hello"[..])
    );
}

#[test]
fn a_message_that_ends_inside_a_block_is_refused() {
    let payload = [words(900, 3), noise(900, 3)].concat();
    for level in [0, 1, 6, 9] {
        let mut own = Compressor::new(CompressorOptions { level, ..DEFAULTS });
        let wire = compress(&mut own, &payload);
        for cut in 1..wire.len() {
            let received = decompress_all(&mut decompressor(), &wire[..cut]);
            // The bytes before a cut can be a complete message if the cut is between two blocks.
            let expected = match oracle::inflate(&[&wire[..cut], &TAIL].concat(), &[]) {
                Some(whole) if payload.starts_with(&whole.output) => Ok(whole.output),
                _ => Err(InflateError::Unfinished),
            };
            assert!(received == expected, "{cut} at level {level}");
        }
    }
    // A stored block that lacks exactly as many bytes as the tail has.
    let stored = hex("000500faff48");
    assert_eq!(
        decompress_all(&mut decompressor(), &stored),
        Err(InflateError::Unfinished)
    );
    // Complete blocks without the empty block at the end.
    let whole = hex("f24805000000ffff");
    assert_eq!(
        decompress_all(&mut decompressor(), &whole),
        Err(InflateError::Unfinished)
    );
}

#[test]
fn random_bytes_never_panic_and_agree_with_the_oracle() {
    for seed in 0..20_000 {
        let mut peer = decompressor();
        let mut out = Vec::new();
        let wire = noise(40, seed);
        for piece in wire.chunks(9) {
            let mut piece = piece;
            while let Ok(progress) = peer.push(piece, &mut out, 300) {
                piece = &piece[progress.used..];
                if !progress.pending {
                    break;
                }
            }
        }
        if let (Ok(_), Some(oracle)) = (
            peer.end_of_message(&mut out, 300),
            oracle::inflate(&[&wire[..], &TAIL].concat(), &[]),
        ) {
            assert!(out == oracle.output, "{seed}");
        }
    }
}
