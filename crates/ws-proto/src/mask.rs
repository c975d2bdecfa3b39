//! Masking (RFC 6455 §5.3).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::arch::{self, NOT_ASCII};

/// A masking key.
///
/// Keys are not secret from the peer, but the party that chooses the payload must not be able to
/// predict them (RFC 6455 §10.3). Therefore `Debug` does not print them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// Creates the key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the key in wire order.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Returns the key for the payload after the first `len` bytes: the same bytes, rotated.
    #[must_use]
    pub const fn after(self, len: usize) -> Self {
        let bytes = (len % 4) as u32;
        Self(
            u32::from_le_bytes(self.0)
                .rotate_right(bytes.wrapping_mul(8))
                .to_le_bytes(),
        )
    }

    /// Masks or unmasks `payload` in place. The transformation is its own inverse.
    #[inline]
    pub fn apply(self, payload: &mut [u8]) {
        arch::mask(self, payload);
    }

    /// Masks or unmasks `payload` in place. Returns `true` if the result is UTF-8.
    #[inline]
    pub(crate) fn apply_text(self, payload: &mut [u8]) -> bool {
        arch::mask_text(self, payload)
    }

    /// Masks or unmasks `source` and appends the result to `target`. This costs about as much as a
    /// copy alone.
    ///
    /// ```
    /// let key = ws_proto::MaskKey::new([0x37, 0xfa, 0x21, 0x3d]);
    /// let mut frame = b"\x81\x85\x37\xfa\x21\x3d".to_vec();
    /// key.append_masked(b"Hello", &mut frame);
    /// assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    /// ```
    #[inline]
    pub fn append_masked(self, source: &[u8], target: &mut Vec<u8>) {
        arch::append(self, source, target);
    }

    /// Does the same as [`append_masked`](Self::append_masked). Returns `true` if the result is
    /// ASCII.
    #[inline]
    pub(crate) fn append_masked_ascii(self, source: &[u8], target: &mut Vec<u8>) -> bool {
        arch::append(self, source, target) & NOT_ASCII == 0
    }

    /// Returns the key repeated to eight bytes.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        // This joins two halves of four bytes. From an array of eight bytes, compilers would
        // assemble the word byte by byte. The halves are equal, so the byte order does not matter.
        let half = u32::from_ne_bytes(self.0) as u64;
        (half << 32) | half
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(..)")
    }
}

/// The source of a client's masking keys.
///
/// This crate has no source of randomness. RFC 6455 §10.3 requires each key to come from a strong
/// source of randomness. Otherwise a party that chooses the payload could also choose the bytes on
/// the wire. An implementation should use the random source of the operating system.
pub trait MaskSource: Send + Sync {
    /// Returns a fresh key for the next frame.
    fn next_key(&mut self) -> MaskKey;
}

impl<M: MaskSource + ?Sized> MaskSource for Box<M> {
    fn next_key(&mut self) -> MaskKey {
        (**self).next_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_after_a_cut_gives_the_same_bytes() {
        let source: [u8; 61] = core::array::from_fn(|i| i as u8);
        let key = MaskKey::new([1, 2, 4, 8]);
        let mut whole = source;
        key.apply(&mut whole);
        for cut in 0..=source.len() {
            let mut parts = source;
            let (head, tail) = parts.split_at_mut(cut);
            key.apply(head);
            key.after(cut).apply(tail);
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }
}
