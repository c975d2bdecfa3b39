//! Frames on the wire (RFC 6455 §5.2).

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The key of every masked frame. A real client must not use a fixed one (§10.3).
const MASKING_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What stands before the payload of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) masking_key: Option<[u8; 4]>,
    pub(crate) payload_len: u64,
}

impl Header {
    pub(crate) const fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }
}

/// A piece of a frame that arrived.
#[derive(Debug)]
pub(crate) enum Piece {
    Start(Header),
    /// Some of the payload, unmasked.
    Payload(Vec<u8>),
    End,
}

/// Where in a frame the decoder is.
#[derive(Debug, Default)]
enum Place {
    #[default]
    BeforeHeader,
    InPayload {
        header: Header,
        done: u64,
    },
}

/// Cuts octets into frames, without waiting for a frame to be complete.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    octets: Vec<u8>,
    /// How many of `octets` are taken.
    taken: usize,
    place: Place,
}

impl Decoder {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.octets.drain(..self.taken);
        self.taken = 0;
        self.octets.extend_from_slice(octets);
    }

    /// The next piece, if enough of it has arrived.
    pub(crate) fn piece(&mut self) -> Option<Piece> {
        match self.place {
            Place::BeforeHeader => {
                let (header, header_len) = header(&self.octets[self.taken..])?;
                self.taken += header_len;
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

    fn payload(&mut self, header: Header, done: u64) -> Option<Piece> {
        let arrived = &self.octets[self.taken..];
        let missing = usize::try_from(header.payload_len - done).unwrap_or(usize::MAX);
        let mut payload = arrived[..missing.min(arrived.len())].to_vec();
        if payload.is_empty() {
            return None;
        }
        if let Some(key) = header.masking_key {
            mask(&mut payload, key, (done % 4) as usize);
        }
        self.taken += payload.len();
        let done = done + payload.len() as u64;
        self.place = Place::InPayload { header, done };
        Some(Piece::Payload(payload))
    }
}

/// The header at the start of `octets`, and its length.
fn header(octets: &[u8]) -> Option<(Header, usize)> {
    let [first, second, rest @ ..] = octets else {
        return None;
    };
    let (payload_len, len_octets) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
        short => (u64::from(short), 0),
    };
    let masked = second & 0x80 != 0;
    let masking_key = match masked {
        true => Some(*rest[len_octets..].first_chunk()?),
        false => None,
    };
    let header = Header {
        fin: first & 0x80 != 0,
        rsv: first >> 4 & 7,
        opcode: first & 15,
        masking_key,
        payload_len,
    };
    Some((header, 2 + len_octets + if masked { 4 } else { 0 }))
}

fn mask(payload: &mut [u8], key: [u8; 4], phase: usize) {
    for (octet, key) in payload.iter_mut().zip(key.iter().cycle().skip(phase)) {
        *octet ^= key;
    }
}

/// How a frame is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) masked: bool,
    /// Do not use the 7-bit length, which is against the rules for a short payload.
    pub(crate) long_lengths: bool,
}

impl Form {
    /// As a client writes.
    pub(crate) const CLIENT: Self = Self {
        masked: true,
        long_lengths: false,
    };
}

/// Appends a frame to `out`; `first` is FIN, RSV and opcode.
pub(crate) fn encode(out: &mut Vec<u8>, first: u8, payload: &[u8], form: Form) {
    let mask_bit = if form.masked { 0x80 } else { 0 };
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
    if form.masked {
        out.extend_from_slice(&MASKING_KEY);
    }
    let start = out.len();
    out.extend_from_slice(payload);
    if form.masked {
        mask(&mut out[start..], MASKING_KEY, 0);
    }
}
