//! Data messages that arrive, and ways to spoil them.

use super::utf8::Utf8;

/// A data message that is arriving.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) opcode: u8,
    pub(super) compressed: bool,
    pub(super) fragments: Vec<Vec<u8>>,
    /// The number of messages before it.
    pub(super) number: usize,
    /// The length of all of its fragments so far.
    pub(super) len: u64,
    /// `true` if a Ping came between its frames.
    pub(super) pinged: bool,
    pub(super) utf8: Utf8,
}

impl Message {
    pub(super) fn new(opcode: u8, compressed: bool, number: usize) -> Self {
        Self {
            opcode,
            compressed,
            fragments: vec![Vec::new()],
            number,
            len: 0,
            pinged: false,
            utf8: Utf8::default(),
        }
    }

    /// Replaces the fragments by one.
    pub(super) fn payload(&mut self) -> &mut Vec<u8> {
        if self.fragments.len() != 1 {
            self.fragments = vec![self.fragments.concat()];
        }
        &mut self.fragments[0]
    }
}

/// Changes the first ASCII byte of a message, if it has one.
pub(super) fn alter(message: &mut Message) {
    if let Some(byte) = message.payload().iter_mut().find(|byte| byte.is_ascii()) {
        *byte = if *byte == b'#' { b'!' } else { b'#' };
    }
}
