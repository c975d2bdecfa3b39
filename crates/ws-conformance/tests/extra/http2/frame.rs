//! Frames and heads of HTTP/2 (RFC 9113 §4.1).

use loona_hpack::Encoder;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// END_STREAM, and ACK of SETTINGS and PING.
pub(super) const END: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const PRIORITY: u8 = 0x20;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Names and values.
pub(crate) type Fields = Vec<(String, String)>;

/// A frame that was received.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The first frame of `input`, which it takes, if it is complete.
    pub(super) fn take(input: &mut Vec<u8>) -> Option<Self> {
        let header: [u8; 9] = *input.first_chunk()?;
        let len = 9 + number(&[0, header[0], header[1], header[2]]) as usize;
        let payload = input.get(9..len)?.to_vec();
        input.drain(..len);
        Some(Self {
            kind: header[3],
            flags: header[4],
            stream: number(&header[5..]),
            payload,
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The number in the payload.
    pub(super) fn number(&self) -> u32 {
        number(&self.payload)
    }
}

/// The number of 31 bits at the start of these bytes.
fn number(bytes: &[u8]) -> u32 {
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The bytes of SETTINGS.
pub(super) fn settings(parameters: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in parameters {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, &payload)
}

/// The bytes of HEADERS. The encoder does not use a dynamic table.
pub(super) fn headers(stream: u32, flags: u8, fields: &Fields) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(0);
    let mut block = vec![0x20];
    let fields = fields.iter();
    block.extend(encoder.encode(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()))));
    frame(HEADERS, END_HEADERS | flags, stream, &block)
}

/// Fields of these names and values.
pub(super) fn fields(pairs: &[(&str, &str)]) -> Fields {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The values of the fields of this name.
pub(super) fn all<'a>(fields: &'a Fields, name: &str) -> Vec<&'a str> {
    let named = fields.iter().filter(|(field, _)| field == name);
    named.map(|(_, value)| &**value).collect()
}
