//! Data messages that arrive, and ways to spoil them.

use super::Fault;
use super::utf8::Utf8;

/// A data message that is arriving.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) opcode: u8,
    pub(super) compressed: bool,
    pub(super) fragments: Vec<Vec<u8>>,
    pub(super) utf8: Utf8,
}

impl Message {
    pub(super) fn new(opcode: u8, compressed: bool) -> Self {
        Self {
            opcode,
            compressed,
            fragments: vec![Vec::new()],
            utf8: Utf8::default(),
        }
    }

    /// Whether a text message may go on, or end, after a whole frame (RFC 6455 §8.1).
    pub(super) fn text_is_right(&mut self, fin: bool, fault: Fault) -> bool {
        let late = match fault {
            Fault::Utf8Unchecked => return true,
            Fault::Utf8AtMessageEnd if fin => self.fragments.concat(),
            Fault::Utf8AtFrameEnd => self.fragments.last().cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        self.utf8.push(&late) && (!fin || self.utf8.is_complete())
    }
}

/// The payload of a message.
pub(super) fn joined(mut fragments: Vec<Vec<u8>>, fault: Fault) -> Vec<u8> {
    match fault {
        Fault::LastFragmentLost if fragments.len() > 1 => drop(fragments.pop()),
        Fault::FragmentsSwapped => fragments.reverse(),
        _ => {}
    }
    fragments.concat()
}

/// Changes the first ASCII octet of a text, if it has one.
pub(super) fn alter(text: &mut [u8]) {
    if let Some(octet) = text.iter_mut().find(|octet| octet.is_ascii()) {
        *octet = if *octet == b'#' { b'!' } else { b'#' };
    }
}
