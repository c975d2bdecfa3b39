//! The UTF-8 check, alone or while text is unmasked, for processors with AVX-512.
//!
//! The method is that of John Keiser and Daniel Lemire, "Validating UTF-8 in less than one
//! instruction per byte" (2021). Three look-ups detect every error that two adjacent bytes show. A
//! second check covers the third and fourth bytes of characters. A byte and the byte before it must
//! both be continuations if and only if the byte two positions before is at least E0, or the byte
//! three positions before is at least F0.

use core::arch::x86_64::*;

use super::tables::{
    FIRST_HIGH, FIRST_LOW, HIGHEST, LINE_LEN, Line, PLACES, SECOND_HIGH, TWO_CONTINUATIONS,
};
use super::x86_64::head_len;
use crate::mask::MaskKey;

/// The number of lines that are checked together. If all of them are ASCII, no further check is
/// needed. More lines would not fit in registers.
const LINES: usize = 4;

/// Returns `true` if the bytes are UTF-8.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn valid_utf8(bytes: &[u8]) -> bool {
    let mut check = Check::new();
    let (lines, tail) = bytes.as_chunks::<LINE_LEN>();
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

/// Masks `payload` in place. Returns `true` if the result is UTF-8.
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

/// The state of the check between lines. Zeros before and after the text do not matter, because
/// they are ASCII.
struct Check {
    /// The previous line.
    last: __m512i,
    /// A value other than zero after an error.
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

    /// Checks the next lines. There must be at least one. `all` is the OR of the lines.
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

    /// Checks the end of the text, padded with zeros.
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

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[inline]
    fn line(&mut self, line: __m512i) {
        self.faults = _mm512_or_si512(self.faults, faults(self.last, line));
        self.last = line;
    }

    /// Returns `true` if all of the text was UTF-8.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn finish(self) -> bool {
        let faults = _mm512_or_si512(self.faults, unfinished(self.last));
        _mm512_test_epi8_mask(faults, faults) == 0
    }
}

/// Returns a value other than zero if `line` ends in an incomplete character.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn unfinished(line: __m512i) -> __m512i {
    _mm512_subs_epu8(line, load(&HIGHEST))
}

/// Returns a value other than zero if `line`, after the line `last`, is not UTF-8. An incomplete
/// character at the end of `line` is detected when the next line is checked.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn faults(last: __m512i, line: __m512i) -> __m512i {
    let sixteen_before = _mm512_alignr_epi64::<6>(line, last);
    let one_before = _mm512_alignr_epi8::<15>(line, sixteen_before);
    let two_before = _mm512_alignr_epi8::<14>(line, sixteen_before);
    let three_before = _mm512_alignr_epi8::<13>(line, sixteen_before);

    // A look-up uses six bits of each byte. The two highest of these six bits need not be cleared,
    // because the tables repeat every sixteen entries.
    let first_high = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(one_before), load(&FIRST_HIGH));
    let first_low = _mm512_permutexvar_epi8(one_before, load(&FIRST_LOW));
    let second_high = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(line), load(&SECOND_HIGH));
    let pairs = _mm512_and_si512(_mm512_and_si512(first_high, first_low), second_high);

    // The highest bit remains if the byte two positions before is at least E0, or the byte three
    // positions before is at least F0. The current byte and the byte before it must then be
    // continuations.
    let third = _mm512_subs_epu8(two_before, _mm512_set1_epi8(0x60));
    let fourth = _mm512_subs_epu8(three_before, _mm512_set1_epi8(0x70));
    let expected = _mm512_and_si512(
        _mm512_or_si512(third, fourth),
        _mm512_set1_epi8(TWO_CONTINUATIONS.cast_signed()),
    );
    _mm512_xor_si512(pairs, expected)
}

/// Returns the key repeated to the length of a line.
#[target_feature(enable = "avx512f")]
#[inline]
fn repeated(key: MaskKey) -> __m512i {
    _mm512_set1_epi32(i32::from_ne_bytes(key.to_bytes()))
}

/// Returns the OR of the lines.
#[target_feature(enable = "avx512f")]
#[inline]
fn joined(lines: &[Line]) -> __m512i {
    let mut all = _mm512_setzero_si512();
    for line in lines {
        all = _mm512_or_si512(all, load(line));
    }
    all
}

/// Masks the lines in place. Returns the OR of the result.
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

/// Masks less than a line in place. Returns the result, padded with zeros.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn mask_part(key: __m512i, part: &mut [u8]) -> __m512i {
    let masked = _mm512_xor_si512(load_part(part), key);
    store_part(part, masked);
    _mm512_maskz_mov_epi8(lanes(part.len()), masked)
}

/// Rotates a line so that its first `len` bytes are at its end.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn to_end(line: __m512i, len: usize) -> __m512i {
    let from = _mm512_add_epi8(load(&PLACES), _mm512_set1_epi8(len as i8));
    _mm512_permutexvar_epi8(from, line)
}

/// Returns a bit mask that selects the first `len` bytes of a line.
#[inline]
fn lanes(len: usize) -> __mmask64 {
    let others = LINE_LEN.saturating_sub(len);
    u64::MAX.checked_shr(others as u32).unwrap_or(0)
}

#[expect(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
fn load(line: &Line) -> __m512i {
    // SAFETY: the 64 bytes that are read are those of `line`. They need no alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[expect(unsafe_code)]
#[target_feature(enable = "avx512f")]
#[inline]
fn store(line: &mut Line, bytes: __m512i) {
    // SAFETY: the 64 bytes that are written are those of `line`. They need no alignment.
    unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), bytes) }
}

/// Loads at most one line, padded with zeros.
#[expect(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_part(part: &[u8]) -> __m512i {
    // SAFETY: the bytes that are read are those of `part`, at most 64, because the others are
    // masked off. They need no alignment.
    unsafe { _mm512_maskz_loadu_epi8(lanes(part.len()), part.as_ptr().cast()) }
}

/// Stores at most one line: the bytes that fit in `part`.
#[expect(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store_part(part: &mut [u8], bytes: __m512i) {
    // SAFETY: the bytes that are written are those of `part`, at most 64, because the others are
    // masked off. They need no alignment.
    unsafe { _mm512_mask_storeu_epi8(part.as_mut_ptr().cast(), lanes(part.len()), bytes) }
}
