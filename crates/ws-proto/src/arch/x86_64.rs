//! The loops for AVX2 and AVX-512, where the processor has them. Without, x86-64 has SSE2.

use core::mem::MaybeUninit;

use super::{avx512, loops};
use crate::mask::MaskKey;

/// Whether to use AVX-512. Processors have these parts of it since Ice Lake and Zen 4, and those before become slower
/// by its use.
#[inline]
fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512vbmi")
}

#[inline]
fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
}

/// Payloads from here on are worth a beginning of their own, so that no vector lies in two cache lines: a fifth less
/// time in the caches, and more beyond them. Copies gain nothing, since only one side of them can be so.
const ALIGNED_LEN: usize = 4096;

/// Bytes of a cache line.
const LINE_LEN: usize = 64;

/// As [`loops::mask`].
pub(super) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    let head_len = head_len(payload);
    if head_len == 0 {
        return widest_mask(key, payload);
    }
    let (head, body) = payload.split_at_mut(head_len);
    loops::mask(key, head) | widest_mask(key.after(head_len), body)
}

/// Bytes before the first whole cache line, if the payload is worth it.
#[inline]
pub(super) fn head_len(payload: &[u8]) -> usize {
    if payload.len() < ALIGNED_LEN {
        return 0;
    }
    payload.as_ptr().align_offset(LINE_LEN).min(LINE_LEN)
}

#[expect(unsafe_code)]
fn widest_mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F.
        unsafe { mask_avx512(key, payload) }
    } else if has_avx2() {
        // SAFETY: the processor has AVX2.
        unsafe { mask_avx2(key, payload) }
    } else {
        loops::mask(key, payload)
    }
}

/// As [`loops::mask_text`].
#[expect(unsafe_code)]
#[inline]
pub(super) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F, BW and VBMI.
        unsafe { avx512::mask_text(key, payload) }
    } else {
        loops::mask_text(key, payload)
    }
}

/// As [`loops::valid_utf8`].
#[expect(unsafe_code)]
pub(super) fn valid_utf8(octets: &[u8]) -> bool {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F, BW and VBMI.
        unsafe { avx512::valid_utf8(octets) }
    } else {
        loops::valid_utf8(octets)
    }
}

/// As [`loops::copy`].
#[expect(unsafe_code)]
pub(super) fn copy(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F.
        unsafe { copy_avx512(key, source, target) }
    } else if has_avx2() {
        // SAFETY: the processor has AVX2.
        unsafe { copy_avx2(key, source, target) }
    } else {
        loops::copy(key, source, target)
    }
}

#[target_feature(enable = "avx512f")]
fn mask_avx512(key: MaskKey, payload: &mut [u8]) -> u64 {
    loops::mask(key, payload)
}

#[target_feature(enable = "avx2")]
fn mask_avx2(key: MaskKey, payload: &mut [u8]) -> u64 {
    loops::mask(key, payload)
}

#[target_feature(enable = "avx512f")]
fn copy_avx512(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    loops::copy(key, source, target)
}

#[target_feature(enable = "avx2")]
fn copy_avx2(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    loops::copy(key, source, target)
}

/// What one processor feature gives, for tests.
#[cfg(test)]
pub(super) struct Kernels {
    pub(super) mask: fn(MaskKey, &mut [u8]) -> u64,
    pub(super) copy: fn(MaskKey, &[u8], &mut [MaybeUninit<u8>]) -> u64,
}

/// The kernels by their features, `None` where the processor lacks those.
#[cfg(test)]
#[expect(unsafe_code)]
pub(super) fn kernels() -> [(&'static str, Option<Kernels>); 2] {
    let avx2 = has_avx2().then_some(Kernels {
        // SAFETY: the processor has AVX2, or nobody gets this.
        mask: |key, payload| unsafe { mask_avx2(key, payload) },
        // SAFETY: the processor has AVX2, or nobody gets this.
        copy: |key, source, target| unsafe { copy_avx2(key, source, target) },
    });
    let avx512 = has_avx512().then_some(Kernels {
        // SAFETY: the processor has AVX-512F, or nobody gets this.
        mask: |key, payload| unsafe { mask_avx512(key, payload) },
        // SAFETY: the processor has AVX-512F, or nobody gets this.
        copy: |key, source, target| unsafe { copy_avx512(key, source, target) },
    });
    [("AVX2", avx2), ("AVX-512", avx512)]
}

/// The kernels for text, which need AVX-512.
#[cfg(test)]
pub(super) struct TextKernels {
    pub(super) mask_text: fn(MaskKey, &mut [u8]) -> bool,
    pub(super) valid_utf8: fn(&[u8]) -> bool,
}

#[cfg(test)]
#[expect(unsafe_code)]
pub(super) fn text_kernels() -> Option<TextKernels> {
    has_avx512().then_some(TextKernels {
        // SAFETY: the processor has AVX-512F, BW and VBMI, or nobody gets this.
        mask_text: |key, payload| unsafe { avx512::mask_text(key, payload) },
        // SAFETY: the processor has AVX-512F, BW and VBMI, or nobody gets this.
        valid_utf8: |octets| unsafe { avx512::valid_utf8(octets) },
    })
}
