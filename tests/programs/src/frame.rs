//! Frames that are built byte by byte, and frames that are read.

use std::io::{self, Read};

/// The opcode of a frame (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A frame that continues a message.
    Continuation = 0x0,
    /// The first frame of a text message.
    Text = 0x1,
    /// The first frame of a binary message.
    Binary = 0x2,
    /// A Close.
    Close = 0x8,
    /// A Ping.
    Ping = 0x9,
    /// A Pong.
    Pong = 0xA,
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;

/// The masking key. Tests do not need an unpredictable one (RFC 6455 §5.3).
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Returns the frame of a client that ends its message.
#[must_use]
pub fn last(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    build(true, opcode, payload, Some(KEY))
}

/// Returns the frame of a client whose message continues.
#[must_use]
pub fn more(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    build(false, opcode, payload, Some(KEY))
}

/// Returns `frame`, the first one of a message, with RSV1: the message is compressed (RFC 7692 §6).
#[must_use]
pub fn compressed(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(first) = frame.first_mut() {
        *first |= RSV1;
    }
    frame
}

/// Returns the header of the frame of a client that ends its message and has `len` bytes of
/// payload. The header includes the key.
#[must_use]
pub fn header(opcode: Opcode, len: u64) -> Vec<u8> {
    build_header(true, opcode, len, Some(KEY))
}

/// Returns the Close of a client with this code (RFC 6455 §5.5.1).
#[must_use]
pub fn close(code: u16) -> Vec<u8> {
    last(Opcode::Close, &code.to_be_bytes())
}

/// Returns a frame. `is_last` says that it ends its message. A client has a `key`, which masks the
/// payload, and a server has none.
#[must_use]
pub fn build(is_last: bool, opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = build_header(is_last, opcode, payload.len() as u64, key);
    mask_onto(&mut frame, payload, key);
    frame
}

/// Appends the payload. Masking and unmasking are the same.
fn mask_onto(to: &mut Vec<u8>, payload: &[u8], key: Option<[u8; 4]>) {
    let key = key.unwrap_or_default();
    to.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

fn build_header(is_last: bool, opcode: Opcode, len: u64, key: Option<[u8; 4]>) -> Vec<u8> {
    let fin = if is_last { FIN } else { 0 };
    let masked = if key.is_some() { MASKED } else { 0 };
    let mut header = vec![fin | opcode as u8];
    if let Ok(len @ 0..=125) = u8::try_from(len) {
        header.push(masked | len);
    } else if let Ok(len) = u16::try_from(len) {
        header.push(masked | 126);
        header.extend(len.to_be_bytes());
    } else {
        header.push(masked | 127);
        header.extend(len.to_be_bytes());
    }
    header.extend(key.into_iter().flatten());
    header
}

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// `true` if the frame ends its message.
    pub is_last: bool,
    /// `true` if RSV1 is set. On the first frame of a message, it says that the message is
    /// compressed (RFC 7692 §6).
    pub is_compressed: bool,
    /// The opcode as it was received.
    pub opcode: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Reads a frame of a server, without a mask.
    ///
    /// # Errors
    ///
    /// The error of `from`, or [`io::ErrorKind::InvalidData`] if the frame is masked.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        Self::read_if(from, false)
    }

    /// Reads a frame of a client, with a mask.
    ///
    /// # Errors
    ///
    /// The error of `from`, or [`io::ErrorKind::InvalidData`] if the frame is not masked.
    pub fn read_masked(from: &mut impl Read) -> io::Result<Self> {
        Self::read_if(from, true)
    }

    fn read_if(from: &mut impl Read, is_masked: bool) -> io::Result<Self> {
        let mut start = [0; 2];
        from.read_exact(&mut start)?;
        if (start[1] & MASKED != 0) != is_masked {
            let fault = if is_masked {
                "the client sent a frame without a mask"
            } else {
                "the server sent a masked frame"
            };
            return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
        }
        let len = match start[1] & !MASKED {
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
            len => len.into(),
        };
        let mut key = None;
        if is_masked {
            from.read_exact(key.insert([0; 4]))?;
        }
        // Allocates for the bytes that arrive, not for the length in the header.
        let mut received = Vec::new();
        if from.by_ref().take(len).read_to_end(&mut received)? as u64 != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut payload = Vec::new();
        mask_onto(&mut payload, &received, key);
        Ok(Self {
            is_last: start[0] & FIN != 0,
            is_compressed: start[0] & RSV1 != 0,
            opcode: start[0] & 0x0F,
            payload,
        })
    }

    /// Returns the code if this is a Close with a code.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
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
    fn frames_of_a_client_are_read() {
        for payload in [&b""[..], b"Hello", &[7; 70_000]] {
            let wire = more(Opcode::Binary, payload);
            let frame = Frame::read_masked(&mut &*wire).unwrap();
            assert!(frame.payload == payload && !frame.is_last);
        }
        let unmasked = build(true, Opcode::Text, b"Hello", None);
        assert_eq!(unmasked, b"\x81\x05Hello");
        let error = Frame::read_masked(&mut &*unmasked).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_cut_payload_is_no_frame() {
        assert!(Frame::read(&mut &[0x81, 5, b'a'][..]).is_err());
    }
}
