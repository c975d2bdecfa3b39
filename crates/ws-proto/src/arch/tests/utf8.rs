//! Tests of the UTF-8 check against that of the standard library.

use alloc::vec::Vec;

use super::*;

/// Positions around the start of a text, and around the ends of the first, second and fourth
/// vectors.
const BORDERS: [usize; 10] = [0, 1, 2, 3, 61, 62, 63, 64, 127, 254];

/// The first and last bytes of each class of bytes that RFC 3629 §4 distinguishes, and some others.
const CLASSES: [u8; 26] = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff,
];

/// The first and last characters of each encoded length, the characters beside the surrogates, and
/// invalid sequences that resemble characters.
const SAMPLES: [&[u8]; 27] = [
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf0\xa4\xad\xa2",
    b"\xf4\x8f\xbf\xbf",
    // Overlong.
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    // Surrogates.
    b"\xed\xa0\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbf\xbf",
    // Above U+10FFFF.
    b"\xf4\x90\x80\x80",
    b"\xf4\xbf\xbf\xbf",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xff\xbf\xbf\xbf",
];

/// The text around the samples: characters of one byte, or of four bytes.
const AROUND: [&str; 2] = ["a", "\u{10fffd}"];

type Valid = fn(&[u8]) -> bool;
type MaskText = fn(MaskKey, &mut [u8]) -> bool;

/// All implementations that this processor can run.
struct Checks {
    valid: Vec<(&'static str, Valid)>,
    mask: Vec<(&'static str, MaskText)>,
    count: usize,
}

impl Checks {
    fn new() -> Self {
        let checks = Self {
            valid: alloc::vec![("dispatch", valid_utf8), ("loops", loops::valid_utf8)],
            mask: alloc::vec![("dispatch", mask_text), ("loops", loops::mask_text)],
            count: 0,
        };
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        let checks = checks.with_kernels();
        checks
    }

    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    fn with_kernels(mut self) -> Self {
        match x86_64::text_kernels() {
            Some(kernels) => {
                self.valid.push(("AVX-512", kernels.valid_utf8));
                self.mask.push(("AVX-512", kernels.mask_text));
            }
            None => std::println!("skipped: this processor has no AVX-512"),
        }
        self
    }

    /// Asserts that every implementation agrees with the standard library about `text`. An
    /// implementation that unmasks gets the masked text. Each call uses another rotation of the key
    /// or another alignment.
    fn check(&mut self, text: &[u8]) {
        let expected = core::str::from_utf8(text).is_ok();
        for (name, valid) in &self.valid {
            assert_eq!(valid(text), expected, "{name}: {text:02x?}");
        }
        let key = MaskKey::new([0x12, 0x9a, 0xf7, 0x01]).after(self.count);
        let before = self.count / 4 % 64;
        for (name, mask_text) in &self.mask {
            let mut bytes = alloc::vec![0; before];
            append(key, text, &mut bytes);
            bytes.push(super::AROUND);
            let (payload, after) = bytes[before..].split_at_mut(text.len());
            let what = (name, key.to_bytes());
            assert_eq!(mask_text(key, payload), expected, "{what:?}: {text:02x?}");
            assert_eq!(payload, text, "{what:?}");
            assert_eq!(after, [super::AROUND], "{what:?}");
        }
        self.count += 1;
    }

    /// Calls [`check`](Self::check) with `sequence` after `at` bytes of text and before about `len`
    /// bytes of text.
    fn check_at(&mut self, at: usize, sequence: &[u8], len: usize) {
        for around in AROUND {
            let mut text = "b".repeat(at % around.len()).into_bytes();
            text.extend(around.repeat(at / around.len()).bytes());
            assert_eq!(text.len(), at);
            text.extend(sequence);
            text.extend(around.repeat(len / around.len()).bytes());
            self.check(&text);
        }
    }
}

/// Returns all positions up to the end of the second vector. Under Miri, which is slow, returns
/// only some of them.
fn positions() -> impl Iterator<Item = usize> {
    (0..=130).step_by(if cfg!(miri) { 31 } else { 1 })
}

#[test]
fn samples_are_checked_at_every_position() {
    let mut checks = Checks::new();
    for at in positions() {
        for first in CLASSES {
            checks.check_at(at, &[first], 0);
            checks.check_at(at, &[first], 70);
        }
        for sample in SAMPLES {
            checks.check_at(at, sample, 133);
            // The beginning of the sample alone, at the end of the text and before more text.
            for len in 1..=sample.len() {
                checks.check_at(at, &sample[..len], 0);
                checks.check_at(at, &sample[..len], 9);
            }
        }
    }
}

#[test]
fn every_class_of_three_bytes_is_checked() {
    let mut checks = Checks::new();
    for at in BORDERS.into_iter().step_by(if cfg!(miri) { 9 } else { 1 }) {
        for first in CLASSES {
            for second in CLASSES {
                checks.check_at(at, &[first, second], 0);
                for third in [0x41, 0x80, 0xbf, 0xc2] {
                    checks.check_at(at, &[first, second, third], 5);
                }
            }
        }
    }
}

#[test]
fn text_of_every_length_and_with_one_changed_byte_is_checked() {
    let mut checks = Checks::new();
    for len in lens() {
        for around in AROUND {
            let mut text = "b".repeat(len % around.len()).into_bytes();
            text.extend(around.repeat(len / around.len()).bytes());
            checks.check(&text);
            for at in [0, len / 3, len.saturating_sub(4), len.saturating_sub(1)] {
                let mut changed = text.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 0xc0;
                    checks.check(&changed);
                }
            }
        }
    }
}

#[test]
fn an_incomplete_character_before_ascii_is_found() {
    let mut checks = Checks::new();
    for long in [0, 4500] {
        for at in (0..=330).step_by(if cfg!(miri) { 63 } else { 1 }) {
            for part in [&b"\xce"[..], b"\xe2\x82", b"\xf0\xa4\xad"] {
                checks.check(&[&b"a".repeat(at), part, &b"a".repeat(600 + long)].concat());
            }
        }
    }
}

/// A Xorshift generator, which produces the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % bound
    }

    /// Creates text from a random mixture of characters. Some texts contain only a few characters
    /// of more than one byte.
    fn text(&mut self, len: usize) -> Vec<u8> {
        const BOUNDS: [u32; 4] = [0x80, 0x800, 0x1_0000, 0x11_0000];
        let plain = self.below(4) * 30;
        let mut text = alloc::string::String::new();
        while text.len() < len {
            let bound = BOUNDS[if self.below(100) < plain {
                0
            } else {
                self.below(4)
            }];
            text.extend(char::from_u32(self.below(bound as usize) as u32));
        }
        text.into_bytes()
    }

    fn change(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len().max(1));
        match (self.below(4), text.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << self.below(8),
            (1, Some(byte)) => *byte = CLASSES[self.below(CLASSES.len())],
            (2, Some(_)) => drop(text.remove(at)),
            _ => text.truncate(at),
        }
    }
}

#[test]
fn random_changes_are_found() {
    let mut checks = Checks::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..if cfg!(miri) { 50 } else { 50_000 } {
        // Some texts are so long that the bytes before the first cache line are checked separately.
        let len = if round % 500 == 0 { 4500 } else { 320 };
        let len = random.below(len);
        let mut text = random.text(len);
        checks.check(&text);
        random.change(&mut text);
        checks.check(&text);
    }
}
