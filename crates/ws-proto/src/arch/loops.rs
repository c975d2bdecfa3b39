//! The loops over the bytes of a payload, in safe code. They work on words of eight bytes. Each
//! loop is inlined into its caller. The compiler turns a loop over many words into vector
//! instructions, as wide as those that the caller may use. The UTF-8 check is that of `core` for
//! short texts and of `simdutf8` for longer ones.
//!
//! The last word overlaps the word before it. The result of the last word is computed from the
//! unchanged input, before the loop. A byte in both words therefore gets the same value twice. So
//! no payload of eight or more bytes needs a loop over single bytes.

use core::mem::MaybeUninit;

use crate::mask::MaskKey;

/// The length in bytes from which the vector code of the library saves more than its set-up costs.
const VECTOR_TEXT_LEN: usize = 64;

/// Masks `payload` in place. Returns the OR of all bytes of the result: see [`super::mask`].
#[inline(always)]
pub(super) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    let Some(last) = payload.last_chunk() else {
        let mut seen = 0;
        for (byte, key) in payload.iter_mut().zip(key.word().to_ne_bytes()) {
            *byte ^= key;
            seen |= *byte;
        }
        return seen.into();
    };
    let last = xor(last, key.after(payload.len()).word());
    let seen = if payload.len() < super::WIDE_LEN {
        mask_few(key.word(), payload)
    } else {
        let words = payload.as_chunks_mut().0.iter_mut();
        words.fold(0, |seen, word| seen | mask_word(key.word(), word))
    };
    if let Some(bytes) = payload.last_chunk_mut() {
        *bytes = last.to_ne_bytes();
    }
    seen | last
}

/// Masks `payload` in place. Returns `true` if the result is UTF-8.
#[inline]
pub(super) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    super::mask(key, payload) & super::NOT_ASCII == 0 || valid_utf8(payload)
}

/// Returns `true` if the bytes are UTF-8.
#[inline]
pub(super) fn valid_utf8(bytes: &[u8]) -> bool {
    if bytes.len() < VECTOR_TEXT_LEN {
        core::str::from_utf8(bytes).is_ok()
    } else {
        simdutf8::basic::from_utf8(bytes).is_ok()
    }
}

/// Masks a payload of 16 to 32 bytes without a loop: its first and its last two words. Returns the
/// OR of all bytes of the result: see [`super::mask`].
#[inline(always)]
pub(super) fn mask_two_pairs(key: MaskKey, payload: &mut [u8]) -> Option<u64> {
    if payload.len() > 32 {
        return None;
    }
    let first = xor_pair(payload.first_chunk()?, key);
    let last = xor_pair(payload.last_chunk()?, key.after(payload.len()));
    *payload.first_chunk_mut()? = first.to_ne_bytes();
    *payload.last_chunk_mut()? = last.to_ne_bytes();
    Some(or_words(first | last))
}

/// Masks a source of 16 to 32 bytes and writes it to the start of `target`, without a loop: see
/// [`mask_two_pairs`]. Returns `None` for every other source, and for a target that is shorter.
#[inline(always)]
pub(super) fn copy_two_pairs(
    key: MaskKey,
    source: &[u8],
    target: &mut [MaybeUninit<u8>],
) -> Option<u64> {
    if source.len() > 32 {
        return None;
    }
    let target = target.get_mut(..source.len())?;
    let first = xor_pair(source.first_chunk()?, key);
    let last = xor_pair(source.last_chunk()?, key.after(source.len()));
    *target.first_chunk_mut()? = initialized_pair(first);
    *target.last_chunk_mut()? = initialized_pair(last);
    Some(or_words(first | last))
}

/// Returns the OR of all bytes of 16 to 32 bytes, in the eight bytes of a word.
#[inline(always)]
pub(super) fn or_two_pairs(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 32 {
        return None;
    }
    let first = u128::from_ne_bytes(*bytes.first_chunk()?);
    let last = u128::from_ne_bytes(*bytes.last_chunk()?);
    Some(or_words(first | last))
}

#[inline(always)]
fn or_words(pair: u128) -> u64 {
    pair as u64 | (pair >> 64) as u64
}

#[inline(always)]
fn xor_pair(bytes: &[u8; 16], key: MaskKey) -> u128 {
    let word = u128::from(key.word());
    u128::from_ne_bytes(*bytes) ^ (word << 64 | word)
}

/// Masks word by word. For few words, the set-up of vectors would cost more than they save.
#[inline(always)]
fn mask_few(key: u64, mut payload: &mut [u8]) -> u64 {
    let mut seen = 0;
    while let Some((word, rest)) = payload.split_first_chunk_mut() {
        seen |= mask_word(key, word);
        payload = rest;
    }
    seen
}

#[inline(always)]
fn mask_word(key: u64, bytes: &mut [u8; 8]) -> u64 {
    let word = xor(bytes, key);
    *bytes = word.to_ne_bytes();
    word
}

/// Masks `source` and writes it to the start of `target`, which must be at least as long. Returns
/// the OR of all bytes of the result: see [`super::mask`].
#[inline(always)]
pub(super) fn copy(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    let (target, _) = target.split_at_mut(source.len());
    let (Some(last), Some(_)) = (source.last_chunk(), target.last_chunk::<8>()) else {
        let mut seen = 0;
        for ((from, to), key) in source.iter().zip(target).zip(key.word().to_ne_bytes()) {
            seen |= *to.write(from ^ key);
        }
        return seen.into();
    };
    let last = xor(last, key.after(source.len()).word());
    let seen = if source.len() < super::WIDE_LEN {
        copy_few(key.word(), source, target)
    } else {
        let words = source.as_chunks().0.iter().zip(target.as_chunks_mut().0);
        words.fold(0, |seen, (from, to)| seen | copy_word(key.word(), from, to))
    };
    if let Some(bytes) = target.last_chunk_mut() {
        *bytes = initialized(last);
    }
    seen | last
}

/// Masks and copies word by word: see [`mask_few`].
#[inline(always)]
fn copy_few(key: u64, mut source: &[u8], mut target: &mut [MaybeUninit<u8>]) -> u64 {
    let mut seen = 0;
    while let (Some((from, source_rest)), Some((to, target_rest))) =
        (source.split_first_chunk(), target.split_first_chunk_mut())
    {
        seen |= copy_word(key, from, to);
        (source, target) = (source_rest, target_rest);
    }
    seen
}

#[inline(always)]
fn copy_word(key: u64, from: &[u8; 8], to: &mut [MaybeUninit<u8>; 8]) -> u64 {
    let word = xor(from, key);
    *to = initialized(word);
    word
}

#[inline(always)]
fn xor(bytes: &[u8; 8], key: u64) -> u64 {
    u64::from_ne_bytes(*bytes) ^ key
}

#[inline(always)]
fn initialized(word: u64) -> [MaybeUninit<u8>; 8] {
    word.to_ne_bytes().map(MaybeUninit::new)
}

#[inline(always)]
fn initialized_pair(pair: u128) -> [MaybeUninit<u8>; 16] {
    pair.to_ne_bytes().map(MaybeUninit::new)
}
