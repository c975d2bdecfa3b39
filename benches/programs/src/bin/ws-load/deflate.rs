//! Compression of messages, and inflation of replies (RFC 7692 §7.2).

use anyhow::{Result, bail};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

/// The bytes that a sender removes from the end of each compressed message (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// A common compression level. Its cost does not matter, because messages are compressed before the
/// measurement.
const LEVEL: i32 = 6;

/// Compresses messages and returns the compressed payloads. With `takeover`, a payload may refer to
/// earlier messages of the list. The first payload refers to no other message, so the whole list
/// can be sent repeatedly.
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
        "the output must fit the buffer"
    );
    out.truncate(result.bytes_written);
    assert!(
        out.ends_with(&TAIL),
        "a sync flush must end with an empty stored block"
    );
    out.truncate(out.len() - TAIL.len());
    out
}

/// An inflater for the messages of one direction.
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

    /// Inflates a message.
    ///
    /// # Errors
    ///
    /// If the payload is invalid, or if the inflated message is longer than `limit` bytes.
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
                status => {
                    bail!("the reply cannot be inflated to the length of the message: {status:?}")
                }
            }
        }
        out.truncate(len);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ws_bench_programs::content::Content;

    fn messages() -> Vec<Vec<u8>> {
        (0..5)
            .map(|index| Content::Json.message(index, 1024))
            .collect()
    }

    #[test]
    fn messages_with_takeover_can_be_repeated_in_order() {
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
    fn takeover_makes_later_messages_shorter() {
        let (with, without) = (compress(&messages(), true), compress(&messages(), false));
        assert!(with[4].len() < without[4].len());
        let mut inflater = Inflater::new(false);
        assert_eq!(inflater.message(&without[4], 1024).unwrap(), messages()[4]);
    }

    #[test]
    fn a_reply_that_is_too_long_is_an_error() {
        let compressed = compress(&messages(), false);
        assert!(Inflater::new(true).message(&compressed[0], 1023).is_err());
    }
}
