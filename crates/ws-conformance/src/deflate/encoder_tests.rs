//! Tests of the encoder: another decoder inflates its output, and all references stay in the
//! window.

use super::*;
use crate::deflate::{Inflater, TAIL};

fn messages() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut noise = |len: usize| -> Vec<u8> { (0..len).map(|_| random.u8(..)).collect() };
    let (few, much) = (noise(700), noise(70_000));
    let text = "Wer immer strebend sich bemüht, ".repeat(300).into_bytes();
    let mut mixed = noise(20_000);
    mixed.iter_mut().for_each(|byte| *byte &= 0x13);
    let again = [&few[..], &much[..40_000], &few].concat();
    let zeros = vec![0; 100_000];
    vec![
        Vec::new(),
        b"a".to_vec(),
        b"ab".to_vec(),
        b"abc".to_vec(),
        few,
        text,
        mixed,
        much,
        again,
        zeros,
        b"abcabcabcabc".to_vec(),
    ]
}

fn codings() -> impl Iterator<Item = Coding> {
    (8..=15).flat_map(|window_bits| {
        [true, false].map(|context_takeover| Coding {
            window_bits,
            context_takeover,
        })
    })
}

#[test]
fn every_window_comes_back() {
    for coding in codings() {
        let (mut encoder, mut inflater) = (Encoder::new(coding), Inflater::new(coding));
        for message in messages() {
            let compressed = encoder.compress(&message);
            let mut out = Vec::new();
            inflater.begin();
            inflater.push(&compressed, &mut out, usize::MAX).unwrap();
            let beyond = inflater.end(&mut out, usize::MAX).unwrap();
            assert_eq!((out == message, beyond), (true, None), "{coding:?}");
        }
    }
}

/// Without takeover, each message is a stream of its own, which the plain decoder of the library
/// reads.
#[test]
fn a_message_without_context_is_a_stream_of_its_own() {
    let mut encoder = Encoder::new(Coding {
        window_bits: 12,
        context_takeover: false,
    });
    for message in messages() {
        // An empty final block completes the stream.
        let stream = [&*encoder.compress(&message), &TAIL, b"\x03\x00"].concat();
        let inflated = miniz_oxide::inflate::decompress_to_vec(&stream);
        assert!(inflated.is_ok_and(|inflated| inflated == message));
    }
}

#[test]
fn what_repeats_becomes_short_where_the_window_reaches() {
    let period = 3000;
    let message: Vec<u8> = messages()[7][..period].repeat(10);
    let len = |window_bits| {
        let coding = Coding {
            window_bits,
            context_takeover: true,
        };
        Encoder::new(coding).compress(&message).len()
    };
    assert!(len(12) < period + 500, "{}", len(12));
    assert!(len(11) > 9 * period, "{}", len(11));
}

#[test]
fn old_bytes_are_dropped() {
    let coding = Coding {
        window_bits: 15,
        context_takeover: true,
    };
    let mut encoder = Encoder::new(coding);
    let message = &messages()[7];
    let lens: Vec<_> = (0..30).map(|_| encoder.compress(message).len()).collect();
    assert!(encoder.bytes.capacity() < 2 * (KEPT + message.len()));
    assert!(
        lens.iter().all(|&len| len > 60_000),
        "too far back to repeat"
    );
}
