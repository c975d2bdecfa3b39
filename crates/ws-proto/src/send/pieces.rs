//! Messages that are sent piece by piece (RFC 6455 §5.4).

use super::SendHalf;
use super::deflate::Part;
use crate::error::SendError;
use crate::header::FrameHeader;
use crate::message::{MessageKind, Payload};
use crate::opcode::OpCode;
use crate::utf8::Utf8Stream;

/// The message that is sent piece by piece.
pub(super) struct Unfinished {
    kind: MessageKind,
    /// The UTF-8 check of the text that was queued.
    utf8: Utf8Stream,
    /// `true` if the first frame has been queued.
    is_under_way: bool,
    is_compressed: bool,
}

impl Unfinished {
    /// Validates a piece of text. After an error the state is unchanged.
    fn check(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if self.kind == MessageKind::Text {
            let mut utf8 = self.utf8;
            utf8.push(payload).map_err(|_| SendError::NotUtf8)?;
            self.utf8 = utf8;
        }
        Ok(())
    }

    /// Returns the opcode of the next frame, which must then be queued.
    fn next_opcode(&mut self) -> OpCode {
        if core::mem::replace(&mut self.is_under_way, true) {
            OpCode::Continuation
        } else {
            self.kind.opcode()
        }
    }
}

impl SendHalf {
    /// Begins a message that is sent piece by piece (RFC 6455 §5.4). Nothing is queued yet.
    ///
    /// Once a piece has been queued, no other message can be sent until [`finish`](Self::finish),
    /// because the fragments of two messages must not be mixed. Control frames, including a Close,
    /// can still be sent. If another message is queued before the first piece, it replaces this
    /// message.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    /// [`SendError::UnfinishedMessage`] if pieces of another message were queued, but not its end.
    pub fn begin(&mut self, kind: MessageKind) -> Result<(), SendError> {
        self.make_free()?;
        self.unfinished = Some(Unfinished {
            kind,
            utf8: Utf8Stream::default(),
            is_under_way: false,
            is_compressed: self.deflation.is_some(),
        });
        self.refresh();
        Ok(())
    }

    /// Turns off the agreed compression for the message that was begun (RFC 7692 §6). This has no
    /// effect once a piece has been queued.
    pub fn leave_uncompressed(&mut self) {
        if let Some(message) = &mut self.unfinished {
            message.is_compressed &= message.is_under_way;
        }
    }

    /// Returns the kind of the message if pieces of it, but not its end, have been queued.
    pub fn unfinished(&self) -> Option<MessageKind> {
        let unfinished = self.unfinished.as_ref();
        unfinished
            .filter(|message| message.is_under_way)
            .map(|message| message.kind)
    }

    /// Queues a piece of the message that was begun, in a separate frame. An empty piece queues
    /// nothing. Text may be cut inside a character.
    ///
    /// # Errors
    ///
    /// [`SendError::NotUtf8`] if the bytes cannot continue the text. Nothing was queued, and other
    /// bytes may be tried. [`SendError::NoMessage`] if no message was begun. [`SendError::Closing`]
    /// once a Close was queued or the connection ended.
    pub fn write(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        let Some(message) = &mut self.unfinished else {
            return Err(SendError::NoMessage);
        };
        message.check(payload)?;
        if payload.is_empty() {
            return Ok(());
        }
        self.counters.payload(payload.len());
        self.finish_work();
        self.finish_long();
        let Some(message) = &mut self.unfinished else {
            return Err(SendError::NoMessage);
        };
        let opcode = message.next_opcode();
        if message.is_compressed {
            self.compressed(opcode, Part::Piece, Payload::Borrowed(payload));
        } else {
            let header = FrameHeader::new(opcode, payload.len() as u64);
            self.frame(
                FrameHeader {
                    fin: false,
                    ..header
                },
                payload,
            );
        }
        Ok(())
    }

    /// Queues the end of the message that was begun.
    ///
    /// # Errors
    ///
    /// [`SendError::NotUtf8`] if the text ends inside a character. Nothing was queued, and the
    /// message is still unfinished. [`SendError::NoMessage`] if no message was begun.
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn finish(&mut self) -> Result<(), SendError> {
        self.check_open()?;
        let Some(message) = &mut self.unfinished else {
            return Err(SendError::NoMessage);
        };
        if message.utf8.finish().is_err() {
            return Err(SendError::NotUtf8);
        }
        let opcode = message.next_opcode();
        let is_compressed = message.is_compressed;
        self.unfinished = None;
        self.counters.message(is_compressed);
        self.refresh();
        self.finish_work();
        self.finish_long();
        if is_compressed {
            self.compressed(opcode, Part::End, Payload::Borrowed(&[]));
        } else {
            self.frame(FrameHeader::new(opcode, 0), &[]);
            self.message_ends();
        }
        Ok(())
    }

    /// Prepares for a new message: completes a long message before it, and drops a message that was
    /// begun but has no piece yet. Fails if no message may begin.
    pub(super) fn make_free(&mut self) -> Result<(), SendError> {
        self.check_open()?;
        if self.unfinished().is_some() {
            return Err(SendError::UnfinishedMessage);
        }
        if self.unfinished.take().is_some() {
            self.refresh();
        }
        self.finish_work();
        self.finish_long();
        Ok(())
    }
}
