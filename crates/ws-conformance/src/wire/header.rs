//! Frame headers (RFC 6455 §5.2).

/// A frame header on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    /// 4 is RSV1, 2 is RSV2, 1 is RSV3.
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload_len: u64,
}

impl Header {
    /// Returns `true` for control opcodes, defined or reserved.
    pub(crate) fn is_control(&self) -> bool {
        self.opcode > 7
    }
}

/// Appends a header, valid or not, with the shortest length form.
pub(crate) fn write_header(header: Header, out: &mut Vec<u8>) {
    out.push(u8::from(header.fin) << 7 | (header.rsv & 7) << 4 | header.opcode & 15);
    let masked = u8::from(header.key.is_some()) << 7;
    let len = header.payload_len;
    if let Ok(len) = u8::try_from(len)
        && len <= 125
    {
        out.push(masked | len);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(masked | 126);
        out.extend(len.to_be_bytes());
    } else {
        out.push(masked | 127);
        out.extend(len.to_be_bytes());
    }
    out.extend(header.key.iter().flatten());
}

/// Returns the length of a header with this second byte.
pub(super) fn header_len(second: u8) -> usize {
    let key = if second & 0x80 == 0 { 0 } else { 4 };
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + key
}

/// Parses exactly as many bytes as [`header_len`] returns.
pub(super) fn parse_header(bytes: &[u8]) -> Header {
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
    let key_at = match bytes[1] & 0x80 {
        0 => bytes.len(),
        _ => bytes.len() - 4,
    };
    Header {
        fin: bytes[0] & 0x80 != 0,
        rsv: bytes[0] >> 4 & 7,
        opcode: bytes[0] & 15,
        key: bytes[key_at..].try_into().ok(),
        payload_len: match bytes[1] & 0x7f {
            126 | 127 => big_endian(&bytes[2..key_at]),
            len => len.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_are_written() {
        for payload_len in [0, 125, 126, 65_535, 65_536, 1 << 40] {
            for key in [None, Some([1, 2, 3, 4])] {
                let header = Header {
                    fin: true,
                    rsv: 5,
                    opcode: 11,
                    key,
                    payload_len,
                };
                let mut bytes = Vec::new();
                write_header(header, &mut bytes);
                assert_eq!(bytes.len(), header_len(bytes[1]));
                assert_eq!(parse_header(&bytes), header);
            }
        }
    }
}
