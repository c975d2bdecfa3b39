//! The operations on every byte of a payload.
//!
//! Masking: the same safe loops, for longer payloads compiled for the vectors that the processor has. The UTF-8 check:
//! a library's, and one of our own for AVX-512, which the library leaves unused; that one masks on the way, so that text
//! is read once.
//!
//! Beside one function of `text.rs` this is the only place with unsafe code: calls of functions that need a feature of
//! the processor, after looking for it, vectors read and written, and the length of a vector whose spare room was
//! written. ARM needs none of it: all processors of 64 bits have the vectors that there are.

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

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
use loops as wide;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use x86_64 as wide;

use crate::mask::MaskKey;

/// From here on wider vectors win more than it costs to look whether there are any.
const WIDE_LEN: usize = 128;

/// As [`WIDE_LEN`], for text that is checked on the way. Words would win longer for ASCII, but only by a nanosecond.
const WIDE_TEXT_LEN: usize = 32;

/// What is set in the joined bytes of a result that are not all ASCII.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Masks `payload` in place; all bytes of the result joined by OR, eight in parallel.
#[inline]
pub(crate) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    if payload.len() < WIDE_LEN {
        loops::mask(key, payload)
    } else {
        wide::mask(key, payload)
    }
}

/// Masks `payload` in place; whether the result is UTF-8.
#[inline]
pub(crate) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    if payload.len() < WIDE_TEXT_LEN {
        loops::mask_text(key, payload)
    } else {
        wide::mask_text(key, payload)
    }
}

/// Tells whether the bytes are UTF-8.
#[inline]
pub(crate) fn valid_utf8(octets: &[u8]) -> bool {
    if octets.len() < WIDE_TEXT_LEN {
        loops::valid_utf8(octets)
    } else {
        wide::valid_utf8(octets)
    }
}

/// Appends `source` to `target`, masked on the way; all bytes of the result joined by OR, eight in parallel.
#[expect(unsafe_code)]
#[inline]
pub(crate) fn append(key: MaskKey, source: &[u8], target: &mut Vec<u8>) -> u64 {
    target.reserve(source.len());
    let room = target.spare_capacity_mut();
    let seen = if source.len() < WIDE_LEN {
        loops::copy(key, source, room)
    } else {
        wide::copy(key, source, room)
    };
    let len = target.len().saturating_add(source.len());
    // SAFETY: the length is within the capacity, since there was room for `source`, and every byte up to it is
    // initialized: the copy has written the first `source.len()` bytes of the room.
    unsafe { target.set_len(len) };
    seen
}
