//! A counter of replies, which does not read the payloads.

/// The method that finds the end of a reply. It uses the length if all replies have the same
/// length, and otherwise the frame headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyForm {
    /// Replies of this length in bytes, header included.
    Fixed(u64),
    /// Replies with any length and any number of frames.
    Framed,
}

/// A counter of the replies on one connection.
pub(crate) enum Replies {
    Fixed { len: u64, partly: u64 },
    Framed(Frames),
}

impl Replies {
    pub(crate) fn new(form: ReplyForm) -> Self {
        match form {
            ReplyForm::Fixed(len) => Self::Fixed { len, partly: 0 },
            ReplyForm::Framed => Self::Framed(Frames::default()),
        }
    }

    /// Counts `bytes` that have arrived, and returns the number of messages that they complete.
    pub(crate) fn arrived(&mut self, bytes: &[u8]) -> u64 {
        match self {
            Self::Fixed { len, partly } => {
                *partly += bytes.len() as u64;
                let whole = *partly / *len;
                *partly %= *len;
                whole
            }
            Self::Framed(frames) => frames.arrived(bytes),
        }
    }

    /// Returns `true` if the last reply is complete. If replies have frames of any length, only the
    /// last frame is examined.
    pub(crate) fn is_between_messages(&self) -> bool {
        match self {
            Self::Fixed { partly, .. } => *partly == 0,
            Self::Framed(frames) => frames.head.is_empty() && frames.payload_left == 0,
        }
    }
}

/// A reader of frame headers. It skips the payloads.
#[derive(Default)]
pub(crate) struct Frames {
    /// The first bytes of a header whose other bytes have not arrived.
    head: Vec<u8>,
    payload_left: u64,
    ends_message: bool,
}

impl Frames {
    fn arrived(&mut self, mut bytes: &[u8]) -> u64 {
        let mut messages = 0;
        loop {
            let skipped = self.payload_left.min(bytes.len() as u64);
            bytes = &bytes[skipped as usize..];
            self.payload_left -= skipped;
            if self.payload_left > 0 {
                return messages;
            }
            messages += u64::from(std::mem::take(&mut self.ends_message));
            if !self.take_header(&mut bytes) {
                return messages;
            }
        }
    }

    /// Removes the bytes of a header from `bytes`. Returns `true` if the header is complete.
    fn take_header(&mut self, bytes: &mut &[u8]) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.head.push(byte);
            *bytes = rest;
            if let Some(header) = Header::parse(&self.head) {
                self.head.clear();
                self.payload_left = header.payload_len;
                self.ends_message = header.ends_data_message();
                return true;
            }
        }
        false
    }
}

/// The header of a frame (RFC 6455 §5.2), masked or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: u8,
    pub(crate) payload_len: u64,
    /// The length of the header in bytes.
    pub(crate) len: usize,
}

impl Header {
    /// Parses the header at the start of `bytes`. Returns `None` if the header is incomplete.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (&second, rest) = rest.split_first()?;
        let (payload_len, extended) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
            short => (u64::from(short), 0),
        };
        let len = 2 + extended + if second & 0x80 == 0 { 0 } else { 4 };
        (bytes.len() >= len).then_some(Self {
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            opcode: first & 0x0F,
            payload_len,
            len,
        })
    }

    fn ends_data_message(self) -> bool {
        self.fin && self.opcode < 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_fixed_length_are_counted_by_their_bytes() {
        let mut replies = Replies::new(ReplyForm::Fixed(22));
        assert_eq!(replies.arrived(&[0; 21]), 0);
        assert!(!replies.is_between_messages());
        assert_eq!(replies.arrived(&[0; 45]), 3);
        assert!(replies.is_between_messages());
    }

    #[test]
    fn messages_are_counted_in_pieces_of_any_length() {
        let mut wire = vec![0x01, 3, b'a', b'b', b'c'];
        wire.extend([0x89, 1, b'p']);
        wire.extend([0x80, 0]);
        wire.extend([0x82, 126, 1, 0]);
        wire.extend([7; 256]);
        wire.extend([0x81, 0x82, 1, 2, 3, 4, b'm', b'n']);
        for piece in [1, 2, 3, 7, wire.len()] {
            let mut replies = Replies::new(ReplyForm::Framed);
            let messages: u64 = wire.chunks(piece).map(|part| replies.arrived(part)).sum();
            assert_eq!(messages, 3, "pieces of {piece}");
            assert!(replies.is_between_messages());
        }
    }

    #[test]
    fn an_incomplete_header_is_none() {
        let long = [0xC2, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(Header::parse(&long[..9]), None);
        let header = Header::parse(&long).unwrap();
        assert_eq!((header.payload_len, header.len), (65_536, 10));
        assert!(header.fin && header.rsv1 && header.opcode == 2);
    }
}
