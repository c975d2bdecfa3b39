//! A message that arrives in pieces (RFC 6455 §5.4).

use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::text::MessageBuffer;
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// The message under assembly, and after its last frame the finished one until the next step.
#[derive(Default)]
pub(super) struct Assembly {
    phase: Phase,
    buffer: MessageBuffer,
    /// Frames of the message so far.
    frames: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// No message; the buffer has memory to use again.
    #[default]
    Idle,
    /// Frames of a message have arrived, its last one has not.
    Open,
    /// The message is whole, or was handed over.
    Finished,
}

impl Assembly {
    /// Whether the next data frame must be a continuation.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether there is memory that [`trim`](Self::trim) could give back.
    #[inline]
    pub(super) fn holds_memory(&self) -> bool {
        self.buffer.holds_memory()
    }

    /// Bytes of the open message so far.
    pub(super) fn len(&self) -> usize {
        match self.phase {
            Phase::Idle | Phase::Finished => 0,
            Phase::Open => self.buffer.octets().len(),
        }
    }

    /// Frames of the open message so far.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Counts a frame of the open message.
    pub(super) fn count_frame(&mut self) {
        self.frames = self.frames.saturating_add(1);
    }

    /// Begins a message, in the memory of the one before.
    pub(super) fn begin(&mut self, kind: MessageKind) {
        self.buffer.begin(kind);
        self.phase = Phase::Open;
        self.frames = 0;
    }

    /// Appends payload of the open message: see [`MessageBuffer::append`].
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

    /// The finished message.
    pub(super) fn message(&self) -> Option<MessageRef<'_>> {
        (self.phase == Phase::Finished).then(|| self.buffer.message())
    }

    /// The finished message with its memory.
    pub(super) fn take(&mut self) -> Option<Message> {
        if self.phase != Phase::Finished {
            return None;
        }
        self.phase = Phase::Idle;
        Some(self.buffer.take())
    }

    /// Gives up the open message: kind and state of the text check for whoever goes on with it. Its bytes can be seen
    /// ([`octets`](Self::octets)) until they are forgotten.
    pub(super) fn hand_over(&mut self) -> Option<(MessageKind, Utf8Stream)> {
        if self.phase != Phase::Open {
            return None;
        }
        self.phase = Phase::Finished;
        Some((self.buffer.kind(), self.buffer.utf8()))
    }

    /// The bytes of a message that was finished or handed over.
    pub(super) fn octets(&self) -> &[u8] {
        match self.phase {
            Phase::Idle | Phase::Open => &[],
            Phase::Finished => self.buffer.octets(),
        }
    }

    /// Forgets a finished message but keeps its memory for the next.
    pub(super) fn forget_finished(&mut self) {
        if self.phase == Phase::Finished {
            self.phase = Phase::Idle;
        }
    }

    /// Gives back memory that no message needs: all of it, or what an earlier message left beyond the need of this.
    pub(super) fn trim(&mut self) {
        match self.phase {
            Phase::Idle => self.buffer = MessageBuffer::default(),
            Phase::Open | Phase::Finished => self.buffer.trim(),
        }
    }
}
