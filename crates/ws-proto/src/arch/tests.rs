//! Tests of every loop against the definition of masking, byte by byte.

mod utf8;

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use super::*;

/// The length of the test buffers. The longest payload fits at the highest offset, followed by
/// bytes that must not change.
const ROOM: usize = 4400;

/// The value of the bytes around the payload.
const AROUND: u8 = 0xee;

#[repr(align(64))]
struct Aligned<T>([T; ROOM]);

/// Returns the offsets of all alignments. Under Miri, which is slow, returns only some of them.
fn offsets() -> impl Iterator<Item = usize> {
    (0..64).step_by(if cfg!(miri) { 27 } else { 1 })
}

fn lens() -> Vec<usize> {
    if cfg!(miri) {
        return alloc::vec![
            0, 1, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33, 127, 128, 131, 136
        ];
    }
    let long = [511, 1024, 4095, 4096, 4097, 4111, 4223, 4300];
    (0..=300).chain(long).collect()
}

/// Masks the bytes according to RFC 6455 §5.3.
fn definition(key: MaskKey, source: &[u8]) -> Vec<u8> {
    let key = key.to_bytes().into_iter().cycle();
    source.iter().zip(key).map(|(a, b)| a ^ b).collect()
}

/// Calls `check` for every rotation of the key and every length. The arguments are the key, the
/// bytes, and the masked bytes.
fn each_case(mut check: impl FnMut(MaskKey, &[u8], &[u8])) {
    let source: Vec<u8> = (0..ROOM).map(|i| (i * 37 + i / 251) as u8).collect();
    for phase in 0..4 {
        let key = MaskKey::new([0x12, 0x9a, 0xf7, 0x01]).after(phase);
        for len in lens() {
            check(key, &source[..len], &definition(key, &source[..len]));
        }
    }
}

fn check_mask(name: &str, mask: impl Fn(MaskKey, &mut [u8]) -> u64) {
    let mut bytes = Aligned([AROUND; ROOM]);
    each_case(|key, source, expected| {
        for offset in offsets() {
            let place = offset..offset + source.len();
            bytes.0[place.clone()].copy_from_slice(source);
            let seen = mask(key, &mut bytes.0[place.clone()]);
            let what = (name, source.len(), offset, key.to_bytes());
            assert_eq!(bytes.0[place.clone()], *expected, "{what:?}");
            assert_eq!(seen & NOT_ASCII == 0, expected.is_ascii(), "{what:?}");
            bytes.0[place].fill(AROUND);
        }
    });
    assert_eq!(
        bytes.0, [AROUND; ROOM],
        "{name} changed bytes outside the payload"
    );
}

#[expect(unsafe_code)]
fn check_copy(name: &str, copy: impl Fn(MaskKey, &[u8], &mut [MaybeUninit<u8>]) -> u64) {
    let mut from = Aligned([0; ROOM]);
    let mut to = Aligned([MaybeUninit::new(AROUND); ROOM]);
    each_case(|key, source, expected| {
        for offset in offsets() {
            // The source has every alignment once, in another order than the target.
            let from = &mut from.0[offset * 37 % 64..][..source.len()];
            from.copy_from_slice(source);
            let seen = copy(key, from, &mut to.0[offset..]);
            let what = (name, source.len(), offset, key.to_bytes());
            let place = offset..offset + source.len();
            for (byte, expected) in to.0[place.clone()].iter().zip(expected) {
                // SAFETY: the byte was initialized when `to` was created.
                assert_eq!(unsafe { byte.assume_init() }, *expected, "{what:?}");
            }
            assert_eq!(seen & NOT_ASCII == 0, expected.is_ascii(), "{what:?}");
            to.0[place].fill(MaybeUninit::new(AROUND));
        }
    });
    for byte in to.0 {
        // SAFETY: the byte was initialized when `to` was created.
        assert_eq!(unsafe { byte.assume_init() }, AROUND, "{name}");
    }
}

#[test]
fn loops_agree_with_the_definition_at_every_length_alignment_and_phase() {
    check_mask("mask", mask);
    check_mask("the loops", loops::mask);
    check_copy("the loops", loops::copy);
    check_copy("two pairs", |key, source, target| {
        let pairs = loops::copy_two_pairs(key, source, target);
        assert_eq!(pairs.is_some(), (16..=32).contains(&source.len()));
        pairs.unwrap_or_else(|| loops::copy(key, source, target))
    });
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[test]
fn kernels_agree_with_the_definition_at_every_length_alignment_and_phase() {
    for (name, kernels) in x86_64::kernels() {
        let Some(kernels) = kernels else {
            std::println!("skipped: this processor has no {name}");
            continue;
        };
        check_mask(name, kernels.mask);
        check_copy(name, kernels.copy);
    }
}

#[test]
fn append_works_with_and_without_spare_capacity() {
    each_case(|key, source, expected| {
        for room in [0, source.len() + 3] {
            let mut target = Vec::with_capacity(room);
            target.extend_from_slice(b"abc");
            append(key, source, &mut target);
            assert_eq!(target[..3], *b"abc");
            assert_eq!(target[3..], *expected);
        }
    });
}

#[test]
fn a_single_non_ascii_byte_is_detected_at_every_position() {
    let key = MaskKey::new([0x92, 0x1a, 0xf7, 0x81]);
    for len in lens().into_iter().filter(|len| *len <= 300) {
        let text = definition(key, &alloc::vec![b'a'; len]);
        let mut copy = Vec::new();
        assert_eq!(append(key, &text, &mut copy) & NOT_ASCII, 0);
        assert_eq!(mask(key, &mut text.clone()) & NOT_ASCII, 0);
        for at in 0..len {
            let mut one = text.clone();
            one[at] ^= 0x80;
            copy.clear();
            assert_ne!(append(key, &one, &mut copy) & NOT_ASCII, 0, "{at} of {len}");
            assert_ne!(mask(key, &mut one) & NOT_ASCII, 0, "{at} of {len}");
        }
    }
}
