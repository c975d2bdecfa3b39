//! Compressed messages (RFC 7692 §7.2).

use anyhow::{Result, bail};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

/// What a sender cuts off the end of each message.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// A usual level; what it costs is paid before anything is measured.
const LEVEL: i32 = 6;

/// The payloads of compressed messages. With `takeover` each may refer back to those before it, the
/// first to nothing, so that they can be sent over and over again in this order.
pub(crate) fn compress(messages: &[Vec<u8>], takeover: bool) -> Vec<Vec<u8>> {
    let mut compressor = new_compressor();
    messages
        .iter()
        .map(|message| {
            if !takeover {
                compressor = new_compressor();
            }
            compress_one(&mut compressor, message)
        })
        .collect()
}

fn new_compressor() -> Box<CompressorOxide> {
    Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(
        LEVEL, -15, 0,
    )))
}

fn compress_one(compressor: &mut CompressorOxide, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; message.len() + message.len() / 8 + 256];
    let result = deflate(compressor, message, &mut out, MZFlush::Sync);
    assert_eq!(
        result.bytes_consumed,
        message.len(),
        "the output is longer than the input"
    );
    out.truncate(result.bytes_written);
    assert!(
        out.ends_with(&TAIL),
        "a flush ends with an empty stored block"
    );
    out.truncate(out.len() - TAIL.len());
    out
}

/// Inflates the messages of one direction.
pub(crate) struct Inflater {
    state: Box<InflateState>,
    takeover: bool,
}

impl Inflater {
    pub(crate) fn new(takeover: bool) -> Self {
        Self {
            state: InflateState::new_boxed(DataFormat::Raw),
            takeover,
        }
    }

    /// What a compressed message says, which must be at most `limit` octets.
    pub(crate) fn message(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>> {
        if !self.takeover {
            self.state = InflateState::new_boxed(DataFormat::Raw);
        }
        let input = [payload, &TAIL].concat();
        let mut input = &input[..];
        let mut out = vec![0; limit + 1];
        let mut len = 0;
        while !input.is_empty() {
            let result = inflate(&mut self.state, input, &mut out[len..], MZFlush::None);
            input = &input[result.bytes_consumed..];
            len += result.bytes_written;
            match result.status {
                Ok(MZStatus::StreamEnd) => self.state = InflateState::new_boxed(DataFormat::Raw),
                Ok(_) if len <= limit && result.bytes_consumed + result.bytes_written > 0 => {}
                status => bail!("the reply does not inflate to what was sent: {status:?}"),
            }
        }
        out.truncate(len);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn messages() -> Vec<Vec<u8>> {
        (0..5)
            .map(|index| Content::Json.message(index, 1024))
            .collect()
    }

    #[test]
    fn a_ring_with_takeover_can_be_repeated() {
        let messages = messages();
        let compressed = compress(&messages, true);
        let mut inflater = Inflater::new(true);
        for _ in 0..3 {
            for (message, payload) in messages.iter().zip(&compressed) {
                assert_eq!(&inflater.message(payload, 1024).unwrap(), message);
            }
        }
    }

    #[test]
    fn takeover_refers_back() {
        let (with, without) = (compress(&messages(), true), compress(&messages(), false));
        assert!(with[4].len() < without[4].len());
        let mut inflater = Inflater::new(false);
        assert_eq!(inflater.message(&without[4], 1024).unwrap(), messages()[4]);
    }

    #[test]
    fn a_reply_that_is_too_long_is_refused() {
        let compressed = compress(&messages(), false);
        assert!(Inflater::new(true).message(&compressed[0], 1023).is_err());
    }
}
