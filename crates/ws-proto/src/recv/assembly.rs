//! The assembly of a message that arrives in pieces (RFC 6455 §5.4).

use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::text::MessageBuffer;
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// The message under assembly. After its last frame it stays available until the next step.
#[derive(Default)]
pub(super) struct Assembly {
    phase: Phase,
    buffer: MessageBuffer,
    /// The number of frames of the message so far.
    frames: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// There is no message. The buffer may have memory to reuse.
    #[default]
    Idle,
    /// Frames of a message have arrived, but not its last one.
    Open,
    /// The message is complete, or it is now received piece by piece
    /// ([`hand_over`](Assembly::hand_over)).
    Finished,
}

impl Assembly {
    /// Returns `true` if the next data frame must be a continuation.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Returns `true` if [`trim`](Self::trim) may free memory.
    #[inline]
    pub(super) fn holds_memory(&self) -> bool {
        self.buffer.holds_memory()
    }

    /// Returns the bytes of memory, including those that are free.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Returns the number of bytes by which [`capacity`](Self::capacity) can grow if `len` bytes
    /// are appended to the open message.
    pub(super) fn growth(&self, len: usize) -> usize {
        let needed = self.len().saturating_add(len);
        match needed.checked_sub(self.capacity()) {
            None | Some(0) => 0,
            // The capacity is doubled.
            Some(missing) => missing.max(self.capacity()),
        }
    }

    /// Returns the number of bytes of the open message so far.
    pub(super) fn len(&self) -> usize {
        match self.phase {
            Phase::Idle | Phase::Finished => 0,
            Phase::Open => self.buffer.bytes().len(),
        }
    }

    /// Returns the number of frames of the open message so far.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    pub(super) fn count_frame(&mut self) {
        self.frames = self.frames.saturating_add(1);
    }

    /// Begins a message in the memory of the previous one.
    pub(super) fn begin(&mut self, kind: MessageKind) {
        self.buffer.begin(kind);
        self.phase = Phase::Open;
        self.frames = 0;
    }

    /// Appends payload to the open message: see [`MessageBuffer::append`].
    pub(super) fn append(
        &mut self,
        payload: &[u8],
        key: Option<MaskKey>,
        expected: u64,
    ) -> Result<(), InvalidUtf8> {
        self.buffer.append(payload, key, expected)
    }

    /// Ends the open message.
    pub(super) fn finish(&mut self) -> Result<(), InvalidUtf8> {
        self.buffer.finish()?;
        self.phase = Phase::Finished;
        Ok(())
    }

    /// Returns the finished message.
    pub(super) fn message(&self) -> Option<MessageRef<'_>> {
        (self.phase == Phase::Finished).then(|| self.buffer.message())
    }

    /// Takes the finished message with its memory.
    pub(super) fn take(&mut self) -> Option<Message> {
        if self.phase != Phase::Finished {
            return None;
        }
        self.phase = Phase::Idle;
        Some(self.buffer.take())
    }

    /// Ends the assembly of the open message, so that it can be received piece by piece. Returns
    /// the kind of the message and the state of its UTF-8 check. [`bytes`](Self::bytes) returns the
    /// bytes so far until [`forget_finished`](Self::forget_finished) drops them.
    pub(super) fn hand_over(&mut self) -> Option<(MessageKind, Utf8Stream)> {
        if self.phase != Phase::Open {
            return None;
        }
        self.phase = Phase::Finished;
        Some((self.buffer.kind(), self.buffer.utf8()))
    }

    /// Returns the bytes of a finished message, or of a message after
    /// [`hand_over`](Self::hand_over).
    pub(super) fn bytes(&self) -> &[u8] {
        match self.phase {
            Phase::Idle | Phase::Open => &[],
            Phase::Finished => self.buffer.bytes(),
        }
    }

    /// Drops a finished message, but keeps its memory for the next one.
    pub(super) fn forget_finished(&mut self) {
        if self.phase == Phase::Finished {
            self.phase = Phase::Idle;
        }
    }

    /// Frees memory that no message needs. Without a message, this is all memory. Otherwise, it is
    /// the excess from an earlier, longer message.
    pub(super) fn trim(&mut self) {
        match self.phase {
            Phase::Idle => self.buffer = MessageBuffer::default(),
            Phase::Open | Phase::Finished => self.buffer.trim(),
        }
    }
}
