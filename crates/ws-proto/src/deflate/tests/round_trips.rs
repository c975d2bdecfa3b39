//! Tests that every message is unchanged by a round trip, with all options, cuts and flushes.

use alloc::vec::Vec;
use alloc::{format, vec};

use super::{
    DEFAULTS, HELLO, compress, compressor, conversation, decompress_all, decompress_in,
    decompressor, hex, noise, words,
};
use crate::deflate::compressor::{Compressor, CompressorOptions, FLUSH_LEN, max_compressed_len};
use crate::deflate::decompressor::Decompressor;
use crate::deflate::{TAIL, oracle};

/// Returns every combination of options.
fn all_options() -> impl Iterator<Item = CompressorOptions> {
    let levels = (0..=9).flat_map(|level| (1..=9).map(move |mem_level| (level, mem_level)));
    levels.flat_map(|(level, mem_level)| {
        (8..=15).flat_map(move |window_bits| {
            [true, false].map(|takeover| CompressorOptions {
                level,
                mem_level,
                takeover,
                window_bits,
            })
        })
    })
}

#[test]
fn every_form_of_the_empty_message_is_empty() {
    let mut peer = decompressor();
    assert_eq!(decompress_all(&mut peer, b"").unwrap(), b"");
    assert!(!peer.has_state());
    let several_stored = "000000ffff000000ffff00";
    for wire in ["00", "", "0200", "0300", "030000", several_stored, "", "00"] {
        assert_eq!(
            decompress_all(&mut peer, &hex(wire)).unwrap(),
            b"",
            "{wire}"
        );
    }
    assert_eq!(
        decompress_all(&mut peer, &hex("f248cdc9c90700")).unwrap(),
        HELLO
    );
    let mut own = compressor();
    assert_eq!(compress(&mut own, b""), [0]);
    assert_eq!(compress(&mut own, b""), [0]);
    assert!(!own.has_state());
}

#[test]
fn messages_round_trip_with_every_option() {
    let conversation = conversation();
    for options in all_options() {
        let mut own = Compressor::new(options);
        let mut peer = Decompressor::new(options.takeover, options.window_bits);
        let mut window = Vec::new();
        for (index, payload) in conversation.iter().enumerate() {
            let wire = compress(&mut own, payload);
            let context = format!("message {index} with {options:?}");
            assert!(wire.len() <= max_compressed_len(payload.len()), "{context}");
            assert_eq!(
                decompress_all(&mut peer, &wire).as_ref(),
                Ok(payload),
                "{context}"
            );
            let known = if options.takeover { &window[..] } else { &[] };
            let whole = [&wire[..], &TAIL].concat();
            let checked = oracle::inflate(&whole, known).expect(&context);
            assert_eq!(checked.output, *payload, "{context}");
            assert!(
                checked.max_distance <= 1 << options.window_bits,
                "{context}"
            );
            window.extend_from_slice(payload);
        }
    }
}

#[test]
fn no_distance_exceeds_a_window_of_8_bits() {
    // The payload has repetitions at many distances, below the limit and above it.
    let mut payload = Vec::new();
    for distance in (3..320).step_by(6) {
        let unit = noise(distance, distance as u32);
        payload.extend(unit.iter().cycle().take(3 * distance));
    }
    let mut greatest = 0;
    for level in 0..=9 {
        for mem_level in [1, 4, 9] {
            let mut own = Compressor::new(CompressorOptions {
                level,
                mem_level,
                takeover: true,
                window_bits: 8,
            });
            let mut window = Vec::new();
            for piece in [&payload[..], &payload[5000..], &payload[..700]] {
                let wire = [compress(&mut own, piece), TAIL.to_vec()].concat();
                let checked = oracle::inflate(&wire, &window).unwrap();
                assert_eq!(checked.output, piece);
                greatest = greatest.max(checked.max_distance);
                window.extend_from_slice(piece);
            }
        }
    }
    assert!((200..=250).contains(&greatest), "{greatest}");
}

#[test]
fn steps_of_any_length_round_trip() {
    let conversation = conversation();
    for options in all_options().filter(|options| options.mem_level % 7 == 1) {
        for step in [1, 259, 2500] {
            let mut own = Compressor::new(options);
            let mut peer = Decompressor::new(options.takeover, options.window_bits);
            for payload in &conversation {
                let mut wire = Vec::new();
                for piece in payload.chunks(step) {
                    own.push(piece, &mut wire);
                    own.push(b"", &mut wire);
                }
                own.compress(&[], &mut wire);
                assert!(wire.len() <= max_compressed_len(payload.len()));
                assert_eq!(decompress_all(&mut peer, &wire).as_ref(), Ok(payload));
            }
        }
    }
}

#[test]
fn a_flush_delivers_all_input_so_far() {
    for options in all_options().filter(|options| options.mem_level % 4 == 1) {
        let mut own = Compressor::new(options);
        let mut peer = Decompressor::new(options.takeover, options.window_bits);
        for payload in conversation() {
            let mut received = Vec::new();
            let (mut sent, mut wire_len, mut flushes) = (0, 0, 0);
            for piece in payload.chunks(331) {
                let mut wire = Vec::new();
                own.push(piece, &mut wire);
                own.flush(&mut wire);
                own.flush(&mut wire);
                sent += piece.len();
                wire_len += wire.len();
                flushes += 1;
                let progress = peer.push(&wire, &mut received, usize::MAX).unwrap();
                assert_eq!((progress.used, progress.pending), (wire.len(), false));
                assert_eq!(received, payload[..sent]);
            }
            let mut wire = Vec::new();
            own.compress(&[], &mut wire);
            wire_len += wire.len();
            assert_eq!(wire, [0]);
            assert!(wire_len <= max_compressed_len(payload.len()) + flushes * FLUSH_LEN);
            peer.push(&wire, &mut received, usize::MAX).unwrap();
            peer.end_of_message(&mut received, 1).unwrap();
            assert_eq!(received, payload);
        }
    }
}

#[test]
fn output_of_any_length_is_flushed_completely() {
    // If a step has no room for the bytes of a flush, the codec flushes once more, which costs 5
    // extra bytes.
    let mut flushed_twice = false;
    for level in [0, 1, 6] {
        let mut own = Compressor::new(CompressorOptions { level, ..DEFAULTS });
        let mut peer = decompressor();
        for len in (16_350..16_390).chain(32_730..32_770) {
            let payload = noise(len, len as u32);
            let wire = compress(&mut own, &payload);
            flushed_twice |= wire.ends_with(&[0x00, 0x00, 0x00, 0xff, 0xff, 0x00]);
            assert!(decompress_all(&mut peer, &wire).unwrap() == payload);
        }
    }
    assert!(flushed_twice);
}

#[test]
fn the_bound_holds_for_incompressible_data() {
    // These bytes take 9 bits each in a fixed block, and have no nearby repetitions.
    let worst: Vec<u8> = noise(20_000, 5)
        .iter()
        .map(|byte| 144 + byte % 112)
        .collect();
    for options in all_options().filter(|options| options.takeover) {
        let mut own = Compressor::new(options);
        for len in [1, 2, 63, 64, 65, 1000, 5000] {
            let wire = compress(&mut own, &worst[..len]);
            assert!(wire.len() <= max_compressed_len(len), "{options:?} {len}");
        }
        if options.window_bits % 3 == 0 {
            let wire = compress(&mut own, &worst);
            assert!(wire.len() <= max_compressed_len(worst.len()), "{options:?}");
        }
    }
}

#[test]
fn every_cut_and_room_decompress_to_the_same_message() {
    for options in [
        DEFAULTS,
        CompressorOptions {
            level: 1,
            ..DEFAULTS
        },
    ] {
        let payload = [words(300, 4), noise(40, 1), vec![7; 600], words(200, 4)].concat();
        let wire = compress(&mut Compressor::new(options), &payload);
        for cut in 0..=wire.len() {
            let (head, tail) = wire.split_at(cut);
            for room in [1, 17, 4096] {
                let mut peer = decompressor();
                let received = decompress_in(&mut peer, [head, tail], room);
                assert_eq!(received.as_ref(), Ok(&payload));
            }
        }
        let mut peer = decompressor();
        for _ in 0..2 {
            assert_eq!(
                decompress_in(&mut peer, wire.chunks(1), 1).as_ref(),
                Ok(&payload)
            );
        }
    }
}
