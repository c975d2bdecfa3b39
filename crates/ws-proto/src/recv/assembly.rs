//! A message that arrives in pieces (RFC 6455 §5.4).

use alloc::vec::Vec;

use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::text::{TextBuffer, append_unmasked, trim};
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// The message under assembly, and after its last frame the finished one until the next call.
#[derive(Default)]
pub(super) struct Assembly {
    stage: Stage,
    content: Content,
    /// Frames of the message so far.
    frames: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// No message; `content` is memory to use again.
    #[default]
    Idle,
    /// Frames of a message have arrived, its last one has not.
    Open,
    /// The message is whole.
    Finished,
}

enum Content {
    Binary(Vec<u8>),
    Text(TextBuffer),
}

impl Default for Content {
    fn default() -> Self {
        Content::Binary(Vec::new())
    }
}

impl Content {
    fn into_octets(self) -> Vec<u8> {
        match self {
            Content::Binary(octets) => octets,
            Content::Text(text) => text.into_octets(),
        }
    }
}

impl Assembly {
    /// Whether the next data frame must be a continuation.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether there is memory that [`trim`](Self::trim) could give back.
    #[inline]
    pub(super) fn holds_memory(&self) -> bool {
        match &self.content {
            Content::Binary(octets) => octets.capacity() > 0,
            Content::Text(text) => text.holds_memory(),
        }
    }

    /// Octets of the open message so far.
    pub(super) fn len(&self) -> usize {
        match (&self.content, self.stage) {
            (_, Stage::Idle | Stage::Finished) => 0,
            (Content::Binary(octets), Stage::Open) => octets.len(),
            (Content::Text(text), Stage::Open) => text.len(),
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
        let mut octets = core::mem::take(&mut self.content).into_octets();
        octets.clear();
        self.content = match kind {
            MessageKind::Binary => Content::Binary(octets),
            MessageKind::Text => Content::Text(TextBuffer::reuse(octets)),
        };
        self.stage = Stage::Open;
        self.frames = 0;
    }

    /// Appends payload of the open message; `expected` octets of its frame, these included, are yet to come.
    pub(super) fn append(
        &mut self,
        payload: &[u8],
        key: Option<MaskKey>,
        expected: u64,
    ) -> Result<(), InvalidUtf8> {
        match &mut self.content {
            Content::Binary(octets) => {
                append_unmasked(octets, payload, key, expected);
                Ok(())
            }
            Content::Text(text) => text.append(payload, key, expected),
        }
    }

    /// Ends the open message.
    pub(super) fn finish(&mut self) -> Result<(), InvalidUtf8> {
        if let Content::Text(text) = &self.content {
            text.finish()?;
        }
        self.stage = Stage::Finished;
        Ok(())
    }

    /// The finished message.
    pub(super) fn message(&self) -> Option<MessageRef<'_>> {
        (self.stage == Stage::Finished).then_some(match &self.content {
            Content::Binary(octets) => MessageRef::Binary(octets),
            Content::Text(text) => MessageRef::Text(text.as_str()),
        })
    }

    /// The finished message with its memory.
    pub(super) fn take(&mut self) -> Option<Message> {
        if self.stage != Stage::Finished {
            return None;
        }
        // Whoever keeps the message keeps its memory.
        self.trim();
        self.stage = Stage::Idle;
        Some(match &mut self.content {
            Content::Binary(octets) => Message::Binary(core::mem::take(octets).into()),
            Content::Text(text) => Message::Text(text.take()),
        })
    }

    /// Gives up the open message: kind and state of the text check for whoever goes on with it. Its octets can be seen
    /// ([`octets`](Self::octets)) until they are forgotten.
    pub(super) fn hand_over(&mut self) -> Option<(MessageKind, Utf8Stream)> {
        if self.stage != Stage::Open {
            return None;
        }
        self.stage = Stage::Finished;
        Some(match &self.content {
            Content::Binary(_) => (MessageKind::Binary, Utf8Stream::default()),
            Content::Text(text) => (MessageKind::Text, text.utf8()),
        })
    }

    /// The octets of a message that was finished or handed over.
    pub(super) fn octets(&self) -> &[u8] {
        match (&self.content, self.stage) {
            (_, Stage::Idle | Stage::Open) => &[],
            (Content::Binary(octets), Stage::Finished) => octets,
            (Content::Text(text), Stage::Finished) => text.octets(),
        }
    }

    /// Forgets a finished message but keeps its memory for the next.
    pub(super) fn forget_finished(&mut self) {
        if self.stage == Stage::Finished {
            self.stage = Stage::Idle;
        }
    }

    /// Gives back memory that no message needs: all of it, or what an earlier message left beyond the need of this.
    pub(super) fn trim(&mut self) {
        match (self.stage, &mut self.content) {
            (Stage::Idle, content) => *content = Content::default(),
            (Stage::Open | Stage::Finished, Content::Binary(octets)) => trim(octets),
            (Stage::Open | Stage::Finished, Content::Text(text)) => text.trim(),
        }
    }
}
