//! The UTF-8 check, alone or while text is unmasked, for processors with AVX-512.
//!
//! The method is that of John Keiser and Daniel Lemire, "Validating UTF-8 in less than one instruction per byte" (2021):
//! three look-ups find all that can be wrong with two neighbours; what remains is whether a continuation stands exactly
//! where the bytes two and three before call for one.

use core::arch::x86_64::*;

use super::tables::{
    FIRST_HIGH, FIRST_LOW, HIGHEST, LINE_LEN, Line, PLACES, SECOND_HIGH, TWO_CONTINUATIONS,
};
use super::x86_64::head_len;
use crate::mask::MaskKey;

/// Lines that are looked at together: if they are ASCII, that is all. More of them do not stay in registers.
const LINES: usize = 4;

/// Tells whether the bytes are UTF-8.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn valid_utf8(octets: &[u8]) -> bool {
    let mut check = Check::new();
    let (lines, tail) = octets.as_chunks::<LINE_LEN>();
    let (groups, lines) = lines.as_chunks::<LINES>();
    for group in groups {
        check.lines(group, joined(group));
    }
    if !lines.is_empty() {
        check.lines(lines, joined(lines));
    }
    if !tail.is_empty() {
        check.part(load_part(tail));
    }
    check.finish()
}

/// Masks `payload` in place; whether the result is UTF-8.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn mask_text(key: MaskKey, payload: &mut [u8]) -> bool {
    let mut check = Check::new();
    let head_len = head_len(payload);
    let (head, body) = payload.split_at_mut(head_len);
    if head_len > 0 {
        check.line(to_end(mask_part(repeated(key), head), head_len));
    }
    let key = repeated(key.after(head_len));
    let (lines, tail) = body.as_chunks_mut::<LINE_LEN>();
    let (groups, lines) = lines.as_chunks_mut::<LINES>();
    for group in groups {
        let all = mask_lines(key, group);
        check.lines(group, all);
    }
    if !lines.is_empty() {
        let all = mask_lines(key, lines);
        check.lines(lines, all);
    }
    if !tail.is_empty() {
        check.part(mask_part(key, tail));
    }
    check.finish()
}

/// The check between lines. Zeros before and after the text are as good as none: they are ASCII.
struct Check {
    /// The line before.
    last: __m512i,
    /// Not zero after a fault.
    faults: __m512i,
}

impl Check {
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn new() -> Self {
        Self {
            last: _mm512_setzero_si512(),
            faults: _mm512_setzero_si512(),
        }
    }

    /// Checks the next lines, at least one, which joined by OR are `all`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn lines(&mut self, lines: &[Line], all: __m512i) {
        if _mm512_movepi8_mask(all) == 0 {
            self.faults = _mm512_or_si512(self.faults, unfinished(self.last));
            self.last = all;
        } else {
            for line in lines {
                self.line(load(line));
            }
        }
    }

    /// Checks the end, filled up with zeros.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn part(&mut self, line: __m512i) {
        if _mm512_movepi8_mask(line) == 0 {
            self.faults = _mm512_or_si512(self.faults, unfinished(self.last));
            self.last = line;
        } else {
            self.line(line);
        }
    }

    /// Checks the next line.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn line(&mut self, line: __m512i) {
        self.faults = _mm512_or_si512(self.faults, faults(self.last, line));
        self.last = line;
    }

    /// Whether all of it was UTF-8.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn finish(self) -> bool {
        let faults = _mm512_or_si512(self.faults, unfinished(self.last));
        _mm512_test_epi8_mask(faults, faults) == 0
    }
}

/// Not zero if the end of a character that begins in `line` is missing.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn unfinished(line: __m512i) -> __m512i {
    _mm512_subs_epu8(line, load(&HIGHEST))
}

/// Not zero if `line`, behind the line `last`, is not UTF-8. A character without an end is found with the next line.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn faults(last: __m512i, line: __m512i) -> __m512i {
    let sixteen_before = _mm512_alignr_epi64::<6>(line, last);
    let one_before = _mm512_alignr_epi8::<15>(line, sixteen_before);
    let two_before = _mm512_alignr_epi8::<14>(line, sixteen_before);
    let three_before = _mm512_alignr_epi8::<13>(line, sixteen_before);

    // A look-up takes six bits of each byte, and the tables repeat after four: the others need not be cleared.
    let first_high = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(one_before), load(&FIRST_HIGH));
    let first_low = _mm512_permutexvar_epi8(one_before, load(&FIRST_LOW));
    let second_high = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(line), load(&SECOND_HIGH));
    let pairs = _mm512_and_si512(_mm512_and_si512(first_high, first_low), second_high);

    // The highest bit stays in bytes from E0 on, whose third is a continuation, and from F0 on, whose fourth is.
    let third = _mm512_subs_epu8(two_before, _mm512_set1_epi8(0x60));
    let fourth = _mm512_subs_epu8(three_before, _mm512_set1_epi8(0x70));
    let expected = _mm512_and_si512(
        _mm512_or_si512(third, fourth),
        _mm512_set1_epi8(TWO_CONTINUATIONS.cast_signed()),
    );
    _mm512_xor_si512(pairs, expected)
}

/// The key for a line.
#[target_feature(enable = "avx512f")]
#[inline]
fn repeated(key: MaskKey) -> __m512i {
    _mm512_set1_epi32(i32::from_ne_bytes(key.octets()))
}

/// The lines joined by OR.
#[target_feature(enable = "avx512f")]
#[inline]
fn joined(lines: &[Line]) -> __m512i {
    let mut all = _mm512_setzero_si512();
    for line in lines {
        all = _mm512_or_si512(all, load(line));
    }
    all
}

/// Masks the lines in place; the result joined by OR.
#[target_feature(enable = "avx512f")]
#[inline]
fn mask_lines(key: __m512i, lines: &mut [Line]) -> __m512i {
    let mut all = _mm512_setzero_si512();
    for line in lines {
        let masked = _mm512_xor_si512(load(line), key);
        store(line, masked);
        all = _mm512_or_si512(all, masked);
    }
    all
}

/// Masks less than a line in place; the result, and zeros.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn mask_part(key: __m512i, part: &mut [u8]) -> __m512i {
    let masked = _mm512_xor_si512(load_part(part), key);
    store_part(part, masked);
    _mm512_maskz_mov_epi8(lanes(part.len()), masked)
}

/// Moves the first `len` bytes of a line to its end. They change places with what is behind them.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn to_end(line: __m512i, len: usize) -> __m512i {
    let from = _mm512_add_epi8(load(&PLACES), _mm512_set1_epi8(len as i8));
    _mm512_permutexvar_epi8(from, line)
}

/// The first `len` bytes of a line.
#[inline]
fn lanes(len: usize) -> __mmask64 {
    let others = LINE_LEN.saturating_sub(len);
    u64::MAX.checked_shr(others as u32).unwrap_or(0)
}

#[expect(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
fn load(line: &Line) -> __m512i {
    // SAFETY: the 64 bytes read are those of `line`; they need no alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[expect(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
fn store(line: &mut Line, octets: __m512i) {
    // SAFETY: the 64 bytes written are those of `line`; they need no alignment.
    unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), octets) }
}

/// Up to a line, and zeros.
#[expect(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_part(part: &[u8]) -> __m512i {
    // SAFETY: the bytes read are those of `part`, at most 64, because the others are masked off; they need no
    // alignment.
    unsafe { _mm512_maskz_loadu_epi8(lanes(part.len()), part.as_ptr().cast()) }
}

/// Up to a line.
#[expect(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store_part(part: &mut [u8], octets: __m512i) {
    // SAFETY: the bytes written are those of `part`, at most 64, because the others are masked off; they need no
    // alignment.
    unsafe { _mm512_mask_storeu_epi8(part.as_mut_ptr().cast(), lanes(part.len()), octets) }
}
