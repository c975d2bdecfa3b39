//! The loops, in safe code. Compilers turn those over many words into vector instructions, as wide as the function that
//! they are inlined into may use. The UTF-8 check is that of libraries.
//!
//! The last word overlaps the one before. It is made from what is there first, so that the octets in both get the same
//! value twice, and no length needs a loop over single octets but those below eight.

use core::mem::MaybeUninit;

use crate::mask::MaskKey;

/// Text from here on is worth the set-up of the library's vector code.
const VECTOR_TEXT_LEN: usize = 64;

/// Masks `payload` in place; all octets of the result joined by OR, eight in parallel.
#[inline(always)]
pub(super) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    let Some(last) = payload.last_chunk() else {
        return mask_octets(key, payload);
    };
    let last = xor(last, key.after(payload.len()).word());
    let seen = if payload.len() < super::WIDE_LEN {
        mask_few(key.word(), payload)
    } else {
        mask_many(key.word(), payload)
    };
    if let Some(octets) = payload.last_chunk_mut() {
        *octets = last.to_ne_bytes();
    }
    seen | last
}

/// Masks `payload` in place; whether the result is UTF-8.
#[inline]
pub(super) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    super::mask(key, payload) & super::NOT_ASCII == 0 || valid_utf8(payload)
}

/// Whether the octets are UTF-8.
#[inline]
pub(super) fn valid_utf8(octets: &[u8]) -> bool {
    if octets.len() < VECTOR_TEXT_LEN {
        core::str::from_utf8(octets).is_ok()
    } else {
        simdutf8::basic::from_utf8(octets).is_ok()
    }
}

/// Word by word: for few of them, vectors are not worth their set-up.
#[inline(always)]
fn mask_few(key: u64, mut payload: &mut [u8]) -> u64 {
    let mut seen = 0;
    while let Some((octets, rest)) = payload.split_first_chunk_mut() {
        let word = xor(octets, key);
        *octets = word.to_ne_bytes();
        seen |= word;
        payload = rest;
    }
    seen
}

#[inline(always)]
fn mask_many(key: u64, payload: &mut [u8]) -> u64 {
    let mut seen = 0;
    for octets in payload.as_chunks_mut().0 {
        let word = xor(octets, key);
        *octets = word.to_ne_bytes();
        seen |= word;
    }
    seen
}

/// Up to seven octets.
#[inline(always)]
fn mask_octets(key: MaskKey, payload: &mut [u8]) -> u64 {
    let mut seen = 0;
    for (octet, key) in payload.iter_mut().zip(key.word().to_ne_bytes()) {
        *octet ^= key;
        seen |= *octet;
    }
    seen.into()
}

/// Writes `source`, masked, to the beginning of `target`, which is no shorter; all octets of the result joined by OR,
/// eight in parallel.
#[inline(always)]
pub(super) fn copy(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    let (target, _) = target.split_at_mut(source.len());
    let (Some(last), Some(_)) = (source.last_chunk(), target.last_chunk::<8>()) else {
        return copy_octets(key, source, target);
    };
    let last = xor(last, key.after(source.len()).word());
    let seen = if source.len() < super::WIDE_LEN {
        copy_few(key.word(), source, target)
    } else {
        copy_many(key.word(), source, target)
    };
    if let Some(octets) = target.last_chunk_mut() {
        *octets = initialized(last);
    }
    seen | last
}

#[inline(always)]
fn copy_few(key: u64, mut source: &[u8], mut target: &mut [MaybeUninit<u8>]) -> u64 {
    let mut seen = 0;
    while let (Some((from, source_rest)), Some((to, target_rest))) =
        (source.split_first_chunk(), target.split_first_chunk_mut())
    {
        let word = xor(from, key);
        *to = initialized(word);
        seen |= word;
        (source, target) = (source_rest, target_rest);
    }
    seen
}

#[inline(always)]
fn copy_many(key: u64, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    let mut seen = 0;
    let targets = target.as_chunks_mut().0;
    for (from, to) in source.as_chunks().0.iter().zip(targets) {
        let word = xor(from, key);
        *to = initialized(word);
        seen |= word;
    }
    seen
}

/// Up to seven octets.
#[inline(always)]
fn copy_octets(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    let mut seen = 0;
    for ((from, to), key) in source.iter().zip(target).zip(key.word().to_ne_bytes()) {
        seen |= *to.write(from ^ key);
    }
    seen.into()
}

#[inline(always)]
fn xor(octets: &[u8; 8], key: u64) -> u64 {
    u64::from_ne_bytes(*octets) ^ key
}

#[inline(always)]
fn initialized(word: u64) -> [MaybeUninit<u8>; 8] {
    word.to_ne_bytes().map(MaybeUninit::new)
}
