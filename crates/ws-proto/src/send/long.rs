//! A message that leaves in more than one frame (RFC 6455 §5.4).
//!
//! It is queued uncut, and cut as the transport takes it, so that control frames leave at the next boundary of a frame.

use alloc::boxed::Box;

use bytes::Bytes;

use super::SendHalf;
use super::lending::UNCOPIED_LEN;
use crate::header::FrameHeader;
use crate::opcode::OpCode;

/// Bytes in frames from which on no more are made before the transport has taken them: small fragments share a write.
const FRAMES_AHEAD: usize = 16 * 1024;

/// The rest of a message of which frames are made.
pub(super) struct Long {
    /// Of the next frame.
    opcode: OpCode,
    /// It stands on the first frame of a compressed message only (RFC 7692 §6.1).
    rsv1: bool,
    /// Never empty.
    rest: Bytes,
}

impl SendHalf {
    /// Queues a message that is longer than a frame may be.
    pub(super) fn queue_long(&mut self, opcode: OpCode, rsv1: bool, payload: Bytes) {
        self.long = Some(Box::new(Long {
            opcode,
            rsv1,
            rest: payload,
        }));
        self.next_frames();
    }

    /// The bytes of which no frame has been made.
    #[inline]
    pub(super) fn rest_of_long(&self) -> usize {
        self.long.as_ref().map_or(0, |long| long.rest.len())
    }

    /// Makes the next frames, and behind the last of them a Close that waits.
    pub(super) fn next_frames(&mut self) {
        while self.queue.len() < FRAMES_AHEAD && self.long.is_some() {
            self.next_frame();
        }
        self.refresh();
    }

    /// Makes all frames at once: something has to follow the message.
    pub(super) fn finish_long(&mut self) {
        while self.long.is_some() {
            self.next_frame();
        }
        self.refresh();
    }

    /// Forgets the message: its end never leaves.
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
        if fin && self.close_waits {
            self.close_frame();
        }
    }
}
