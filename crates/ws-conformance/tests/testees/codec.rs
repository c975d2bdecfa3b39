//! Frames on the wire (RFC 6455 §5.2).

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The longest header: two bytes, a length of 64 bits, and a key.
pub(super) const MAX_HEADER: usize = 14;

/// The fields of a frame before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) masking_key: Option<[u8; 4]>,
    pub(crate) payload_len: u64,
    /// The number of bits of the length: 7, 16 or 64.
    pub(crate) len_bits: u8,
    /// The number of bytes of the connection before the payload.
    pub(crate) position: u64,
}

impl Header {
    pub(crate) const fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }

    /// Returns `true` if no shorter form of the length exists.
    pub(super) const fn is_shortest(&self) -> bool {
        match self.len_bits {
            16 => self.payload_len > 125,
            64 => self.payload_len > 0xffff,
            _ => true,
        }
    }
}

/// A piece of a frame that arrived.
#[derive(Debug)]
pub(crate) enum Piece {
    Start(Header),
    /// A part of the payload, unmasked.
    Payload(Vec<u8>),
    End,
}

/// The circumstances under which a part of a payload is unmasked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unmasking {
    pub(crate) key: [u8; 4],
    /// The offset of the part in the payload.
    pub(crate) offset: u64,
    pub(crate) header: Header,
}

/// The position of the decoder in a frame.
#[derive(Debug, Default)]
enum Place {
    #[default]
    BeforeHeader,
    InPayload {
        header: Header,
        done: u64,
    },
}

/// Takes bytes apart into frames, without waiting for a frame to be complete.
#[derive(Debug)]
pub(crate) struct Decoder {
    unmask: fn(&mut [u8], Unmasking),
    long_length: fn([u8; 8]) -> u64,
    bytes: Vec<u8>,
    /// The number of `bytes` that are decoded.
    taken: usize,
    /// The number of bytes of the connection before `bytes`.
    position: u64,
    place: Place,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(unmask, u64::from_be_bytes)
    }
}

impl Decoder {
    pub(super) fn new(unmask: fn(&mut [u8], Unmasking), long_length: fn([u8; 8]) -> u64) -> Self {
        Self {
            unmask,
            long_length,
            bytes: Vec::new(),
            taken: 0,
            position: 0,
            place: Place::BeforeHeader,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.position += std::mem::take(&mut self.taken) as u64;
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next piece, if enough of it has arrived.
    pub(crate) fn piece(&mut self) -> Option<Piece> {
        match self.place {
            Place::BeforeHeader => {
                let (mut header, header_len) = self.header()?;
                self.taken += header_len;
                header.position = self.position + self.taken as u64;
                self.place = Place::InPayload { header, done: 0 };
                Some(Piece::Start(header))
            }
            Place::InPayload { header, done } if done == header.payload_len => {
                self.place = Place::BeforeHeader;
                Some(Piece::End)
            }
            Place::InPayload { header, done } => self.payload(header, done),
        }
    }

    /// Returns `true` if the last bytes are a part of a header.
    pub(super) fn is_within_header(&self) -> bool {
        matches!(self.place, Place::BeforeHeader) && self.taken < self.bytes.len()
    }

    /// Returns `true` if a frame has begun and is not complete.
    pub(super) fn is_within_frame(&self) -> bool {
        matches!(self.place, Place::InPayload { .. }) || self.taken < self.bytes.len()
    }

    fn payload(&mut self, header: Header, done: u64) -> Option<Piece> {
        let arrived = &self.bytes[self.taken..];
        let missing = usize::try_from(header.payload_len - done).unwrap_or(usize::MAX);
        let mut payload = arrived[..missing.min(arrived.len())].to_vec();
        if payload.is_empty() {
            return None;
        }
        if let Some(key) = header.masking_key {
            let offset = done;
            (self.unmask)(
                &mut payload,
                Unmasking {
                    key,
                    offset,
                    header,
                },
            );
        }
        self.taken += payload.len();
        let done = done + payload.len() as u64;
        self.place = Place::InPayload { header, done };
        Some(Piece::Payload(payload))
    }

    /// Returns the header that comes next, and its length.
    fn header(&self) -> Option<(Header, usize)> {
        let [first, second, rest @ ..] = &self.bytes[self.taken..] else {
            return None;
        };
        let (payload_len, len_bits) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 16),
            127 => ((self.long_length)(*rest.first_chunk()?), 64),
            short => (u64::from(short), 7),
        };
        let len_bytes = usize::from(len_bits / 8);
        let masked = second & 0x80 != 0;
        let masking_key = match masked {
            true => Some(*rest[len_bytes..].first_chunk()?),
            false => None,
        };
        let header = Header {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 7,
            opcode: first & 15,
            masking_key,
            payload_len,
            len_bits,
            position: 0,
        };
        Some((header, 2 + len_bytes + if masked { 4 } else { 0 }))
    }
}

/// Unmasks a part of a payload (RFC 6455 §5.3).
pub(super) fn unmask(payload: &mut [u8], how: Unmasking) {
    mask(payload, how.key, (how.offset % 4) as usize);
}

/// Masks eight bytes at a time. In a development build, single bytes would take a sixth of the time
/// of all tests with testees.
pub(super) fn mask(payload: &mut [u8], mut key: [u8; 4], phase: usize) {
    key.rotate_left(phase % 4);
    let word = u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001;
    let (words, rest) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// The form in which a frame is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) masking_key: Option<[u8; 4]>,
    /// `true` if lengths of 7 bits are written in 16 bits.
    pub(crate) long_lengths: bool,
}

/// Appends a frame to `out`. Its `first` byte is FIN, RSV and opcode.
pub(crate) fn encode(out: &mut Vec<u8>, first: u8, payload: &[u8], form: Form) {
    let mask_bit = if form.masking_key.is_some() { 0x80 } else { 0 };
    out.push(first);
    match payload.len() {
        len @ 0..126 if !form.long_lengths => out.push(mask_bit | len as u8),
        len @ 0..0x1_0000 => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend(form.masking_key.iter().flatten());
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = form.masking_key {
        mask(&mut out[start..], key, 0);
    }
}
