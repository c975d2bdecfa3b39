//! Counters of the traffic in one direction. Without the feature `stats`, they take no memory and
//! count nothing.

use crate::opcode::OpCode;

/// The traffic of a connection in one direction.
///
/// Every number counts from the end of the opening handshake and only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg(feature = "stats")]
#[non_exhaustive]
pub struct Traffic {
    /// The number of messages: those that were received completely, or queued completely.
    pub messages: u64,
    /// The number of messages that were compressed (RFC 7692). `messages` includes them.
    pub compressed_messages: u64,
    /// The number of bytes of the payloads of messages, without compression. It includes the part
    /// of a message that is not complete.
    pub payload_bytes: u64,
    /// The number of bytes that the transport delivered or took: frames with their headers,
    /// compressed, but without the cost of TLS and TCP.
    pub wire_bytes: u64,
    /// The number of Pings (RFC 6455 §5.5.2).
    pub pings: u64,
    /// The number of Pongs (RFC 6455 §5.5.3).
    pub pongs: u64,
}

#[cfg(feature = "stats")]
impl Traffic {
    /// Returns the sum, for instance of several connections.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// Returns the part that `earlier`, a former state of the same counters, does not include.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        self.with(earlier, u64::saturating_sub)
    }

    fn with(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            messages: combine(self.messages, other.messages),
            compressed_messages: combine(self.compressed_messages, other.compressed_messages),
            payload_bytes: combine(self.payload_bytes, other.payload_bytes),
            wire_bytes: combine(self.wire_bytes, other.wire_bytes),
            pings: combine(self.pings, other.pings),
            pongs: combine(self.pongs, other.pongs),
        }
    }
}

/// The counters of one half. Each call disappears without the feature `stats`.
#[derive(Default)]
pub(crate) struct Counters(#[cfg(feature = "stats")] Traffic);

#[cfg(feature = "stats")]
impl Counters {
    pub(crate) fn traffic(&self) -> Traffic {
        self.0
    }

    /// Counts a whole message in one frame that is not compressed.
    #[inline(always)]
    pub(crate) fn plain(&mut self, len: usize) {
        self.message(false);
        self.payload(len);
    }

    /// Counts the end of a message.
    #[inline(always)]
    pub(crate) fn message(&mut self, is_compressed: bool) {
        self.0.messages = self.0.messages.wrapping_add(1);
        if is_compressed {
            self.compressed();
        }
    }

    /// Counts the compression of a message that was counted before.
    pub(crate) fn compressed(&mut self) {
        self.0.compressed_messages = self.0.compressed_messages.wrapping_add(1);
    }

    #[inline(always)]
    pub(crate) fn payload(&mut self, len: usize) {
        self.0.payload_bytes = self.0.payload_bytes.wrapping_add(len as u64);
    }

    #[inline(always)]
    pub(crate) fn wire(&mut self, len: usize) {
        self.0.wire_bytes = self.0.wire_bytes.wrapping_add(len as u64);
    }

    pub(crate) fn control(&mut self, opcode: OpCode) {
        match opcode {
            OpCode::Ping => self.0.pings = self.0.pings.wrapping_add(1),
            OpCode::Pong => self.0.pongs = self.0.pongs.wrapping_add(1),
            OpCode::Close | OpCode::Continuation | OpCode::Text | OpCode::Binary => {}
        }
    }
}

#[cfg(not(feature = "stats"))]
impl Counters {
    #[inline(always)]
    pub(crate) fn plain(&mut self, _: usize) {}

    #[inline(always)]
    pub(crate) fn message(&mut self, _: bool) {}

    #[inline(always)]
    pub(crate) fn compressed(&mut self) {}

    #[inline(always)]
    pub(crate) fn payload(&mut self, _: usize) {}

    #[inline(always)]
    pub(crate) fn wire(&mut self, _: usize) {}

    #[inline(always)]
    pub(crate) fn control(&mut self, _: OpCode) {}
}

#[cfg(all(test, not(feature = "stats")))]
mod tests {
    use super::*;

    #[test]
    fn counters_take_no_memory_without_the_feature() {
        assert_eq!(size_of::<Counters>(), 0);
    }
}
