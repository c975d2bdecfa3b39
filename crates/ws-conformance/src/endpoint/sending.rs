//! The sending half of a connection: frames, messages and streamed payloads, valid or not.

use super::connection::{Connection, State};
use crate::script::{Frame, Pacing, Payload};
use crate::wire::{apply_mask, write_header};

impl Connection {
    /// Sends a frame in any state.
    pub(crate) fn send_frame(&mut self, frame: &Frame) {
        if self.state == State::Closed {
            return;
        }
        let bytes = self.channel.encode(frame);
        self.outbox.push(bytes, frame.pacing, &mut self.channel.log);
    }

    /// Sends a message in frames of at most `fragment` bytes. As in the original, a message of an
    /// exact multiple ends with an empty frame.
    pub(crate) fn send_message(
        &mut self,
        binary: bool,
        payload: &Payload,
        fragment: Option<usize>,
        pacing: Pacing,
    ) {
        let opcode = if binary { 2 } else { 1 };
        self.send_frames(Frame::new(opcode, payload.clone()).paced(pacing), fragment);
    }

    /// Sends a message that was compressed, as [`send_message`](Self::send_message) does: RSV1 is
    /// set in its first frame (RFC 7692 §6.1).
    pub(crate) fn send_compressed(
        &mut self,
        binary: bool,
        compressed: &[u8],
        fragment: Option<usize>,
    ) {
        let opcode = if binary { 2 } else { 1 };
        let whole = Frame::new(opcode, compressed).with_rsv(4);
        self.send_frames(whole, fragment);
    }

    /// Sends a frame as several, of at most `fragment` bytes.
    fn send_frames(&mut self, whole: Frame, fragment: Option<usize>) {
        let payload = &whole.payload;
        let size = match fragment {
            Some(size) if payload.len() > size => size,
            _ => return self.send_frame(&whole),
        };
        for start in (0..=payload.len()).step_by(size) {
            let mut frame = Frame::continuation(part(payload, start, size)).paced(whole.pacing);
            if start == 0 {
                (frame.opcode, frame.rsv) = (whole.opcode, whole.rsv);
            }
            frame.fin = start + size > payload.len();
            self.send_frame(&frame);
        }
    }

    /// Sends the header of a non-final text frame without its payload.
    pub(crate) fn send_text_header(&mut self, len: usize) {
        if self.state != State::Open {
            return;
        }
        let frame = Frame::text(Payload::repeated(b" ", len)).unfinished();
        let header = self.channel.header(&frame);
        let mut bytes = Vec::new();
        write_header(header, &mut bytes);
        self.outbox
            .push(bytes, Pacing::Plain, &mut self.channel.log);
        self.streamed = Some((header.key, 0));
    }

    /// Sends bytes of the payload that a header announced.
    pub(crate) fn stream(&mut self, payload: &Payload) {
        if self.state != State::Open {
            return;
        }
        let mut bytes = payload.to_vec();
        if let Some((key, sent)) = &mut self.streamed {
            if let Some(key) = key {
                apply_mask(&mut bytes, *key, *sent);
            }
            *sent += bytes.len();
        }
        self.outbox
            .push(bytes, Pacing::Plain, &mut self.channel.log);
    }
}

/// Returns the bytes of a payload from `start` on, at most `size`.
fn part(payload: &Payload, start: usize, size: usize) -> Payload {
    let end = payload.len().min(start + size);
    let mut bytes = Vec::with_capacity(end - start);
    payload.append_range(start..end, &mut bytes);
    bytes.into()
}
