//! Frames to send, legal or not.

use super::{Header, apply_mask, write_header};
use crate::role::Role;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A frame to send. It begins as a legal one; what is to be wrong with it is said by methods.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) fin: bool,
    pub(crate) rsv: u8,
    pub(crate) payload: Vec<u8>,
    length: Length,
    masking: Masking,
}

/// What a header says about the length of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// The truth, in the shortest form.
    Shortest,
    /// The truth, in 16 bits.
    Bits16,
    /// The truth, in 64 bits.
    Bits64,
    /// This, in 64 bits.
    Announced(u64),
}

/// How a frame is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Masking {
    /// As it has to be (RFC 6455 §5.1).
    ByRole,
    /// The other way round.
    Wrong,
    /// With this key.
    Key([u8; 4]),
}

impl Frame {
    /// A final frame with this opcode, of which there are sixteen.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            opcode,
            fin: true,
            rsv: 0,
            payload: payload.into(),
            length: Length::Shortest,
            masking: Masking::ByRole,
        }
    }

    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::new(TEXT, text)
    }

    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(BINARY, payload)
    }

    pub(crate) fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(CONTINUATION, payload)
    }

    pub(crate) fn ping(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(PING, payload)
    }

    pub(crate) fn pong(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(PONG, payload)
    }

    pub(crate) fn close(code: u16, reason: &[u8]) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes()[..], reason].concat())
    }

    /// More of the message follows.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    /// 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub(crate) fn with_rsv(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    pub(crate) fn length_in_16_bits(self) -> Self {
        let length = Length::Bits16;
        Self { length, ..self }
    }

    pub(crate) fn length_in_64_bits(self) -> Self {
        let length = Length::Bits64;
        Self { length, ..self }
    }

    /// Announces a payload of this length, whatever the payload is.
    pub(crate) fn announcing(self, len: u64) -> Self {
        let length = Length::Announced(len);
        Self { length, ..self }
    }

    /// Masked for a client, not masked for a server.
    pub(crate) fn wrongly_masked(self) -> Self {
        let masking = Masking::Wrong;
        Self { masking, ..self }
    }

    pub(crate) fn masked_with(self, key: [u8; 4]) -> Self {
        let masking = Masking::Key(key);
        Self { masking, ..self }
    }

    /// Its header and its octets, for a testee with this role. `key` is for a frame that is masked
    /// and does not say with what.
    pub(crate) fn encode(&self, testee: Role, key: [u8; 4]) -> (Header, Vec<u8>) {
        let key = match self.masking {
            Masking::ByRole => (testee == Role::Server).then_some(key),
            Masking::Wrong => (testee == Role::Client).then_some(key),
            Masking::Key(key) => Some(key),
        };
        let header = Header {
            fin: self.fin,
            rsv: self.rsv,
            opcode: self.opcode,
            key,
            payload_len: self.payload.len() as u64,
        };
        let mut octets = Vec::new();
        self.write_header(header, &mut octets);
        let start = octets.len();
        octets.extend_from_slice(&self.payload);
        if let Some(key) = key {
            apply_mask(&mut octets[start..], key, 0);
        }
        (header, octets)
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

    fn to_client(frame: Frame) -> Vec<u8> {
        frame.encode(Role::Client, [1, 2, 3, 4]).1
    }

    fn to_server(frame: Frame) -> Vec<u8> {
        frame.encode(Role::Server, [1, 2, 3, 4]).1
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
