//! The wire log of a case: the bytes and frames of the connection, and the timers of the suite.
//!
//! Report files have the entries in the positional form of the original suite, which `form` reads
//! and writes.

mod form;

use std::time::Duration;

use serde_json::Value;

/// An entry of a wire log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Entry {
    /// The bytes of one TCP read.
    BytesReceived(Excerpt),
    /// The bytes of one TCP write.
    BytesSent {
        /// The bytes.
        bytes: Excerpt,
        /// `true` if they were delayed because an earlier frame was paced.
        queued: bool,
    },
    /// A frame of the testee.
    FrameReceived(FrameEntry),
    /// A frame of the suite.
    FrameSent {
        /// The frame.
        frame: FrameEntry,
        /// The length to which the payload is repeated.
        repeated: Option<u64>,
        /// The bytes of each TCP write.
        chop: Option<u64>,
        /// `true` if the frame is a TCP write of its own.
        own_write: bool,
    },
    /// The suite begins to wait.
    WaitBegan {
        /// The time.
        time: Duration,
        /// The name of the wait, if its end is an event.
        tag: Option<String>,
    },
    /// The wait with this name is over.
    WaitOver(Option<String>),
    /// The suite is going to fail the connection after this time.
    FailAfter(Duration),
    /// The suite fails the connection.
    Failing,
    /// The suite is going to close the connection after this time.
    CloseAfter(Duration),
    /// The suite closes the connection.
    Closing,
    /// The log of bytes and frames is turned on or off.
    Turned {
        /// `true` if the log is on from now on.
        on: bool,
    },
    /// An entry of a report file that this version does not support.
    Unknown(Value),
}

/// The beginning of some bytes, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The number of bytes.
    pub len: u64,
    /// The first bytes: a text, or hexadecimal digits.
    pub text: String,
}

/// A frame in a wire log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameEntry {
    /// The payload before masking.
    pub payload: Excerpt,
    /// The opcode.
    pub opcode: u8,
    /// `true` if it is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits: 4 is RSV1.
    pub rsv: u8,
    /// The masking key in hexadecimal digits.
    pub key: Option<String>,
}
