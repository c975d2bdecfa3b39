//! Frames of a client, built octet by octet; frames of a server, read.

use std::io::{self, Read};

/// What a frame is (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;

/// Attacks need no secret (RFC 6455 §5.3).
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame that ends its message.
pub(crate) fn last(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    build(FIN, opcode, payload)
}

/// A frame whose message goes on.
pub(crate) fn more(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    build(0, opcode, payload)
}

/// The first frame of a message, with RSV1: the message is compressed (RFC 7692 §6).
pub(crate) fn compressed(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(first) = frame.first_mut() {
        *first |= RSV1;
    }
    frame
}

/// The header of a frame that ends its message and has `len` octets of payload, key included.
pub(crate) fn header(opcode: Opcode, len: u64) -> Vec<u8> {
    build_header(FIN, opcode, len)
}

/// A Close with this code (RFC 6455 §5.5.1).
pub(crate) fn close(code: u16) -> Vec<u8> {
    last(Opcode::Close, &code.to_be_bytes())
}

/// A text frame without a mask, which a server must refuse (RFC 6455 §5.1).
pub(crate) fn unmasked() -> Vec<u8> {
    vec![FIN | Opcode::Text as u8, 2, b'h', b'i']
}

fn build(fin: u8, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = build_header(fin, opcode, payload.len() as u64);
    let key = KEY.iter().cycle();
    frame.extend(payload.iter().zip(key).map(|(octet, key)| octet ^ key));
    frame
}

fn build_header(fin: u8, opcode: Opcode, len: u64) -> Vec<u8> {
    let mut header = vec![fin | opcode as u8];
    if let Ok(len @ 0..=125) = u8::try_from(len) {
        header.push(MASKED | len);
    } else if let Ok(len) = u16::try_from(len) {
        header.push(MASKED | 126);
        header.extend(len.to_be_bytes());
    } else {
        header.push(MASKED | 127);
        header.extend(len.to_be_bytes());
    }
    header.extend(KEY);
    header
}

/// A frame that a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) is_last: bool,
    /// Whether RSV1 is set: on the first frame of a message, that it is compressed (RFC 7692 §6).
    pub(crate) is_compressed: bool,
    /// The number on the wire.
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// Reads one frame.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut start = [0; 2];
        from.read_exact(&mut start)?;
        let len = match start[1] {
            126 => {
                let mut len = [0; 2];
                from.read_exact(&mut len)?;
                u16::from_be_bytes(len).into()
            }
            127 => {
                let mut len = [0; 8];
                from.read_exact(&mut len)?;
                u64::from_be_bytes(len)
            }
            len if len & MASKED != 0 => {
                let fault = "the server sent a masked frame";
                return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
            }
            len => len.into(),
        };
        // By what arrives, not by what was announced.
        let mut payload = Vec::new();
        if from.by_ref().take(len).read_to_end(&mut payload)? as u64 != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Self {
            is_last: start[0] & FIN != 0,
            is_compressed: start[0] & RSV1 != 0,
            opcode: start[0] & 0x0F,
            payload,
        })
    }

    /// The code, if this is a Close with one.
    pub(crate) fn close_code(&self) -> Option<u16> {
        match *self.payload {
            [high, low, ..] if self.opcode == Opcode::Close as u8 => {
                Some(u16::from_be_bytes([high, low]))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masked_hello_of_the_rfc() {
        // RFC 6455 §5.7, whose key is also ours.
        let wire = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(last(Opcode::Text, b"Hello"), wire);
        assert_eq!(more(Opcode::Text, b"Hello")[0], 0x01);
    }

    #[test]
    fn each_length_has_its_shortest_form() {
        assert_eq!(header(Opcode::Binary, 125)[..2], [0x82, 0xFD]);
        assert_eq!(header(Opcode::Binary, 126)[..4], [0x82, 0xFE, 0, 126]);
        assert_eq!(header(Opcode::Binary, 65_535)[..4], [0x82, 0xFE, 255, 255]);
        let long = header(Opcode::Binary, 65_536);
        assert_eq!(long[..10], [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(long.len(), 14);
    }

    #[test]
    fn frames_of_a_server_are_read() {
        let mut wire: &[u8] = &[0x88, 2, 0x03, 0xF1, 0x41, 126, 0, 3, b'a', b'b', b'c'];
        let close = Frame::read(&mut wire).unwrap();
        assert_eq!(close.close_code(), Some(1009));
        assert!(!close.is_compressed);
        let text = Frame::read(&mut wire).unwrap();
        assert_eq!(
            (text.is_last, text.opcode, &*text.payload),
            (false, 1, &b"abc"[..])
        );
        assert_eq!(text.close_code(), None);
        assert!(text.is_compressed);
        let end = Frame::read(&mut wire).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_server_must_not_mask() {
        let error = Frame::read(&mut &*last(Opcode::Text, b"Hello")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_cut_payload_is_no_frame() {
        assert!(Frame::read(&mut &[0x81, 5, b'a'][..]).is_err());
    }
}
