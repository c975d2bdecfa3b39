//! A lower bound for the cost of a frame: only the work that remains when the kind and length of
//! the frame are known in advance. The code has no state, no limits and no errors. It is frozen, so
//! that ratios to this bound can be compared over time.

use ws_proto::MaskKey;

/// Unmasks `input` and returns its text. `input` must be exactly one masked text frame with up to
/// 125 bytes of payload.
#[must_use]
pub fn short_text(input: &mut [u8]) -> Option<&str> {
    let ([first, len, key @ ..], payload) = input.split_first_chunk_mut::<6>()?;
    if *first != 0x81 || usize::from(*len & 0x7f) != payload.len() {
        return None;
    }
    mask(payload, *key);
    std::str::from_utf8(payload).ok()
}

/// Appends a masked text frame to `output`. `text` must have at most 125 bytes.
pub fn push_short_text(key: MaskKey, text: &str, output: &mut Vec<u8>) {
    let [a, b, c, d] = key.to_bytes();
    output.extend_from_slice(&[0x81, 0x80 | text.len() as u8, a, b, c, d]);
    let start = output.len();
    output.extend_from_slice(text.as_bytes());
    mask(&mut output[start..], key.to_bytes());
}

fn mask(payload: &mut [u8], key: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_frame_is_read_back() {
        let mut frame = Vec::new();
        push_short_text(MaskKey::new([0x37, 0xfa, 0x21, 0x3d]), "Hello", &mut frame);
        // The masked frame of the examples in RFC 6455 §5.7.
        assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(short_text(&mut frame), Some("Hello"));
    }
}
