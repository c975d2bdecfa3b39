//! DEFLATE blocks (RFC 1951 §3.2) that begin and end at bytes.

/// The text `Hello` in a final block with fixed codes (RFC 7692 §7.2.3.4).
pub(super) const FINAL_HELLO: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00";
/// The header of the empty stored block with which a compressed message ends (RFC 7692 §7.2.1).
pub(super) const END: &[u8] = b"\x00";
/// The header of the same block as a final one.
pub(super) const FINAL_END: &[u8] = b"\x01";
/// An empty final block with fixed codes.
pub(super) const FINAL_NOTHING: &[u8] = b"\x03\x00";

/// Builds a stored block.
pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    stored_with_header(0, bytes)
}

/// Builds a stored block that is a final one.
pub(super) fn final_stored(bytes: &[u8]) -> Vec<u8> {
    stored_with_header(1, bytes)
}

/// Builds a stored block whose header, with the bits up to the next byte, is this byte.
pub(super) fn stored_with_header(header: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("a stored block has at most 65,535 bytes");
    let lengths = [len.to_le_bytes(), (!len).to_le_bytes()];
    [&[header], lengths.as_flattened(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_block_is_that_of_the_standard() {
        assert_eq!(stored(b"Hello"), b"\x00\x05\x00\xfa\xffHello");
        assert_eq!(final_stored(b""), b"\x01\x00\x00\xff\xff");
    }
}
