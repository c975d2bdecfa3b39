//! Frames to send, valid or not.

use super::{Header, Payload, apply_mask, write_header};
use crate::role::Role;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The division of a frame into TCP writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// Together with the other bytes to send.
    #[default]
    Plain,
    /// A frame in a write of its own.
    OwnWrite,
    /// A frame, header included, in writes of this size.
    Chop(usize),
}

/// A frame to send. The constructor makes a valid one, and methods make it wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Four bits, reserved opcodes included.
    pub opcode: u8,
    /// `true` if it is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub rsv: u8,
    /// The payload before masking.
    pub payload: Payload,
    /// The division into TCP writes.
    pub pacing: Pacing,
    length: Length,
    masking: Masking,
}

/// The payload length in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// The true length, in the shortest form.
    Shortest,
    /// The true length, in 16 bits.
    Bits16,
    /// The true length, in 64 bits.
    Bits64,
    /// This length, in 64 bits.
    Announced(u64),
}

/// The masking of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Masking {
    /// As RFC 6455 §5.1 requires.
    ByRole,
    /// The opposite of what RFC 6455 §5.1 requires.
    Wrong,
    /// Masked with this key.
    Key([u8; 4]),
}

impl Frame {
    /// Creates a final frame with this opcode, from 0 to 15.
    pub fn new(opcode: u8, payload: impl Into<Payload>) -> Self {
        Self {
            opcode,
            fin: true,
            rsv: 0,
            payload: payload.into(),
            pacing: Pacing::Plain,
            length: Length::Shortest,
            masking: Masking::ByRole,
        }
    }

    pub(crate) fn text(text: impl Into<Payload>) -> Self {
        Self::new(TEXT, text)
    }

    pub(crate) fn binary(payload: impl Into<Payload>) -> Self {
        Self::new(BINARY, payload)
    }

    pub(crate) fn continuation(payload: impl Into<Payload>) -> Self {
        Self::new(CONTINUATION, payload)
    }

    pub(crate) fn ping(payload: impl Into<Payload>) -> Self {
        Self::new(PING, payload)
    }

    pub(crate) fn pong(payload: impl Into<Payload>) -> Self {
        Self::new(PONG, payload)
    }

    pub(crate) fn close(code: u16, reason: &[u8]) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes()[..], reason].concat())
    }

    /// Clears FIN, because more of the message follows.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    /// Sets the reserved bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub(crate) fn with_rsv(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    pub(crate) fn paced(self, pacing: Pacing) -> Self {
        Self { pacing, ..self }
    }

    pub(crate) fn length_in_16_bits(self) -> Self {
        let length = Length::Bits16;
        Self { length, ..self }
    }

    pub(crate) fn length_in_64_bits(self) -> Self {
        let length = Length::Bits64;
        Self { length, ..self }
    }

    /// Announces a payload of this length, regardless of the payload.
    pub(crate) fn announcing(self, len: u64) -> Self {
        let length = Length::Announced(len);
        Self { length, ..self }
    }

    /// Masks the frame for a client, and does not mask it for a server.
    pub(crate) fn wrongly_masked(self) -> Self {
        let masking = Masking::Wrong;
        Self { masking, ..self }
    }

    pub(crate) fn masked_with(self, key: [u8; 4]) -> Self {
        let masking = Masking::Key(key);
        Self { masking, ..self }
    }

    /// Returns the header for a testee with this role. `key` is used if the frame is masked and
    /// does not contain a key of its own.
    pub(crate) fn header(&self, testee: Role, key: [u8; 4]) -> Header {
        let key = match self.masking {
            Masking::ByRole => (testee == Role::Server).then_some(key),
            Masking::Wrong => (testee == Role::Client).then_some(key),
            Masking::Key(key) => Some(key),
        };
        Header {
            fin: self.fin,
            rsv: self.rsv,
            opcode: self.opcode,
            key,
            payload_len: self.payload.len() as u64,
        }
    }

    /// Returns the bytes of the frame with this header.
    pub(crate) fn encode(&self, header: Header) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 14);
        self.write_header(header, &mut bytes);
        let start = bytes.len();
        self.payload.append_range(0..self.payload.len(), &mut bytes);
        if let Some(key) = header.key {
            apply_mask(&mut bytes[start..], key, 0);
        }
        bytes
    }

    fn write_header(&self, header: Header, out: &mut Vec<u8>) {
        let len = header.payload_len;
        let (form, len) = match self.length {
            Length::Shortest => return write_header(header, out),
            Length::Bits16 => (126, (len as u16).to_be_bytes().to_vec()),
            Length::Bits64 => (127, len.to_be_bytes().to_vec()),
            Length::Announced(len) => (127, len.to_be_bytes().to_vec()),
        };
        out.push(u8::from(header.fin) << 7 | (header.rsv & 7) << 4 | header.opcode & 15);
        out.push(u8::from(header.key.is_some()) << 7 | form);
        out.extend(len);
        out.extend(header.key.iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    fn to_client(frame: Frame) -> Vec<u8> {
        frame.encode(frame.header(Role::Client, KEY))
    }

    fn to_server(frame: Frame) -> Vec<u8> {
        frame.encode(frame.header(Role::Server, KEY))
    }

    #[test]
    fn a_frame_is_masked_for_servers() {
        assert_eq!(to_client(Frame::text("a")), b"\x81\x01a");
        assert_eq!(to_server(Frame::text("a")), b"\x81\x81\x01\x02\x03\x04\x60");
    }

    #[test]
    fn what_is_wrong_with_a_frame_is_wrong_on_the_wire() {
        assert_eq!(to_server(Frame::text("a").wrongly_masked()), b"\x81\x01a");
        assert_eq!(to_client(Frame::text("a").wrongly_masked())[1], 0x81);
        assert_eq!(
            to_client(Frame::text("a").length_in_16_bits()),
            b"\x81\x7e\x00\x01a"
        );
        let long = to_client(Frame::text("a").length_in_64_bits());
        assert_eq!(long, b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01a");
        let bits = to_server(Frame::text("a").with_rsv(5).length_in_16_bits());
        assert_eq!(bits, b"\xd1\xfe\x00\x01\x01\x02\x03\x04\x60");
        let huge = to_client(Frame::binary("").announcing(1 << 63));
        assert_eq!(huge, b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00");
        assert_eq!(
            to_client(Frame::ping("").unfinished().with_rsv(4)),
            b"\x49\x00"
        );
        assert_eq!(
            to_server(Frame::pong("ab").masked_with(*b"abcd"))[6..],
            [0, 0]
        );
    }
}
