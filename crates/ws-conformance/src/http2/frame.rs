//! The frames of HTTP/2 (RFC 9113 §4.1).

use super::fields::{self, Fields};

/// The types of frames (RFC 9113 §6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// The flags of frames.
pub(crate) mod flag {
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// The error codes of RST_STREAM and GOAWAY (RFC 9113 §7).
pub(crate) mod code {
    pub(crate) const NO_ERROR: u32 = 0;
    pub(crate) const REFUSED_STREAM: u32 = 7;
    pub(crate) const CANCEL: u32 = 8;
}

/// The bytes before each payload.
const HEADER: usize = 9;
/// The bytes of the priority in HEADERS.
const PRIORITY: usize = 5;
/// The longest payload that an endpoint has to accept (RFC 9113 §4.2).
pub(crate) const MAX_PAYLOAD: usize = 1 << 14;

/// A frame. Nothing in it is checked, so that a case can send any frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            flags: 0,
            stream,
            payload: payload.into(),
        }
    }

    /// Creates DATA with these bytes of a tunnel.
    pub(crate) fn data(stream: u32, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(kind::DATA, stream, bytes)
    }

    /// Creates complete HEADERS with these fields.
    pub(crate) fn headers(stream: u32, fields: &Fields) -> Self {
        Self::new(kind::HEADERS, stream, fields::encode(fields)).with(flag::END_HEADERS)
    }

    /// Creates SETTINGS with these parameters.
    pub(crate) fn settings(parameters: &[(u16, u32)]) -> Self {
        let bytes = |&(id, value): &(u16, u32)| {
            let value = value.to_be_bytes();
            id.to_be_bytes().into_iter().chain(value)
        };
        let payload: Vec<_> = parameters.iter().flat_map(bytes).collect();
        Self::new(kind::SETTINGS, 0, payload)
    }

    pub(crate) fn window_update(stream: u32, increment: u32) -> Self {
        Self::new(kind::WINDOW_UPDATE, stream, increment.to_be_bytes())
    }

    pub(crate) fn ping(payload: [u8; 8]) -> Self {
        Self::new(kind::PING, 0, payload)
    }

    pub(crate) fn rst_stream(stream: u32, code: u32) -> Self {
        Self::new(kind::RST_STREAM, stream, code.to_be_bytes())
    }

    /// Creates GOAWAY. `last` is the last stream of the other side that is processed.
    pub(crate) fn go_away(last: u32, code: u32) -> Self {
        Self::new(
            kind::GOAWAY,
            0,
            [last.to_be_bytes(), code.to_be_bytes()].concat(),
        )
    }

    /// Adds flags.
    pub(crate) fn with(mut self, flags: u8) -> Self {
        self.flags |= flags;
        self
    }

    /// Adds padding of this length to DATA or HEADERS, and the byte that announces it.
    pub(crate) fn padded(mut self, len: u8) -> Self {
        self.payload.insert(0, len);
        let padded = self.payload.len() + usize::from(len);
        self.payload.resize(padded, 0);
        self.with(flag::PADDED)
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Returns the payload of DATA or HEADERS without padding and priority. Returns `None` if there
    /// is more padding than payload (RFC 9113 §6.1).
    pub(crate) fn content(&self) -> Option<&[u8]> {
        let mut content = &self.payload[..];
        let mut padding = 0;
        if self.has(flag::PADDED) {
            let (&len, rest) = content.split_first()?;
            (content, padding) = (rest, usize::from(len));
        }
        if self.kind == kind::HEADERS && self.has(flag::PRIORITY) {
            content = content.get(PRIORITY..)?;
        }
        content.get(..content.len().checked_sub(padding)?)
    }

    /// Returns the number in the first four bytes of the payload without its highest bit: an
    /// increment, an error code below 2^31, or the last stream of GOAWAY.
    pub(crate) fn number(&self) -> Option<u32> {
        let bytes = self.payload.first_chunk()?;
        Some(u32::from_be_bytes(*bytes) & (u32::MAX >> 1))
    }

    /// Returns the parameters of SETTINGS.
    pub(crate) fn parameters(&self) -> Vec<(u16, u32)> {
        let (parameters, _) = self.payload.as_chunks::<6>();
        let parameters = parameters.iter().map(|&[a, b, c, d, e, f]| {
            (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))
        });
        parameters.collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let len = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let mut bytes = len.to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Returns the first frame in `bytes` and its length, if it is complete.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let &[a, b, c, kind, flags, d, e, f, g] = header;
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let frame = Self {
            kind,
            flags,
            // The highest bit is reserved, and ignored (RFC 9113 §4.1).
            stream: u32::from_be_bytes([d & 0x7f, e, f, g]),
            payload: rest.get(..len)?.to_vec(),
        };
        Some((frame, HEADER + len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_bytes_of_the_standard() {
        let frame = Frame::data(3, *b"ab").with(flag::END_STREAM);
        let bytes = frame.encode();
        assert_eq!(bytes, b"\0\0\x02\0\x01\0\0\0\x03ab");
        for len in 0..bytes.len() {
            assert_eq!(Frame::read(&bytes[..len]), None, "{len}");
        }
        let longer = [&bytes[..], b"\0\0"].concat();
        assert_eq!(Frame::read(&longer), Some((frame, bytes.len())));
    }

    #[test]
    fn the_reserved_bit_of_a_stream_is_ignored() {
        let read = Frame::read(b"\0\0\0\0\0\x80\0\0\x01").expect("it is complete");
        assert_eq!(read.0.stream, 1);
    }

    #[test]
    fn settings_are_pairs() {
        let frame = Frame::settings(&[(8, 1), (4, 65_536)]);
        assert_eq!(frame.payload, b"\0\x08\0\0\0\x01\0\x04\0\x01\0\0");
        assert_eq!(frame.parameters(), [(8, 1), (4, 65_536)]);
    }

    #[test]
    fn padding_and_priority_are_no_content() {
        let data = Frame::data(1, *b"ab").padded(3);
        assert_eq!(data.payload, b"\x03ab\0\0\0");
        assert_eq!(data.content(), Some(&b"ab"[..]));
        let headers = Frame::new(kind::HEADERS, 1, *b"12345a").with(flag::PRIORITY);
        assert_eq!(headers.content(), Some(&b"a"[..]));
        let too_much = Frame::data(1, *b"\x03ab").with(flag::PADDED);
        assert_eq!(too_much.content(), None);
        assert_eq!(Frame::data(1, "").with(flag::PADDED).content(), None);
    }

    #[test]
    fn numbers_have_31_bits() {
        assert_eq!(Frame::window_update(1, 1 << 31 | 5).number(), Some(5));
        assert_eq!(Frame::rst_stream(1, code::CANCEL).number(), Some(8));
        assert_eq!(Frame::new(kind::GOAWAY, 0, "abc").number(), None);
    }
}
