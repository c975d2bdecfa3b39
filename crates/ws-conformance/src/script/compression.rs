//! Tasks in which every message is compressed.

use std::time::Duration;

use crate::data_sets::DataSet;

/// Messages of changing content, compressed, each sent when the echo of the one before has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedEchoes {
    /// Where the messages come from.
    pub data: DataSet,
    /// The units of each: bytes, or characters of a text.
    pub len: usize,
    /// How many.
    pub count: usize,
    /// The longest payload of a frame, as in [`Step::Message`](super::Step::Message). It is what
    /// was compressed that is cut.
    pub fragment: Option<usize>,
    /// What the suite asks for, the most wanted first.
    pub demands: &'static [Demand],
    /// How long all of them may take.
    pub limit: Duration,
}

/// What the suite asks the testee's compressor to do: as a client by an offer, as a server by its
/// answer to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Each message is compressed without those before it.
    pub no_context_takeover: bool,
    /// No reference is further back than a window of this size, 8 to 15.
    pub window_bits: Option<u8>,
}

impl Demand {
    /// Both demands.
    pub const fn new(no_context_takeover: bool, window_bits: Option<u8>) -> Self {
        Self {
            no_context_takeover,
            window_bits,
        }
    }
}
