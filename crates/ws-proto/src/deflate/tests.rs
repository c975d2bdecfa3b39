//! Both halves of the codec, against each other and against other implementations.

use alloc::vec::Vec;
use alloc::{format, vec};

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::TAIL;
use super::compressor::{Compressor, CompressorOptions, FLUSH_LEN, max_compressed_len};
use super::decompressor::{Decompressor, InflateError};
use super::oracle;

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

/// Decompresses a message in pieces, never giving more than `room`.
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

/// The numbers that `deflate_vectors.py` draws.
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

/// Messages that take every path of a compressor at least once.
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

/// Every combination.
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
fn the_examples_of_the_rfc_come_out_octet_for_octet() {
    // RFC 7692 §7.2.3.1, §7.2.3.2, §7.2.3.6.
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
    // RFC 7692 §7.2.3.3.
    let mut stored = Compressor::new(CompressorOptions {
        level: 0,
        ..DEFAULTS
    });
    assert_eq!(compress(&mut stored, HELLO), hex("000500faff48656c6c6f00"));
}

#[test]
fn the_examples_of_the_rfc_are_understood() {
    // RFC 7692 §7.2.3.1 to §7.2.3.5, one after the other, each in any two pieces and in any room.
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
fn empty_messages_of_every_kind_are_empty() {
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
fn every_option_survives_the_way_there_and_back() {
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
fn a_window_of_8_bits_is_kept_at_every_level() {
    // Repetitions at all kinds of distances, below the limit and above.
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
fn steps_of_any_length_give_the_same_message() {
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
fn a_flush_lets_the_peer_have_everything_so_far() {
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
fn output_of_any_length_is_flushed_whole() {
    // Where the bytes of a flush find no room in a step, the codec flushes once more: 5 bytes for nothing.
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
fn the_bound_holds_for_what_compresses_worst() {
    // Bytes that take 9 bits each in a fixed block, and none twice near the other.
    let worst: Vec<u8> = noise(20_000, 5)
        .iter()
        .map(|octet| 144 + octet % 112)
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
fn every_cut_and_any_room_give_the_same_message() {
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

#[test]
fn zlib_is_understood() {
    for line in include_str!("../../tests/data/deflate_vectors.txt").lines() {
        let [name, recipes, wires] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let messages: Vec<_> = recipes.split(',').zip(wires.split(',')).collect();
        for (room, chunk) in [(1 << 30, usize::MAX), (1, 100), (1000, 1), (258, 3)] {
            let mut peer = decompressor();
            for (index, (recipe, wire)) in messages.iter().enumerate() {
                let payload = cook(recipe);
                let received = decompress_in(&mut peer, hex(wire).chunks(chunk), room);
                assert_eq!(received, Ok(payload), "message {index} of {name}");
            }
        }
    }
}

#[test]
fn the_vectors_hold_every_type_of_block() {
    let line = include_str!("../../tests/data/deflate_vectors.txt").lines();
    let mut seen = [false; 3];
    for wire in line.filter_map(|line| line.split(' ').nth(2)?.split(',').next()) {
        let whole = [&hex(wire)[..], &TAIL].concat();
        for block in oracle::inflate(&whole, &[]).unwrap().blocks {
            seen[usize::from(block)] = true;
        }
    }
    assert_eq!(seen, [true; 3]);
}

/// The payload that a recipe of the vectors describes.
fn cook(recipe: &str) -> Vec<u8> {
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
fn miniz_oxide_and_this_codec_understand_each_other() {
    let conversation = conversation();
    for level in 0..=9 {
        let mut own = Compressor::new(CompressorOptions { level, ..DEFAULTS });
        let mut wire = Vec::new();
        let mut peer = decompressor();
        for payload in &conversation {
            wire.extend(compress(&mut own, payload));
            wire.extend(TAIL);
            // It ends its stream with BFINAL: RFC 7692 §7.2.3.4.
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

#[test]
fn the_window_outlives_a_final_block() {
    // The second message refers to the first across the end of a stream; so does the rest of a message.
    let wires = [
        "f248cdc9c90700",
        "0300",
        "f200110000",
        "0300f30011000300f200110000",
    ];
    let mut peer = decompressor();
    let received = wires.map(|wire| decompress_all(&mut peer, &hex(wire)).unwrap());
    assert_eq!(received, [HELLO, b"", HELLO, b"HelloHello"]);
    // Without takeover only inside a message.
    let mut peer = Decompressor::new(false, 15);
    let wire = hex("f348cdc9c90700f200110000");
    assert_eq!(decompress_all(&mut peer, &wire).unwrap(), b"HelloHello");
    let mut out = Vec::new();
    let refused = peer.push(&hex("f200110000"), &mut out, 100);
    assert_eq!(refused, Err(InflateError::Malformed));
}

#[test]
fn without_takeover_no_message_refers_to_another() {
    let options = CompressorOptions {
        takeover: false,
        ..DEFAULTS
    };
    let mut own = Compressor::new(options);
    let payload = words(2000, 9);
    let first = compress(&mut own, &payload);
    for _ in 0..3 {
        assert_eq!(compress(&mut own, &payload), first);
        drop(own.take_state());
        assert!(!own.has_state());
    }
    let mut peer = Decompressor::new(false, 15);
    for _ in 0..3 {
        assert_eq!(decompress_all(&mut peer, &first).as_ref(), Ok(&payload));
        let state = peer.take_state().unwrap();
        assert!(!peer.has_state());
        assert!(peer.put_state(state).is_none());
        peer = Decompressor::new(false, 9);
        assert_eq!(
            peer.push(&hex("f200110000"), &mut Vec::new(), 100),
            Err(InflateError::Malformed)
        );
        peer = Decompressor::new(false, 15);
    }
}

#[test]
fn memory_that_changes_hands_carries_nothing_over() {
    for level in 0..=9 {
        let options = CompressorOptions {
            level,
            takeover: false,
            ..DEFAULTS
        };
        let payload = words(5000, 9);
        let fresh = compress(&mut Compressor::new(options), &payload);
        let mut used = Compressor::new(options);
        compress(&mut used, &[noise(100_000, 3), payload.clone()].concat());
        let mut next = Compressor::new(options);
        assert!(next.put_state(used.take_state().unwrap()).is_none());
        assert!(!used.has_state() && next.has_state());
        assert_eq!(compress(&mut next, &payload), fresh);
        let mut other = Compressor::new(CompressorOptions {
            window_bits: 9,
            ..options
        });
        assert!(other.put_state(next.take_state().unwrap()).is_some());
        assert!(!other.has_state());
    }
}

#[test]
fn memory_stays_where_it_is_needed() {
    let mut own = compressor();
    let mut out = Vec::new();
    own.push(HELLO, &mut out);
    assert!(own.take_state().is_none());
    own.compress(&[], &mut out);
    assert!(own.take_state().is_some());
    for takeover in [true, false] {
        let mut peer = Decompressor::new(takeover, 15);
        peer.push(&hex("f248"), &mut Vec::new(), 100).unwrap();
        assert!(peer.take_state().is_none());
        decompress_all(&mut peer, &hex("cdc9c90700")).unwrap();
        assert_eq!(peer.take_state().is_some(), !takeover);
    }
}

#[test]
fn a_message_compressed_elsewhere_is_followed_by_a_reset() {
    let mut own = compressor();
    let mut peer = decompressor();
    let prepared = compress(&mut compressor(), &noise(40_000, 1));
    for payload in [words(5000, 1), words(5000, 1), b"".to_vec(), words(80, 1)] {
        let wire = compress(&mut own, &payload);
        assert_eq!(decompress_all(&mut peer, &wire).unwrap(), payload);
        assert_eq!(decompress_all(&mut peer, &prepared).unwrap().len(), 40_000);
        own.reset();
    }
}

#[test]
fn malformed_octets_are_refused() {
    let cases = [
        ("07", "block type 3"),
        (
            "000500faf048656c6c6f00",
            "wrong complement of a stored length",
        ),
        ("f200110000", "a distance before the beginning"),
        ("ffffffffffffffff", "noise"),
        ("04e0932449922449922449", "an over-subscribed code"),
        ("f348cdc9c90700ff", "noise behind a final block"),
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
fn output_before_a_fault_is_given() {
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
            // A cut between two blocks may leave a whole message.
            let expected = match oracle::inflate(&[&wire[..cut], &TAIL].concat(), &[]) {
                Some(whole) if payload.starts_with(&whole.output) => Ok(whole.output),
                _ => Err(InflateError::Unfinished),
            };
            assert!(received == expected, "{cut} at level {level}");
        }
    }
    // A stored block that lacks as many bytes as the tail has.
    let stored = hex("000500faff48");
    assert_eq!(
        decompress_all(&mut decompressor(), &stored),
        Err(InflateError::Unfinished)
    );
    // Whole blocks, and the empty one at the end missing altogether.
    let whole = hex("f24805000000ffff");
    assert_eq!(
        decompress_all(&mut decompressor(), &whole),
        Err(InflateError::Unfinished)
    );
}

#[test]
fn random_octets_never_do_harm() {
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

#[test]
fn a_bomb_of_1_gib_takes_the_room_and_no_more() {
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
    assert!(out.iter().all(|&octet| octet == 0));
}

#[test]
fn empty_blocks_without_an_end_take_nothing() {
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
fn output_grows_with_what_was_produced() {
    let payload = words(1 << 20, 1);
    let wire = compress(&mut compressor(), &payload);
    let mut peer = decompressor();
    let mut out = Vec::new();
    for piece in wire.chunks(100) {
        peer.push(piece, &mut out, usize::MAX).unwrap();
        assert!(out.capacity() <= 2 * out.len() + 4096);
    }
    assert!(out == payload);
    // A limit is also the end of the memory.
    let mut out = Vec::new();
    let room = 300_001;
    let progress = decompressor().push(&wire, &mut out, room).unwrap();
    assert_eq!(
        (progress.pending, out.len(), out.capacity()),
        (true, room, room)
    );
}

#[test]
fn halves_may_change_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Compressor>();
    check::<Decompressor>();
}

#[test]
fn memory_is_allocated_at_first_use_and_as_documented() {
    let measure = |run: &dyn Fn()| allocation_counter::measure(run).bytes_total;
    assert_eq!(measure(&|| drop((compressor(), decompressor()))), 0);
    let documented = [
        (9, [134, 140, 245]),
        (12, [148, 154, 259]),
        (15, [260, 266, 371]),
    ];
    for (window_bits, row) in documented {
        for (mem_level, kib) in [1, 4, 8].into_iter().zip(row) {
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
