//! Sending a message piece by piece (RFC 6455 §5.4).

use super::SendHalf;
use super::deflate::Part;
use crate::error::SendError;
use crate::header::FrameHeader;
use crate::message::{MessageKind, Payload};
use crate::opcode::OpCode;
use crate::utf8::Utf8Stream;

/// A message that is sent piece by piece.
pub(super) struct Unfinished {
    kind: MessageKind,
    /// What was queued of a text.
    utf8: Utf8Stream,
    /// Its first frame was queued.
    is_under_way: bool,
    is_compressed: bool,
}

impl Unfinished {
    /// Takes a piece of text into account, or leaves everything as it was.
    fn check(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if self.kind == MessageKind::Text {
            let mut utf8 = self.utf8;
            utf8.push(payload).map_err(|_| SendError::NotUtf8)?;
            self.utf8 = utf8;
        }
        Ok(())
    }

    /// The opcode of the next frame, which is about to be queued.
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
    /// Once a piece was queued, no other message can be sent until [`finish`](Self::finish), because fragments of two
    /// messages must not mix; control frames and a Close can. Before that, another message takes its place.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended, [`SendError::UnfinishedMessage`] if
    /// frames of another message were queued and its end was not.
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

    /// The message that was begun leaves as it is, also where compression was agreed (RFC 7692 §6). Without effect once
    /// a piece was queued.
    pub fn leave_uncompressed(&mut self) {
        if let Some(message) = &mut self.unfinished {
            message.is_compressed &= message.is_under_way;
        }
    }

    /// The kind of the message of which frames were queued and the end was not.
    pub fn unfinished(&self) -> Option<MessageKind> {
        let unfinished = self.unfinished.as_ref();
        unfinished
            .filter(|message| message.is_under_way)
            .map(|message| message.kind)
    }

    /// Queues a piece of the message that was begun, as a frame of its own; an empty piece is none. Text may be cut inside a
    /// character.
    ///
    /// # Errors
    ///
    /// [`SendError::NotUtf8`] if it cannot continue the text: nothing was queued, and other bytes may be tried.
    /// [`SendError::NoMessage`] if none was begun, [`SendError::Closing`].
    pub fn write(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        let Some(message) = &mut self.unfinished else {
            return Err(SendError::NoMessage);
        };
        message.check(payload)?;
        if payload.is_empty() {
            return Ok(());
        }
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
    /// [`SendError::NotUtf8`] if text ends inside a character: nothing was queued, and the message is still unfinished.
    /// [`SendError::NoMessage`] if none was begun, [`SendError::Closing`].
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
        self.refresh();
        self.finish_work();
        self.finish_long();
        if is_compressed {
            self.compressed(opcode, Part::End, Payload::Borrowed(&[]));
        } else {
            self.frame(FrameHeader::new(opcode, 0), &[]);
        }
        Ok(())
    }

    /// Makes way for a new message, if it may begin. One that was begun without a piece is forgotten.
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
