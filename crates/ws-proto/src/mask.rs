//! Masking (RFC 6455 §5.3).

use alloc::boxed::Box;
use core::fmt;

/// Octets from here on are worth the set-up of vector instructions.
const VECTOR_LEN: usize = 64;

/// A masking key.
///
/// Keys are not secret from the peer, but must be unpredictable to whoever chooses the payload (RFC 6455 §10.3), so
/// `Debug` does not print them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key with these octets.
    #[must_use]
    pub const fn new(octets: [u8; 4]) -> Self {
        MaskKey(octets)
    }

    /// The octets in the order of the wire.
    #[must_use]
    pub const fn octets(self) -> [u8; 4] {
        self.0
    }

    /// The key for what follows `len` octets of payload: the same octets, beginning elsewhere.
    #[must_use]
    pub const fn after(self, len: usize) -> Self {
        let octets = (len % 4) as u32;
        MaskKey(
            u32::from_le_bytes(self.0)
                .rotate_right(octets.wrapping_mul(8))
                .to_le_bytes(),
        )
    }

    /// Masks or unmasks `payload` in place: the transformation is its own inverse.
    #[inline]
    pub fn apply(self, payload: &mut [u8]) {
        self.apply_seeing(payload);
    }

    /// As [`apply`](Self::apply); whether all octets of the result are ASCII.
    #[inline]
    pub(crate) fn apply_ascii(self, payload: &mut [u8]) -> bool {
        self.apply_seeing(payload) & 0x8080_8080_8080_8080 == 0
    }

    /// As [`apply`](Self::apply); all octets of the result joined by OR, eight in parallel.
    ///
    /// Works on words; compilers turn the loop for many of them into vector instructions. The last word overlaps the one before: it is
    /// read first, so that the octets in both get the same value twice.
    #[inline]
    fn apply_seeing(self, payload: &mut [u8]) -> u64 {
        let Some(last) = payload.last_chunk() else {
            return self.apply_short(payload);
        };
        let last = u64::from_ne_bytes(*last) ^ self.after(payload.len()).word();
        let word = self.word();
        let mut seen = last;
        if payload.len() < VECTOR_LEN {
            let mut rest = &mut *payload;
            while let Some((octets, next)) = rest.split_first_chunk_mut() {
                seen |= unmask(octets, word);
                rest = next;
            }
        } else {
            for octets in payload.as_chunks_mut().0 {
                seen |= unmask(octets, word);
            }
        }
        if let Some(octets) = payload.last_chunk_mut() {
            *octets = last.to_ne_bytes();
        }
        seen
    }

    /// Up to seven octets.
    #[inline]
    fn apply_short(self, payload: &mut [u8]) -> u64 {
        let mut seen = 0;
        for (octet, key) in payload.iter_mut().zip(self.word().to_ne_bytes()) {
            *octet ^= key;
            seen |= *octet;
        }
        seen.into()
    }

    /// The key for eight octets.
    #[inline]
    const fn word(self) -> u64 {
        let [a, b, c, d] = self.0;
        u64::from_ne_bytes([a, b, c, d, a, b, c, d])
    }
}

#[inline]
fn unmask(octets: &mut [u8; 8], word: u64) -> u64 {
    let result = u64::from_ne_bytes(*octets) ^ word;
    *octets = result.to_ne_bytes();
    result
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(..)")
    }
}

/// Where a client's masking keys come from.
///
/// The core has no entropy of its own. RFC 6455 §10.3 wants each key from a strong source, so that a peer that chooses
/// the payload cannot choose the octets on the wire; an implementation should draw on the operating system.
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

    /// RFC 6455 §5.3, octet by octet.
    fn oracle(payload: &mut [u8], key: [u8; 4]) {
        for (i, octet) in payload.iter_mut().enumerate() {
            *octet ^= key[i % 4];
        }
    }

    #[test]
    fn masking_agrees_with_the_definition_at_every_length_offset_and_phase() {
        let source: [u8; 160] = core::array::from_fn(|i| (i * 37 + 11) as u8);
        let key = MaskKey::new([0x12, 0x9a, 0xf7, 0x01]);
        for offset in 0..16 {
            for len in 0..=128 {
                for phase in 0..4 {
                    let mut ours = source;
                    let mut theirs = source;
                    let key = key.after(phase);
                    key.apply(&mut ours[offset..offset + len]);
                    oracle(&mut theirs[offset..offset + len], key.octets());
                    assert_eq!(ours, theirs, "offset {offset}, length {len}, phase {phase}");
                    let ascii = key.apply_ascii(&mut ours[offset..offset + len]);
                    oracle(&mut theirs[offset..offset + len], key.octets());
                    assert_eq!(ours, theirs, "offset {offset}, length {len}, phase {phase}");
                    assert_eq!(ascii, theirs[offset..offset + len].is_ascii());
                }
            }
        }
    }

    #[test]
    fn one_octet_that_is_not_ascii_is_seen_wherever_it_is() {
        let key = MaskKey::new([0x92, 0x1a, 0xf7, 0x81]);
        for len in 0..=128 {
            let mut masked = [b'a'; 128];
            key.apply(&mut masked[..len]);
            let mut all = masked;
            assert!(key.apply_ascii(&mut all[..len]), "{len}");
            for at in 0..len {
                let mut one = masked;
                one[at] ^= 0x80;
                assert!(!key.apply_ascii(&mut one[..len]), "{at} of {len}");
            }
        }
    }

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
