//! Frames written and read by hand (RFC 6455 §5.2).

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

/// The key with which tests mask what a client says.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Who sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A client, which masks.
    Client,
    /// A server, which does not.
    Server,
}

impl From {
    fn key(self) -> Option<[u8; 4]> {
        (self == Self::Client).then_some(KEY)
    }

    /// A frame with FIN.
    #[must_use]
    pub fn frame(self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        encode(0x80 | opcode, self.key(), payload)
    }

    /// A frame without FIN.
    #[must_use]
    pub fn fragment(self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        encode(opcode, self.key(), payload)
    }

    /// A text message.
    #[must_use]
    pub fn text(self, text: &str) -> Vec<u8> {
        self.frame(TEXT, text.as_bytes())
    }

    /// A Close with a code and a reason.
    #[must_use]
    pub fn close(self, code: u16, reason: &str) -> Vec<u8> {
        self.frame(CLOSE, &close_payload(code, reason))
    }
}

/// The payload of a Close.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A frame with any first octet.
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

/// A frame that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV and opcode.
    pub first: u8,
    /// The masking key.
    pub key: Option<[u8; 4]>,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The opcode.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.first & 0xf
    }

    /// The code of a Close; 1005 if it has none.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }

    /// Opcode and payload of a whole message or control frame.
    ///
    /// # Panics
    ///
    /// If the frame is a fragment or has reserved bits.
    #[must_use]
    pub fn whole(&self) -> (u8, &[u8]) {
        assert_eq!(self.first & 0xf0, 0x80, "first octet {:#x}", self.first);
        (self.opcode(), &self.payload)
    }
}

/// Reads one frame off the front of `octets`: the frame and its length.
///
/// # Panics
///
/// If a length is not in its shortest form.
#[must_use]
pub fn parse_one(octets: &[u8]) -> Option<(Frame, usize)> {
    let (&first, &second) = (octets.first()?, octets.get(1)?);
    let (len, mut at) = match second & 0x7f {
        126 => {
            let len = u16::from_be_bytes(octets.get(2..4)?.try_into().ok()?);
            assert!(len > 125, "length {len} in two octets");
            (usize::from(len), 4)
        }
        127 => {
            let len = u64::from_be_bytes(octets.get(2..10)?.try_into().ok()?);
            assert!(len > 0xffff, "length {len} in eight octets");
            (usize::try_from(len).ok()?, 10)
        }
        len => (usize::from(len), 2),
    };
    let mut key = None;
    if second & 0x80 != 0 {
        key = Some(octets.get(at..at + 4)?.try_into().ok()?);
        at += 4;
    }
    let mut payload = octets.get(at..at + len)?.to_vec();
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

/// Reads frames: those that are whole, and how many octets are left behind them.
#[must_use]
pub fn parse(octets: &[u8]) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some((frame, len)) = parse_one(&octets[at..]) {
        frames.push(frame);
        at += len;
    }
    (frames, octets.len() - at)
}

/// Reads frames of which none is cut.
///
/// # Panics
///
/// If the last one is.
#[must_use]
pub fn parse_all(octets: &[u8]) -> Vec<Frame> {
    let (frames, left) = parse(octets);
    assert_eq!(left, 0, "octets behind {} frames", frames.len());
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §5.7.
    #[test]
    fn the_examples_of_the_rfc() {
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
