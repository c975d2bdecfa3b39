//! Tasks in which every message is compressed.

use std::time::Duration;

use crate::data_sets::DataSet;

/// Compressed messages of changing content. Each is sent after the echo of the previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedEchoes {
    /// The data of the messages.
    pub data: DataSet,
    /// The units of each: bytes, or characters of a text.
    pub len: usize,
    /// The number of messages.
    pub count: usize,
    /// The longest payload of a frame, as in [`Step::Message`](super::Step::Message). The
    /// compressed message is cut.
    pub fragment: Option<usize>,
    /// The demands of the suite, in order of preference.
    pub demands: &'static [Demand],
    /// The time limit for all messages.
    pub limit: Duration,
}

/// The demands on the testee's encoder: in the offer of the suite as a client, or in its answer as
/// a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Each message is compressed without the earlier messages.
    pub no_context_takeover: bool,
    /// The size of the window, 8 to 15 bits. No reference is longer.
    pub window_bits: Option<u8>,
}

impl Demand {
    /// Creates a demand.
    pub const fn new(no_context_takeover: bool, window_bits: Option<u8>) -> Self {
        Self {
            no_context_takeover,
            window_bits,
        }
    }
}
