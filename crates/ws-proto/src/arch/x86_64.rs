//! The loops, compiled for AVX2 and for AVX-512. A processor with neither uses the loops as
//! compiled for SSE2, which every x86-64 processor has.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

use super::{NOT_ASCII, avx512, loops};
use crate::mask::MaskKey;

/// The widest vectors that this processor has, or 0 before it was asked.
///
/// The macro of the standard library keeps the answer, too, but its slow path takes registers from
/// every function that it is inlined into.
static WIDEST: AtomicU8 = AtomicU8::new(0);

const SSE2: u8 = 1;
const AVX2: u8 = 2;
/// All parts of AVX-512 that this crate uses. Processors have them since Ice Lake and Zen 4.
/// Earlier processors with AVX-512 become slower when they use it.
const AVX512: u8 = 3;

#[inline(always)]
fn widest() -> u8 {
    match WIDEST.load(Ordering::Relaxed) {
        0 => detect(),
        widest => widest,
    }
}

#[cold]
#[inline(never)]
fn detect() -> u8 {
    let has_avx2 = std::is_x86_feature_detected!("avx2");
    let has_avx512 = std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512vbmi");
    let widest = match (has_avx2, has_avx512) {
        (true, true) => AVX512,
        (true, false) => AVX2,
        (false, _) => SSE2,
    };
    WIDEST.store(widest, Ordering::Relaxed);
    widest
}

#[inline(always)]
fn has_avx512() -> bool {
    widest() == AVX512
}

#[cfg(test)]
fn has_avx2() -> bool {
    widest() >= AVX2
}

/// The length in bytes from which the loop starts at a cache line, so that no vector spans two
/// lines. This saves a fifth of the time for a payload in the caches, and more for a payload in
/// main memory. Copies gain nothing, because only one of source and target can be aligned.
const ALIGNED_LEN: usize = 4096;

/// The length of a cache line in bytes.
const LINE_LEN: usize = 64;

/// Does the same as [`loops::mask`].
pub(super) fn mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    let head_len = head_len(payload);
    if head_len == 0 {
        return widest_mask(key, payload);
    }
    mask_from_line(key, payload, head_len)
}

/// Does the same as [`mask`] for a payload whose first whole cache line begins after `head_len`
/// bytes. A function of its own, so that the registers that it needs cost other payloads nothing.
#[inline(never)]
fn mask_from_line(key: MaskKey, payload: &mut [u8], head_len: usize) -> u64 {
    let (head, body) = payload.split_at_mut(head_len);
    loops::mask(key, head) | widest_mask(key.after(head_len), body)
}

/// Returns the number of bytes before the first whole cache line, or 0 if the payload is shorter
/// than [`ALIGNED_LEN`].
#[inline]
pub(super) fn head_len(payload: &[u8]) -> usize {
    if payload.len() < ALIGNED_LEN {
        return 0;
    }
    payload.as_ptr().align_offset(LINE_LEN).min(LINE_LEN)
}

#[expect(unsafe_code)]
fn widest_mask(key: MaskKey, payload: &mut [u8]) -> u64 {
    match widest() {
        // SAFETY: the processor has AVX-512F.
        AVX512 => unsafe { mask_avx512(key, payload) },
        // SAFETY: the processor has AVX2.
        AVX2 => unsafe { mask_avx2(key, payload) },
        _ => mask_sse2(key, payload),
    }
}

/// Does the same as [`loops::mask`]. A function of its own, so that the registers that it needs
/// cost the other processors nothing.
#[inline(never)]
fn mask_sse2(key: MaskKey, payload: &mut [u8]) -> u64 {
    loops::mask(key, payload)
}

/// Does the same as [`loops::mask_text`].
#[expect(unsafe_code)]
#[inline]
pub(super) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F, BW and VBMI.
        unsafe { avx512::mask_text(key, payload) }
    } else {
        super::mask(key, payload) & NOT_ASCII == 0 || super::valid_utf8_in_loops(payload)
    }
}

/// Does the same as [`loops::valid_utf8`].
#[expect(unsafe_code)]
pub(super) fn valid_utf8(bytes: &[u8]) -> bool {
    if has_avx512() {
        // SAFETY: the processor has AVX-512F, BW and VBMI.
        unsafe { avx512::valid_utf8(bytes) }
    } else {
        loops::valid_utf8(bytes)
    }
}

/// Does the same as [`loops::copy`].
#[expect(unsafe_code)]
pub(super) fn copy(key: MaskKey, source: &[u8], target: &mut [MaybeUninit<u8>]) -> u64 {
    match widest() {
        // SAFETY: the processor has AVX-512F.
        AVX512 => unsafe { copy_avx512(key, source, target) },
        // SAFETY: the processor has AVX2.
        AVX2 => unsafe { copy_avx2(key, source, target) },
        _ => loops::copy(key, source, target),
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

/// The functions for one processor feature, for tests.
#[cfg(test)]
pub(super) struct Kernels {
    pub(super) mask: fn(MaskKey, &mut [u8]) -> u64,
    pub(super) copy: fn(MaskKey, &[u8], &mut [MaybeUninit<u8>]) -> u64,
}

/// Returns the functions for each feature. For a feature that the processor does not have, the
/// functions are `None`.
#[cfg(test)]
#[expect(unsafe_code)]
pub(super) fn kernels() -> [(&'static str, Option<Kernels>); 2] {
    let avx2 = has_avx2().then_some(Kernels {
        // SAFETY: the function is returned only if the processor has AVX2.
        mask: |key, payload| unsafe { mask_avx2(key, payload) },
        // SAFETY: the function is returned only if the processor has AVX2.
        copy: |key, source, target| unsafe { copy_avx2(key, source, target) },
    });
    let avx512 = has_avx512().then_some(Kernels {
        // SAFETY: the function is returned only if the processor has AVX-512F.
        mask: |key, payload| unsafe { mask_avx512(key, payload) },
        // SAFETY: the function is returned only if the processor has AVX-512F.
        copy: |key, source, target| unsafe { copy_avx512(key, source, target) },
    });
    [("AVX2", avx2), ("AVX-512", avx512)]
}

/// The functions for text, which need AVX-512.
#[cfg(test)]
pub(super) struct TextKernels {
    pub(super) mask_text: fn(MaskKey, &mut [u8]) -> bool,
    pub(super) valid_utf8: fn(&[u8]) -> bool,
}

#[cfg(test)]
#[expect(unsafe_code)]
pub(super) fn text_kernels() -> Option<TextKernels> {
    has_avx512().then_some(TextKernels {
        // SAFETY: the function is returned only if the processor has AVX-512F, BW and VBMI.
        mask_text: |key, payload| unsafe { avx512::mask_text(key, payload) },
        // SAFETY: the function is returned only if the processor has AVX-512F, BW and VBMI.
        valid_utf8: |bytes| unsafe { avx512::valid_utf8(bytes) },
    })
}
