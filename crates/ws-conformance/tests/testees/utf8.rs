//! UTF-8 (RFC 3629), byte by byte as it arrives.

/// The fault of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadText {
    /// A byte that continues a character, where none has begun.
    Stray,
    /// A character whose last bytes are missing.
    Cut,
    /// A character of more bytes than it needs.
    Overlong,
    /// Half of a surrogate pair.
    Surrogate,
    /// A code point above U+10FFFF, in four bytes.
    TooHigh,
    /// A character of five or six bytes.
    FiveBytes,
    /// FE or FF.
    NoLead,
}

/// Decides on something wrong in a text, which stands at this offset: `true` to accept it.
pub(super) type Excuse<'a> = &'a dyn Fn(BadText, usize) -> bool;

/// A text so far.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The start of a character whose end has not arrived.
    open: Vec<u8>,
    /// The number of bytes before `open`.
    done: usize,
    /// The number of missing bytes of an excused character.
    excused: usize,
}

impl Utf8 {
    /// Appends `bytes` and returns `true` if the text can still become a valid one.
    pub(super) fn push(&mut self, bytes: &[u8], excuse: Excuse<'_>) -> bool {
        self.open.extend_from_slice(bytes);
        self.skip_excused();
        while let Err(error) = std::str::from_utf8(&self.open) {
            self.drop_first(error.valid_up_to());
            let Some(bad_len) = error.error_len() else {
                return true;
            };
            let (bad, expected_len) = classify(&self.open, bad_len);
            if !excuse(bad, self.done) {
                return false;
            }
            self.drop_first(1);
            self.excused = expected_len - 1;
            self.skip_excused();
        }
        self.drop_first(self.open.len());
        true
    }

    /// Returns `true` if the text may end here.
    pub(super) fn may_end(&mut self, excuse: Excuse<'_>) -> bool {
        self.open.is_empty() || excuse(BadText::Cut, self.done)
    }

    fn drop_first(&mut self, count: usize) {
        self.open.drain(..count);
        self.done += count;
    }

    fn skip_excused(&mut self) {
        while self.excused > 0
            && let Some(byte) = self.open.first()
        {
            match is_continuation(*byte) {
                true => {
                    self.drop_first(1);
                    self.excused -= 1;
                }
                false => self.excused = 0,
            }
        }
    }
}

/// Returns the fault of a text that begins with a wrong character, and the number of bytes that the
/// character would have.
fn classify(text: &[u8], bad_len: usize) -> (BadText, usize) {
    let next = text.get(1).copied().filter(|byte| is_continuation(*byte));
    match (text[0], next) {
        (0x80..=0xbf, _) => (BadText::Stray, 1),
        (0xfe..=0xff, _) => (BadText::NoLead, 1),
        (0xf8..=0xfb, _) => (BadText::FiveBytes, 5),
        (0xfc..=0xfd, _) => (BadText::FiveBytes, 6),
        (0xf5..=0xf7, _) | (0xf4, Some(0x90..)) => (BadText::TooHigh, 4),
        (0xc0..=0xc1, _) => (BadText::Overlong, 2),
        (0xe0, Some(..0xa0)) => (BadText::Overlong, 3),
        (0xf0, Some(..0x90)) => (BadText::Overlong, 4),
        (0xed, Some(0xa0..)) => (BadText::Surrogate, 3),
        _ => (BadText::Cut, bad_len),
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
