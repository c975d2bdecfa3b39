//! UTF-8 validation, in one call or piece by piece (RFC 6455 §8.1, RFC 3629).

use crate::arch;

/// The maximum number of bytes of an incomplete character.
const MAX_UNFINISHED_LEN: usize = 3;

/// The smallest first byte of a character of more than one byte.
const FIRST_LEAD: u8 = 0xc0;

/// The error for text that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidUtf8;

/// A validator for text that arrives in pieces. It fails at the first byte that makes the text
/// invalid, whatever follows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8Stream {
    /// The beginning of an incomplete character: `pending_len` bytes, fewer than 4.
    pending: [u8; 4],
    pending_len: u8,
}

impl Utf8Stream {
    /// Checks the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let rest = self.complete_pending(piece)?;
        let (_, unfinished) = rest.split_at(whole_len(rest)?);
        for &byte in unfinished {
            self.push_pending(byte);
        }
        Ok(())
    }

    /// Ends the text. Fails if the last character is incomplete.
    pub(crate) fn finish(&self) -> Result<(), InvalidUtf8> {
        match self.pending_len {
            0 => Ok(()),
            _ => Err(InvalidUtf8),
        }
    }

    /// Returns the number of bytes of the incomplete character at the end.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending_len.into()
    }

    /// Moves bytes from `piece` to the pending character until this character is complete. Returns
    /// the rest of the piece.
    fn complete_pending<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], InvalidUtf8> {
        while self.pending_len > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            piece = rest;
            self.push_pending(byte);
            let pending = self.pending.get(..self.pending_len()).unwrap_or_default();
            if whole_len(pending)? > 0 {
                self.pending_len = 0;
            }
        }
        Ok(piece)
    }

    fn push_pending(&mut self, byte: u8) {
        if let Some(slot) = self.pending.get_mut(usize::from(self.pending_len)) {
            *slot = byte;
            self.pending_len = self.pending_len.saturating_add(1);
        }
    }
}

/// Returns the total length of the complete characters. An incomplete character may follow them.
fn whole_len(bytes: &[u8]) -> Result<usize, InvalidUtf8> {
    let (head, last) = bytes.split_at(last_lead(bytes));
    // An error in `head` is final. Later input cannot repair it, because an incomplete character at
    // the end of `bytes` is always in `last`.
    if !arch::valid_utf8(head) {
        return Err(InvalidUtf8);
    }
    match core::str::from_utf8(last) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(head.len()),
        Err(_) => Err(InvalidUtf8),
    }
}

/// Returns the position of the last lead byte if its character may be incomplete. Otherwise returns
/// the length of `bytes`.
fn last_lead(bytes: &[u8]) -> usize {
    let (_, last) = bytes.split_at(bytes.len().saturating_sub(MAX_UNFINISHED_LEN));
    match last.iter().rposition(|byte| *byte >= FIRST_LEAD) {
        Some(at) => bytes.len().saturating_sub(last.len()).saturating_add(at),
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn stream(pieces: &[&[u8]]) -> Result<(), InvalidUtf8> {
        let mut stream = Utf8Stream::default();
        for piece in pieces {
            stream.push(piece)?;
        }
        stream.finish()
    }

    #[test]
    fn every_cut_of_every_sample_agrees_with_the_standard_library() {
        let long = "κόσμε ".repeat(40);
        let mut samples: Vec<Vec<u8>> = alloc::vec![
            b"".to_vec(),
            b"\xc2".to_vec(),
            b"\xf4\x90\x80\x80".to_vec(),
            b"\xed\xa0\x80edited".to_vec(),
            b"\xe2\x82\xac\xf0\xa4\xad\xa2".to_vec(),
            b"\xc0\xaf".to_vec(),
            b"\xf8\x88\x80\x80\x80".to_vec(),
            long.as_bytes().to_vec(),
        ];
        let mut broken = long.into_bytes();
        broken.extend_from_slice(b"\xce\xff");
        samples.push(broken);
        for sample in &samples {
            let expected = core::str::from_utf8(sample)
                .map(drop)
                .map_err(|_| InvalidUtf8);
            assert_eq!(arch::valid_utf8(sample), expected.is_ok());
            for cut in 0..=sample.len() {
                let (head, tail) = sample.split_at(cut);
                assert_eq!(stream(&[head, tail]), expected, "{sample:02x?} at {cut}");
            }
            let single: Vec<&[u8]> = sample.chunks(1).collect();
            assert_eq!(stream(&single), expected, "{sample:02x?} byte by byte");
        }
    }

    #[test]
    fn every_ending_agrees_with_the_standard_library() {
        let ends: [&[u8]; 12] = [
            b"",
            b"a",
            b"\xce",
            b"\xce\xba",
            b"\xe2\x82",
            b"\xe2\x82\xac",
            b"\xf0\xa4\xad",
            b"\xf0\xa4\xad\xa2",
            b"\xe0\x80",
            b"\xed\xa0",
            b"\xf4\x90",
            b"\xff",
        ];
        for before in ["", "a", "κ", "€", "𤭢", &"a€𤭢é".repeat(20)] {
            for (first, second) in ends.iter().flat_map(|a| ends.map(|b| (*a, b))) {
                let bytes = [before.as_bytes(), first, second].concat();
                let expected = core::str::from_utf8(&bytes).err();
                match (whole_len(&bytes), expected) {
                    (Ok(len), None) => assert_eq!(len, bytes.len()),
                    (Ok(len), Some(error)) => {
                        assert_eq!((error.valid_up_to(), error.error_len()), (len, None));
                    }
                    (Err(InvalidUtf8), expected) => {
                        assert!(expected.unwrap().error_len().is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn an_impossible_byte_fails_at_once() {
        let mut stream = Utf8Stream::default();
        stream.push(b"\xce\xba\xf4").unwrap();
        assert_eq!(stream.push(b"\x90"), Err(InvalidUtf8));
    }

    #[test]
    fn an_incomplete_character_before_an_empty_piece_is_found() {
        assert_eq!(stream(&[b"\xc2", b""]), Err(InvalidUtf8));
    }
}
