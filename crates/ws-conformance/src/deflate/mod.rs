//! permessage-deflate (RFC 7692): the suite's own encoder, and the check of a testee's references.
//!
//! The encoder obeys every window from 8 to 15 bits, which encoders of libraries do not. Inflating
//! uses miniz_oxide.

mod agreement;
mod bits;
mod block;
mod encoder;
mod extension;
mod huffman;
mod inflater;
mod reach;
mod stream;
mod symbols;

pub(crate) use agreement::{
    AgreedResponse, Agreement, ExtensionError, agree, offers, read_response,
};
pub(crate) use encoder::Encoder;
pub(crate) use extension::{DEFLATE, Extension};
pub(crate) use inflater::{BeyondWindow, Inflater, Undecodable};
pub(crate) use stream::Stream;

/// The end of a message that is not sent (RFC 7692 §7.2.1): the rest of an empty stored block.
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The limits of one direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Coding {
    /// The size of the window, 8 to 15 bits.
    pub(crate) window_bits: u8,
    /// `true` if a message may refer to earlier messages.
    pub(crate) context_takeover: bool,
}

impl Coding {
    /// Returns the size of the window in bytes.
    fn window(self) -> usize {
        1 << self.window_bits
    }
}
