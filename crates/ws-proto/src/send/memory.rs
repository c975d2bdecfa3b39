//! The memory of a sending half, for drivers that limit the memory of many connections together.

use super::SendHalf;
use crate::error::LimitError;

impl SendHalf {
    /// Returns the bytes of memory of everything that is queued. A payload that is shared with
    /// other queues counts in each. So does a [lent](crate::SendLending::lend_payload) one.
    ///
    /// Compressors have [a count of their own](Self::codec_memory).
    pub fn held(&self) -> usize {
        let deflation = self.deflation.as_ref();
        self.queue
            .memory()
            .saturating_add(self.rest_of_long())
            .saturating_add(deflation.map_or(0, |deflation| deflation.pending_memory()))
    }

    /// Returns the bytes of memory of the compressor.
    pub fn codec_memory(&self) -> usize {
        let deflation = self.deflation.as_ref();
        deflation.map_or(0, |deflation| deflation.memory())
    }

    /// Returns the bytes of memory that the compressor will allocate and keep between messages. 0
    /// once it has done so, and without context takeover.
    pub fn missing_codec_memory(&self) -> usize {
        let deflation = self.deflation.as_ref();
        deflation.map_or(0, |deflation| deflation.missing_memory())
    }

    /// Returns `true` after [`refuse`](Self::refuse) has failed the connection.
    pub fn is_refused(&self) -> bool {
        self.failure() == Some(LimitError::OverBudget.into())
    }

    /// Fails the connection with [`LimitError::OverBudget`], because the caller has no memory for
    /// it. Queues a Close with the code 1013, as after a violation (RFC 6455 §7.1.7).
    ///
    /// The caller must then [discard](crate::RecvLending::discard) the input. This has no effect if
    /// the outcome of the connection is decided.
    pub fn refuse(&mut self) {
        self.fail(LimitError::OverBudget.into());
    }
}
