//! The conversion of messages into frames (RFC 6455 §5.2, §5.4, §5.6).

use alloc::vec::Vec;

use bytes::Bytes;

use super::SendHalf;
use super::deflate::Part;
use super::lending::UNCOPIED_LEN;
use super::queue::Queue;
use crate::error::SendError;
use crate::header::{FrameHeader, MAX_HEADER_LEN};
use crate::mask::MaskKey;
use crate::message::{IntoOutgoing, MessageKind, Outgoing, Payload};
use crate::opcode::OpCode;
use crate::prepared::Prepared;

impl SendHalf {
    /// Queues a message.
    ///
    /// The message is accepted regardless of the queue length. To bound the memory, check
    /// [`has_room`](Self::has_room) first.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    /// [`SendError::UnfinishedMessage`] between the first piece of another message
    /// ([`write`](Self::write)) and its [`finish`](Self::finish).
    #[inline(always)]
    pub fn message<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), SendError> {
        let message = message.into_outgoing();
        match self.plain_message(&message, |_| {}) {
            true => Ok(()),
            false => self.queue_message(message),
        }
    }

    /// Queues a message if it is of the most frequent kind: see
    /// [`queue_plain`](super::SendLending::queue_plain). Calls `prepare` before.
    #[inline(always)]
    pub(super) fn plain_message(
        &mut self,
        message: &Outgoing<'_>,
        prepare: impl FnOnce(&mut Queue),
    ) -> bool {
        let payload = match &message.payload {
            Payload::Borrowed(payload) => *payload,
            Payload::Owned(message) => message.as_bytes(),
            Payload::Prepared(_) => return false,
        };
        let is_plain = self.is_plain && payload.len() < UNCOPIED_LEN;
        if is_plain {
            prepare(&mut self.queue);
            self.plain_frame(message.kind, payload);
        }
        is_plain
    }

    /// Queues a message in one uncompressed frame.
    #[inline(never)]
    fn plain_frame(&mut self, kind: MessageKind, payload: &[u8]) {
        self.counters.plain(payload.len());
        if self.masks.is_some() {
            return self.masked_plain_frame(kind, payload);
        }
        let len = payload.len().wrapping_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            FrameHeader::encode_plain(kind.opcode(), payload.len() as u64, None, buffer);
            buffer.extend_from_slice(payload);
        });
    }

    /// Does the same as [`plain_frame`](Self::plain_frame) on a client. A function of its own, so
    /// that the registers that it needs cost servers nothing.
    #[inline(never)]
    fn masked_plain_frame(&mut self, kind: MessageKind, payload: &[u8]) {
        let Some(key) = self.next_key() else {
            return;
        };
        let len = payload.len().wrapping_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            FrameHeader::encode_plain(kind.opcode(), payload.len() as u64, Some(key), buffer);
            key.append_masked(payload, buffer);
        });
    }

    /// The slow path of [`message`](Self::message).
    fn queue_message(&mut self, message: Outgoing<'_>) -> Result<(), SendError> {
        self.make_free()?;
        let compresses = self.compresses(&message);
        self.counters.plain(message.as_bytes().len());
        let opcode = message.kind.opcode();
        match message.payload {
            Payload::Prepared(prepared) if !self.fragments(prepared.as_bytes()) => {
                self.prepared(prepared, compresses);
            }
            payload if compresses => self.compressed(opcode, Part::Message, payload),
            payload => self.uncompressed(opcode, payload),
        }
        Ok(())
    }

    /// Returns `true` if this payload is sent in more than one frame.
    #[inline]
    pub(super) fn fragments(&self, payload: &[u8]) -> bool {
        let most = self.config.shared.fragment_len;
        most.is_some_and(|most| payload.len() > most.get())
    }

    /// Queues an uncompressed message.
    pub(super) fn uncompressed(&mut self, opcode: OpCode, payload: Payload<'_>) {
        let len = payload.as_bytes().len();
        if self.fragments(payload.as_bytes()) {
            return self.queue_long(opcode, false, payload.into_bytes());
        }
        match payload {
            Payload::Borrowed(payload) => self.final_frame(opcode, payload),
            payload if len < UNCOPIED_LEN => self.final_frame(opcode, payload.as_bytes()),
            payload => self.uncopied_frame(opcode, payload.into_bytes()),
        }
        self.message_ends();
    }

    /// Queues a prepared message in one frame.
    fn prepared(&mut self, prepared: &Prepared, compress: bool) {
        let compressed = match compress {
            true => self.compressed_once(prepared),
            false => None,
        };
        if compressed.is_some() {
            self.counters.compressed();
        }
        let frame = compressed.unwrap_or(prepared.plain());
        if let Some(key) = self.next_key() {
            let header = FrameHeader {
                rsv1: compressed.is_some(),
                ..FrameHeader::new(prepared.kind().opcode(), frame.payload().len() as u64)
            };
            self.masked_frame(header, key, frame.payload());
        } else if frame.bytes.len() < UNCOPIED_LEN {
            self.queue.append(frame.bytes.len(), |buffer| {
                buffer.extend_from_slice(&frame.bytes);
            });
        } else {
            self.queue.insert(frame.bytes.clone());
        }
        self.message_ends();
    }

    /// Queues a final, uncompressed frame with a copy of the payload.
    pub(super) fn final_frame(&mut self, opcode: OpCode, payload: &[u8]) {
        self.counters.control(opcode);
        self.frame(FrameHeader::new(opcode, payload.len() as u64), payload);
    }

    /// Queues a frame with this header, masked on a client.
    pub(super) fn frame(&mut self, header: FrameHeader, payload: &[u8]) {
        if let Some(key) = self.next_key() {
            return self.masked_frame(header, key, payload);
        }
        let len = payload.len().saturating_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            header.encode(buffer);
            buffer.extend_from_slice(payload);
        });
    }

    fn masked_frame(&mut self, header: FrameHeader, key: MaskKey, payload: &[u8]) {
        let mask = Some(key);
        let header = FrameHeader { mask, ..header };
        let len = payload.len().saturating_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            header.encode(buffer);
            key.append_masked(payload, buffer);
        });
    }

    pub(super) fn header(&mut self, header: &FrameHeader) {
        self.queue
            .append(MAX_HEADER_LEN, |buffer| header.encode(buffer));
    }

    fn uncopied_frame(&mut self, opcode: OpCode, payload: Bytes) {
        let mask = self.next_key();
        let header = FrameHeader {
            mask,
            ..FrameHeader::new(opcode, payload.len() as u64)
        };
        self.header(&header);
        self.queue.insert(match mask {
            None => payload,
            Some(key) => masked(payload, key),
        });
    }

    #[inline]
    fn next_key(&mut self) -> Option<MaskKey> {
        self.masks.as_mut().map(|masks| masks.next_key())
    }
}

/// Masks a payload, in place if it is not shared.
fn masked(payload: Bytes, key: MaskKey) -> Bytes {
    match payload.try_into_mut() {
        Ok(mut own) => {
            key.apply(&mut own);
            own.freeze()
        }
        Err(shared) => {
            let mut copy = Vec::new();
            key.append_masked(&shared, &mut copy);
            copy.into()
        }
    }
}
