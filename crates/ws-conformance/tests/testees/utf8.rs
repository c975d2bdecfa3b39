//! UTF-8, octet by octet as it arrives.

/// A text so far.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    /// The start of a character whose end has not arrived; at most three octets.
    open: Vec<u8>,
}

impl Utf8 {
    /// Goes on with `octets`: whether the text can still become a valid one.
    pub(crate) fn push(&mut self, octets: &[u8]) -> bool {
        self.open.extend_from_slice(octets);
        match std::str::from_utf8(&self.open) {
            Ok(_) => self.open.clear(),
            Err(error) if error.error_len().is_some() => return false,
            Err(error) => drop(self.open.drain(..error.valid_up_to())),
        }
        true
    }

    /// Whether it ends with a whole character.
    pub(crate) fn is_complete(&self) -> bool {
        self.open.is_empty()
    }
}
