//! Messages that are sent in more than one frame (RFC 6455 §5.4).
//!
//! Such a message is queued whole and cut while the transport takes it, so that control frames can
//! be sent at the next frame boundary.

use alloc::boxed::Box;

use bytes::Bytes;

use super::SendHalf;
use super::lending::UNCOPIED_LEN;
use crate::header::FrameHeader;
use crate::opcode::OpCode;

/// The number of queued bytes from which no further frames are made until the transport takes some
/// bytes. Below this number, several small fragments are made, so that they share a write.
const FRAMES_AHEAD: usize = 16 * 1024;

/// The rest of a message whose frames are made later.
pub(super) struct Long {
    /// The opcode of the next frame.
    opcode: OpCode,
    /// The reserved bit of the next frame. It is set only on the first frame of a compressed
    /// message (RFC 7692 §6.1).
    rsv1: bool,
    /// The payload for which no frame has been made. It is never empty.
    rest: Bytes,
}

impl SendHalf {
    /// Queues a message that is longer than the maximum fragment.
    pub(super) fn queue_long(&mut self, opcode: OpCode, rsv1: bool, payload: Bytes) {
        self.long = Some(Box::new(Long {
            opcode,
            rsv1,
            rest: payload,
        }));
        self.next_frames();
    }

    /// Returns the number of bytes for which no frame has been made.
    #[inline]
    pub(super) fn rest_of_long(&self) -> usize {
        self.long.as_ref().map_or(0, |long| long.rest.len())
    }

    /// Makes the next frames. A waiting Close follows the last one.
    #[cold]
    pub(super) fn next_frames(&mut self) {
        while self.queue.len() < FRAMES_AHEAD && self.long.is_some() {
            self.next_frame();
        }
        self.refresh();
    }

    /// Makes all remaining frames at once, because something must follow the message.
    pub(super) fn finish_long(&mut self) {
        while self.long.is_some() {
            self.next_frame();
        }
        self.refresh();
    }

    /// Drops the rest of the message, so that it stays incomplete. Then queues a waiting Close.
    pub(super) fn drop_long(&mut self) {
        if self.long.take().is_some() {
            self.refresh();
        }
        if self.close_waits {
            self.close_frame();
        }
    }

    fn next_frame(&mut self) {
        let Some(long) = &mut self.long else {
            return;
        };
        let most = self.config.shared.fragment_len;
        let len = most.map_or(usize::MAX, |most| most.get());
        let piece = long.rest.split_to(len.min(long.rest.len()));
        let fin = long.rest.is_empty();
        let header = FrameHeader {
            fin,
            rsv1: core::mem::take(&mut long.rsv1),
            ..FrameHeader::new(long.opcode, piece.len() as u64)
        };
        long.opcode = OpCode::Continuation;
        if fin {
            self.long = None;
        }
        match self.masks {
            None if piece.len() >= UNCOPIED_LEN => {
                self.header(&header);
                self.queue.insert(piece);
            }
            _ => self.frame(header, &piece),
        }
        if fin {
            self.message_ends();
        }
        if fin && self.close_waits {
            self.close_frame();
        }
    }
}
