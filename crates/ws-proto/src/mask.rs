//! Masking (RFC 6455 §5.3).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::arch::{self, NOT_ASCII};

/// A masking key.
///
/// Keys are not secret from the peer, but must be unpredictable to whoever chooses the payload (RFC 6455 §10.3), so
/// `Debug` does not print them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(octets: [u8; 4]) -> Self {
        Self(octets)
    }

    /// The bytes in the order of the wire.
    pub const fn octets(self) -> [u8; 4] {
        self.0
    }

    /// The key for what follows `len` bytes of payload: the same bytes, beginning elsewhere.
    #[must_use]
    pub const fn after(self, len: usize) -> Self {
        let octets = (len % 4) as u32;
        Self(
            u32::from_le_bytes(self.0)
                .rotate_right(octets.wrapping_mul(8))
                .to_le_bytes(),
        )
    }

    /// Masks or unmasks `payload` in place: the transformation is its own inverse.
    #[inline]
    pub fn apply(self, payload: &mut [u8]) {
        arch::mask(self, payload);
    }

    /// As [`apply`](Self::apply); whether the result is UTF-8.
    #[inline]
    pub(crate) fn apply_text(self, payload: &mut [u8]) -> bool {
        arch::mask_text(self, payload)
    }

    /// Appends `source` to `target`, masked or unmasked on the way, which costs about as much as to copy it.
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

    /// As [`append_masked`](Self::append_masked); whether all bytes of the result are ASCII.
    #[inline]
    pub(crate) fn append_masked_ascii(self, source: &[u8], target: &mut Vec<u8>) -> bool {
        arch::append(self, source, target) & NOT_ASCII == 0
    }

    /// The key for eight bytes.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        // By halves, which are equal in either byte order: compilers take eight bytes together one by one.
        let half = u32::from_ne_bytes(self.0) as u64;
        (half << 32) | half
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(..)")
    }
}

/// Where a client's masking keys come from.
///
/// The core has no entropy of its own. RFC 6455 §10.3 wants each key from a strong source, so that a peer that chooses
/// the payload cannot choose the bytes on the wire; an implementation should draw on the operating system.
pub trait MaskSource: Send + Sync {
    /// A fresh key for the next frame.
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
    fn a_key_carried_over_a_cut_gives_the_same_octets() {
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
