//! permessage-deflate (RFC 7692): the suite's own compression, which never refers further back
//! than it may, and what tells whether a testee does.
//!
//! Compressing takes an encoder that obeys every window from 8 to 15 bits, which libraries do not;
//! inflating is miniz_oxide's.

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

pub(crate) use agreement::{Agreement, ExtensionError, Response, agree, offers, read_response};
pub(crate) use encoder::Encoder;
pub(crate) use extension::{DEFLATE, Extension};
pub(crate) use inflater::{BeyondWindow, Inflater, Undecodable};
pub(crate) use stream::Stream;

/// What a message ends with that is not sent (RFC 7692 §7.2.1): the rest of an empty stored block.
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What one direction of a connection has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Coding {
    /// 8 to 15.
    pub(crate) window_bits: u8,
    /// Whether a message may refer to those before it.
    pub(crate) context_takeover: bool,
}

impl Coding {
    /// How many bytes back a message may refer.
    fn window(self) -> usize {
        1 << self.window_bits
    }
}
