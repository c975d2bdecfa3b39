//! The operations on every byte of a payload: masking and the UTF-8 check.
//!
//! Masking uses the same safe loops everywhere. For longer payloads they are compiled for the
//! vectors of the processor. The UTF-8 check is that of a library, except with AVX-512, which the
//! library does not use. The check for AVX-512 in this module unmasks at the same time, so that
//! text is read only once.
//!
//! Except for one function in `text.rs`, this is the only module with unsafe code. It calls
//! functions that need a processor feature, after detecting that feature. It reads and writes
//! vectors. It sets the length of a `Vec` whose spare capacity was written. ARM needs none of this:
//! all 64-bit ARM processors have the same vectors.

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

/// The length in bytes from which wider vectors save more than their detection costs.
const WIDE_LEN: usize = 128;

/// The same as [`WIDE_LEN`] for text, which is also validated. For ASCII, words would be faster up
/// to a greater length, but only by a nanosecond.
const WIDE_TEXT_LEN: usize = 32;

/// The bits of the joined bytes that are set if a byte is not ASCII.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Masks `payload` in place. Returns all bytes of the result joined by OR, in eight lanes.
#[inline]
pub(crate) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    if payload.len() < WIDE_LEN {
        loops::mask(key, payload)
    } else {
        wide::mask(key, payload)
    }
}

/// Masks `payload` in place. Returns `true` if the result is UTF-8.
#[inline]
pub(crate) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    if payload.len() < WIDE_TEXT_LEN {
        loops::mask_text(key, payload)
    } else {
        wide::mask_text(key, payload)
    }
}

/// Returns `true` if the bytes are UTF-8.
#[inline]
pub(crate) fn valid_utf8(bytes: &[u8]) -> bool {
    if bytes.len() < WIDE_TEXT_LEN {
        loops::valid_utf8(bytes)
    } else {
        wide::valid_utf8(bytes)
    }
}

/// Masks `source` and appends it to `target`. Returns all bytes of the result joined by OR, in
/// eight lanes.
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
    // SAFETY: the length is within the capacity, because room for `source` was reserved. Every byte
    // up to it is initialized: the copy has written the first `source.len()` bytes of the room.
    unsafe { target.set_len(len) };
    seen
}
