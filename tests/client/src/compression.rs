//! Messages under permessage-deflate (RFC 7692 §7.2).

use anyhow::{Context, Result, anyhow};
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
    create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec;

use crate::wire::RSV1;

/// The end of a message that a sender leaves out (§7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The final block of a stream, empty.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// A stream without a zlib header.
const RAW: i32 = 0;

/// Returns the payload of a message without references to earlier messages, which is valid for
/// every window.
pub fn compress(message: &[u8]) -> Result<Vec<u8>> {
    let strategy = CompressionStrategy::HuffmanOnly as i32;
    let flags = create_comp_flags_from_zip_params(1, RAW, strategy);
    let mut compressor = CompressorOxide::new(flags);
    let mut payload = Vec::new();
    let (status, _) = compress_to_output(&mut compressor, message, TDEFLFlush::Sync, |bytes| {
        payload.extend_from_slice(bytes);
        true
    });
    if status != TDEFLStatus::Okay || !payload.ends_with(&TAIL) {
        return Err(anyhow!("a message could not be compressed: {status:?}"));
    }
    payload.truncate(payload.len() - TAIL.len());
    Ok(payload)
}

/// Returns `frame`, the first one of a message, marked as compressed (§6).
#[must_use]
pub fn compressed(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(first) = frame.first_mut() {
        *first |= RSV1;
    }
    frame
}

/// Returns the message with this payload. It must be the first compressed one of its connection,
/// which refers to no earlier one.
pub fn decompress(payload: &[u8]) -> Result<Vec<u8>> {
    let stream = [payload, &TAIL, &LAST_BLOCK].concat();
    decompress_to_vec(&stream)
        .map_err(|error| anyhow!("{error}"))
        .context("a message cannot be decompressed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_of_the_rfc() {
        // RFC 7692 §7.2.3.1.
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(decompress(&hello).unwrap(), b"Hello");
        assert!(decompress(&[0xff]).is_err());
    }

    #[test]
    fn what_is_compressed_comes_back_and_refers_to_nothing() {
        let message = b"again and ".repeat(1000);
        let payload = compress(&message).unwrap();
        assert_eq!(decompress(&payload).unwrap(), message);
        // A reference would make it far smaller.
        assert!(payload.len() > message.len() / 4);
    }
}
