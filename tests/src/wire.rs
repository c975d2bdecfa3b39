//! Frames that are encoded and parsed by hand (RFC 6455 §5.2).

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

/// The masking key of the frames that tests send as a client.
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
    let mut frame = vec![first];
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..=125 => frame.push(mask_bit | len as u8),
        len @ 126..=0xffff => {
            frame.push(mask_bit | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(mask_bit | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    match key {
        None => frame.extend_from_slice(payload),
        Some(key) => {
            frame.extend_from_slice(&key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(p, k)| p ^ k));
        }
    }
    frame
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

impl Frame {
    /// Returns the opcode.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.first & 0xf
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
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (len, mut at) = match second & 0x7f {
        126 => {
            let len = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
            assert!(len > 125, "payload length {len} is in two bytes");
            (usize::from(len), 4)
        }
        127 => {
            let len = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            assert!(len > 0xffff, "payload length {len} is in eight bytes");
            (usize::try_from(len).ok()?, 10)
        }
        len => (usize::from(len), 2),
    };
    let mut key = None;
    if second & 0x80 != 0 {
        key = Some(bytes.get(at..at + 4)?.try_into().ok()?);
        at += 4;
    }
    let mut payload = bytes.get(at..at + len)?.to_vec();
    if let Some(key) = key {
        let key: [u8; 4] = key;
        payload
            .iter_mut()
            .zip(key.iter().cycle())
            .for_each(|(p, k)| *p ^= k);
    }
    let frame = Frame {
        first,
        key,
        payload,
    };
    Some((frame, at + len))
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
}
