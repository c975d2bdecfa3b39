//! UTF-8 that arrives in pieces.

/// Validates a text piece by piece, as early as the bytes allow.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// An incomplete character: a prefix of a valid sequence, at most three bytes.
    begun: Vec<u8>,
}

/// The text cannot become valid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

impl Utf8 {
    /// Validates the next piece of the text.
    pub(super) fn validate(&mut self, mut piece: &[u8]) -> Result<(), Invalid> {
        while !self.begun.is_empty() {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            self.begun.push(byte);
            if !is_prefix(&self.begun)? {
                self.begun.clear();
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                self.begun.extend_from_slice(&piece[error.valid_up_to()..]);
                Ok(())
            }
            Err(_) => Err(Invalid),
        }
    }

    /// Returns `true` if the text may end here, because no character is incomplete.
    pub(super) fn may_end(&self) -> bool {
        self.begun.is_empty()
    }
}

/// Returns `true` if a character is still incomplete.
fn is_prefix(bytes: &[u8]) -> Result<bool, Invalid> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(false),
        Err(error) if error.error_len().is_none() => Ok(true),
        Err(_) => Err(Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_text_is_valid_wherever_it_is_cut() {
        let text = "a\u{e9}\u{20ac}\u{10348}z".as_bytes();
        for cut in 0..=text.len() {
            let mut utf8 = Utf8::default();
            assert_eq!(utf8.validate(&text[..cut]), Ok(()));
            assert_eq!(utf8.validate(&text[cut..]), Ok(()));
            assert!(utf8.may_end());
        }
    }

    #[test]
    fn the_first_impossible_byte_is_found_at_once() {
        let text = b"\xce\xba\xf4\x90\x80";
        let mut utf8 = Utf8::default();
        for byte in &text[..3] {
            assert_eq!(utf8.validate(&[*byte]), Ok(()));
        }
        assert_eq!(utf8.validate(&text[3..4]), Err(Invalid));
    }

    #[test]
    fn an_incomplete_character_cannot_end_a_text() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.validate(b"\xe2\x82"), Ok(()));
        assert!(!utf8.may_end());
    }
}
