//! Frames that are encoded and parsed by hand (RFC 6455 §5.2).

use std::io::{self, ErrorKind, Read};

/// Opcode of a continuation frame.
pub const CONTINUATION: u8 = 0x0;
/// Opcode of a text frame.
pub const TEXT: u8 = 0x1;
/// Opcode of a binary frame.
pub const BINARY: u8 = 0x2;
/// Opcode of a Close.
pub const CLOSE: u8 = 0x8;
/// Opcode of a Ping.
pub const PING: u8 = 0x9;
/// Opcode of a Pong.
pub const PONG: u8 = 0xa;

/// The bit of the first byte that marks a compressed message (RFC 7692 §6).
pub const RSV1: u8 = 0x40;

/// The masking key of a client. Tests do not need an unpredictable one (RFC 6455 §5.3).
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The sender of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A client. It masks its frames.
    Client,
    /// A server. It does not mask its frames.
    Server,
}

impl From {
    fn key(self) -> Option<[u8; 4]> {
        (self == Self::Client).then_some(KEY)
    }

    /// Returns a frame with FIN.
    #[must_use]
    pub fn frame(self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        encode(0x80 | opcode, self.key(), payload)
    }

    /// Returns a frame without FIN.
    #[must_use]
    pub fn fragment(self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        encode(opcode, self.key(), payload)
    }

    /// Returns a text message in one frame.
    #[must_use]
    pub fn text(self, text: &str) -> Vec<u8> {
        self.frame(TEXT, text.as_bytes())
    }

    /// Returns a Close with a code and a reason.
    #[must_use]
    pub fn close(self, code: u16, reason: &str) -> Vec<u8> {
        self.frame(CLOSE, &close_payload(code, reason))
    }
}

/// Returns the payload of a Close.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Returns the code in the payload of a Close, or 1005 if the payload is too short for a code.
#[must_use]
pub fn close_code(payload: &[u8]) -> u16 {
    match payload {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 1005,
    }
}

/// Returns a frame that begins with the byte `first`. Masks the payload if `key` is present.
#[must_use]
pub fn encode(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, key, payload.len() as u64);
    let start = frame.len();
    frame.extend_from_slice(payload);
    mask(&mut frame[start..], key);
    frame
}

/// Returns the header of a frame with a payload of `len` bytes, and its key.
#[must_use]
pub fn header(first: u8, key: Option<[u8; 4]>, len: u64) -> Vec<u8> {
    let mut header = vec![first];
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    match len {
        0..=125 => header.push(mask_bit | len as u8),
        126..=0xffff => {
            header.push(mask_bit | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend(len.to_be_bytes());
        }
    }
    header.extend(key.into_iter().flatten());
    header
}

/// Masks or unmasks a payload.
fn mask(payload: &mut [u8], key: Option<[u8; 4]>) {
    for (byte, key) in payload
        .iter_mut()
        .zip(key.unwrap_or_default().iter().cycle())
    {
        *byte ^= key;
    }
}

/// A parsed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, RSV and opcode.
    pub first: u8,
    /// The masking key, if the frame was masked.
    pub key: Option<[u8; 4]>,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

/// The header of a frame.
struct Header {
    first: u8,
    key: Option<[u8; 4]>,
    len: u64,
}

impl Header {
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let [first, second] = read_array(from)?;
        let (len, least) = match second & 0x7f {
            126 => (u16::from_be_bytes(read_array(from)?).into(), 126),
            127 => (u64::from_be_bytes(read_array(from)?), 0x1_0000),
            len => (len.into(), 0),
        };
        if len < least {
            let fault = format!("payload length {len} is not in its shortest form");
            return Err(io::Error::new(ErrorKind::InvalidData, fault));
        }
        let key = match second & 0x80 {
            0 => None,
            _ => Some(read_array(from)?),
        };
        Ok(Self { first, key, len })
    }

    /// Returns the frame with this payload, which is masked if the frame has a key.
    fn with(self, mut payload: Vec<u8>) -> Frame {
        mask(&mut payload, self.key);
        Frame {
            first: self.first,
            key: self.key,
            payload,
        }
    }
}

impl Frame {
    /// Reads the next frame.
    ///
    /// # Errors
    ///
    /// The error of `from`, [`ErrorKind::UnexpectedEof`] if the frame is incomplete, or
    /// [`ErrorKind::InvalidData`] if its length is not in the shortest form.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let header = Header::read(from)?;
        // Allocates for the bytes that arrive, not for the length in the header.
        let mut payload = Vec::new();
        if from.by_ref().take(header.len).read_to_end(&mut payload)? as u64 != header.len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(header.with(payload))
    }

    /// Returns the opcode.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.first & 0xf
    }

    /// Returns `true` if the frame ends its message.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.first & 0x80 != 0
    }

    /// Returns `true` if this is the first frame of a compressed message (RFC 7692 §6).
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.first & RSV1 != 0
    }

    /// Returns `true` if this is a Close with this code.
    #[must_use]
    pub fn is_close(&self, code: u16) -> bool {
        self.opcode() == CLOSE && self.close_code() == code
    }

    /// Returns the code of a Close, or 1005 if the Close has no code.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        close_code(&self.payload)
    }

    /// Returns the opcode and the payload of an unfragmented message or a control frame.
    ///
    /// # Panics
    ///
    /// If the frame has no FIN or sets reserved bits.
    #[must_use]
    pub fn whole(&self) -> (u8, &[u8]) {
        assert_eq!(
            self.first & 0xf0,
            0x80,
            "the first byte is {:#x}",
            self.first
        );
        (self.opcode(), &self.payload)
    }
}

/// Parses the frame at the beginning of `bytes`. Returns the frame and its length on the wire, or
/// `None` if the frame is incomplete.
///
/// # Panics
///
/// If the payload length is not in its shortest form.
#[must_use]
pub fn parse_one(bytes: &[u8]) -> Option<(Frame, usize)> {
    let mut rest = bytes;
    let header = match Header::read(&mut rest) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
        Err(error) => panic!("{error}"),
    };
    // Copies nothing of an incomplete frame. A caller tries again after each read.
    let payload = rest.get(..usize::try_from(header.len).ok()?)?;
    let len = bytes.len() - rest.len() + payload.len();
    Some((header.with(payload.to_vec()), len))
}

fn read_array<const LEN: usize>(from: &mut impl Read) -> io::Result<[u8; LEN]> {
    let mut array = [0; LEN];
    from.read_exact(&mut array)?;
    Ok(array)
}

/// Parses all complete frames. Returns these frames, and the number of bytes that follow the last
/// one.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some((frame, len)) = parse_one(&bytes[at..]) {
        frames.push(frame);
        at += len;
    }
    (frames, bytes.len() - at)
}

/// Parses frames.
///
/// # Panics
///
/// If the last frame is incomplete.
#[must_use]
pub fn parse_all(bytes: &[u8]) -> Vec<Frame> {
    let (frames, left) = parse(bytes);
    assert_eq!(left, 0, "incomplete data after {} frames", frames.len());
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames with "Hello" are examples of RFC 6455 §5.7.
    #[test]
    fn the_examples_of_the_rfc_are_encoded_and_parsed() {
        assert_eq!(From::Server.text("Hello"), b"\x81\x05Hello");
        assert_eq!(
            From::Client.text("Hello"),
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
        let frames = parse_all(&From::Client.frame(BINARY, &[7; 70_000]));
        assert_eq!(frames[0].whole(), (BINARY, &[7; 70_000][..]));
    }

    #[test]
    fn each_length_has_its_shortest_form() {
        let header = |len| header(0x80 | BINARY, Some(KEY), len);
        assert_eq!(header(125)[..2], [0x82, 0xFD]);
        assert_eq!(header(126)[..4], [0x82, 0xFE, 0, 126]);
        assert_eq!(header(65_535)[..4], [0x82, 0xFE, 255, 255]);
        let long = header(65_536);
        assert_eq!(long[..10], [0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(long.len(), 14);
        let padded = Frame::read(&mut &[0x82, 126, 0, 1, b'a'][..]).unwrap_err();
        assert_eq!(padded.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn frames_are_read_until_one_is_incomplete() {
        let mut wire: &[u8] = &[
            0x88, 2, 0x03, 0xF1, 0x41, 3, b'a', b'b', b'c', 0x81, 2, b'a',
        ];
        let close = Frame::read(&mut wire).unwrap();
        assert!(close.is_close(1009) && close.is_last() && !close.is_compressed());
        let text = Frame::read(&mut wire).unwrap();
        assert_eq!((text.opcode(), &*text.payload), (TEXT, &b"abc"[..]));
        assert!(text.is_compressed() && !text.is_last() && !text.is_close(1005));
        let end = Frame::read(&mut wire).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    }
}
