//! The operations on every byte of a payload: masking and the UTF-8 check.
//!
//! Masking uses the same safe loops on all processors. On x86-64, the loops are also compiled for
//! AVX2 and AVX-512, and longer payloads use these versions. The UTF-8 check comes from libraries.
//! They do not use AVX-512, so this module has its own check for it. That check unmasks at the same
//! time, so that text is read only once.
//!
//! Except for one function in `text.rs`, this is the only module with unsafe code. The unsafe code
//! calls functions that need a processor feature, after detecting that feature. It reads and writes
//! vectors. It sets the length of a `Vec` after its spare capacity was written. On ARM, only the
//! last of these is used, because all 64-bit ARM processors have the same vectors.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx512;
mod loops;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod tables;
#[cfg(test)]
mod tests;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86_64;

use alloc::vec::Vec;
use core::mem::MaybeUninit;

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
use loops as wide;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use x86_64 as wide;

use crate::mask::MaskKey;

/// The length in bytes from which wider vectors save more than their detection costs.
const WIDE_LEN: usize = 128;

/// The same limit for text, which is also validated. For ASCII, the code for machine words
/// ([`loops`]) is faster up to a greater length, but only by a nanosecond.
const WIDE_TEXT_LEN: usize = 32;

/// The highest bit of each of the eight bytes in a word. In a byte that is not ASCII, this bit is
/// set.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Masks `payload` in place. Returns the OR of all bytes of the result, in the eight bytes of a
/// word. The result is ASCII if this word has no bit of [`NOT_ASCII`].
#[inline]
pub(crate) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    if payload.len() < WIDE_LEN {
        loops::mask(key, payload)
    } else {
        wide::mask(key, payload)
    }
}

/// Masks `payload` in place. Returns `true` if the result is UTF-8.
#[inline(always)]
pub(crate) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    match loops::mask_two_pairs(key, payload) {
        Some(seen) => seen & NOT_ASCII == 0 || valid_utf8_in_loops(payload),
        None => mask_text_in_loops(key, payload),
    }
}

/// Does the same as [`mask_text`]. A function of its own, so that the registers that it needs cost
/// short texts nothing.
#[inline(never)]
fn mask_text_in_loops(key: MaskKey, payload: &mut [u8]) -> bool {
    if payload.len() < WIDE_TEXT_LEN {
        loops::mask_text(key, payload)
    } else {
        wide::mask_text(key, payload)
    }
}

/// Returns `true` if the bytes are UTF-8. Not inlined, because it would take registers from the
/// path of masked texts.
#[inline(never)]
pub(crate) fn valid_utf8(bytes: &[u8]) -> bool {
    loops::or_two_pairs(bytes).is_some_and(|seen| seen & NOT_ASCII == 0)
        || valid_utf8_in_loops(bytes)
}

/// Does the same as [`valid_utf8`].
#[inline(never)]
fn valid_utf8_in_loops(bytes: &[u8]) -> bool {
    if bytes.len() < WIDE_TEXT_LEN {
        loops::valid_utf8(bytes)
    } else {
        wide::valid_utf8(bytes)
    }
}

/// Masks `source` and appends it to `target`. Returns the same word as [`mask`].
#[expect(unsafe_code)]
#[inline]
pub(crate) fn append(key: MaskKey, source: &[u8], target: &mut Vec<u8>) -> u64 {
    target.reserve(source.len());
    let room = target.spare_capacity_mut();
    let seen = match loops::copy_two_pairs(key, source, room) {
        Some(seen) => seen,
        None => copy(key, source, room),
    };
    let len = target.len().saturating_add(source.len());
    // SAFETY: the length is within the capacity, because room for `source` was reserved. Every byte
    // up to the new length is initialized: the copy has written the first `source.len()` bytes of
    // the room.
    unsafe { target.set_len(len) };
    seen
}

/// Masks `source` and writes it to the start of `target`, which must be at least as long. Returns
/// the same word as [`mask`]. A function of its own, so that the registers that it needs cost short
/// payloads nothing.
#[inline(never)]
fn copy(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    if source.len() < WIDE_LEN {
        loops::copy(key, source, target)
    } else {
        wide::copy(key, source, target)
    }
}
