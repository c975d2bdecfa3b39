//! The count of the messages that the transport has taken completely.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::SendHalf;

/// The progress of the messages that were queued since counting began.
#[derive(Default)]
pub(super) struct Written {
    /// The number of bytes that the transport took.
    taken: u64,
    /// The ends of the queued messages, as values of `taken`.
    ends: VecDeque<u64>,
    /// The number of messages whose last byte was taken.
    messages: u64,
    /// `true` until the end of a message that had begun before counting did.
    is_in_earlier: bool,
}

impl Written {
    /// Records that a message ends after the `queued` bytes that are queued now.
    fn end_message(&mut self, queued: usize) {
        if !core::mem::take(&mut self.is_in_earlier) {
            let end = self.taken.saturating_add(queued as u64);
            self.ends.push_back(end);
        }
    }

    /// Records that the transport took `len` bytes.
    pub(super) fn take(&mut self, len: usize) {
        self.taken = self.taken.saturating_add(len as u64);
        while self.ends.front().is_some_and(|end| *end <= self.taken) {
            self.ends.pop_front();
            self.messages = self.messages.saturating_add(1);
        }
    }

    /// Forgets the queued messages, because the queue was dropped.
    pub(super) fn lose(&mut self) {
        self.ends.clear();
    }
}

impl SendHalf {
    /// Starts to count the messages that the transport takes completely. Messages that are queued
    /// already are not counted, and neither is one that has begun. If counting has begun already,
    /// it begins again.
    ///
    /// From now on, no message takes the fast path. A connection that does not count pays nothing.
    pub fn count_written(&mut self) {
        let written = Written {
            is_in_earlier: self.long.is_some() || self.is_busy() || self.unfinished().is_some(),
            ..Written::default()
        };
        let silence = self.silence.get_or_insert_default();
        silence.written = Some(Box::new(written));
        self.refresh();
    }

    /// Returns the number of messages whose last byte the transport took since
    /// [`count_written`](Self::count_written). 0 if nothing is counted.
    ///
    /// A transport that buffers output may still hold the end of the last ones. A message that the
    /// transport took only in part is not counted: the peer cannot have received it completely.
    pub fn written(&self) -> u64 {
        let silence = self.silence.as_ref();
        silence
            .and_then(|silence| silence.written.as_ref())
            .map_or(0, |written| written.messages)
    }

    /// Returns `true` if written messages are counted.
    pub(super) fn counts(&self) -> bool {
        let silence = self.silence.as_ref();
        silence.is_some_and(|silence| silence.written.is_some())
    }

    /// Records the end of a message at the end of the queue. Call it after the last frame of each
    /// message that does not take the fast path.
    pub(super) fn message_ends(&mut self) {
        let queued = self.queue.len();
        if let Some(silence) = &mut self.silence
            && let Some(written) = &mut silence.written
        {
            written.end_message(queued);
        }
    }
}
