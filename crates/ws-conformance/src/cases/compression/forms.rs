//! The forms that a compressor can give a text.

use std::fmt;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use crate::deflate::TAIL;

/// The length of a text that is long enough for dynamic blocks.
pub(super) const SAMPLE: usize = 20_000;
/// The distance of flushes.
const PIECE: usize = 500;
const DEFAULT: i32 = 0;
const FIXED: i32 = 4;

/// A way to compress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    level: i32,
    strategy: i32,
    flush: TDEFLFlush,
}

/// Returns every form. Level 0 makes stored blocks, the fixed strategy makes blocks with fixed
/// codes, and the others make blocks with codes of their own.
pub(super) fn all() -> impl Iterator<Item = Form> {
    let levels = (0..=9).map(|level| (level, DEFAULT)).chain([(6, FIXED)]);
    levels.flat_map(|(level, strategy)| {
        [TDEFLFlush::None, TDEFLFlush::Sync, TDEFLFlush::Full].map(|flush| Form {
            level,
            strategy,
            flush,
        })
    })
}

/// Returns words that repeat themselves, but not at once.
pub(super) fn sample(len: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(26);
    let words: Vec<String> = (0..200)
        .map(|_| (0..rng.usize(1..9)).map(|_| rng.lowercase()).collect())
        .collect();
    let mut text = String::new();
    while text.len() < len {
        text += &words[rng.usize(..words.len())];
        text.push(' ');
    }
    text.truncate(len);
    text
}

/// Compresses a text to blocks. The last block is final and ends at a byte.
pub(super) fn finished(text: &str) -> Vec<u8> {
    let mut stream = Stream::new(6, DEFAULT);
    stream.write(text.as_bytes(), TDEFLFlush::Finish);
    stream.out
}

impl Form {
    /// Compresses a message.
    pub(super) fn deflate(self, text: &str) -> Vec<u8> {
        let mut stream = Stream::new(self.level, self.strategy);
        for piece in text.as_bytes().chunks(PIECE) {
            stream.write(piece, self.flush);
        }
        stream.write(&[], TDEFLFlush::Sync);
        stream.out.truncate(stream.out.len() - TAIL.len());
        stream.out
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, flush, .. } = self;
        match self.strategy {
            FIXED => write!(f, "Fixed codes, flush {flush:?}"),
            _ => write!(f, "Level {level}, flush {flush:?}"),
        }
    }
}

struct Stream {
    compressor: Box<CompressorOxide>,
    out: Vec<u8>,
}

impl Stream {
    fn new(level: i32, strategy: i32) -> Self {
        const RAW: i32 = -15;
        let flags = create_comp_flags_from_zip_params(level, RAW, strategy);
        Self {
            compressor: Box::new(CompressorOxide::new(flags)),
            out: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8], flush: TDEFLFlush) {
        compress_to_output(&mut self.compressor, bytes, flush, |piece| {
            self.out.extend_from_slice(piece);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::deflate::{Coding, Inflater};

    fn inflated(compressed: &[u8]) -> Vec<u8> {
        let mut inflater = Inflater::new(Coding {
            window_bits: 15,
            context_takeover: true,
        });
        let mut out = Vec::new();
        inflater.begin();
        inflater.push(compressed, &mut out, usize::MAX).unwrap();
        inflater.end(&mut out, usize::MAX).unwrap();
        out
    }

    #[test]
    fn every_form_is_the_sample() {
        let text = sample(SAMPLE);
        let mut kinds = HashSet::new();
        for form in all() {
            let compressed = form.deflate(&text);
            kinds.insert(compressed[0] >> 1 & 3);
            assert_eq!(inflated(&compressed), text.as_bytes(), "{form}");
            assert!(!compressed.ends_with(&TAIL));
        }
        assert_eq!(kinds.len(), 3, "stored, fixed and dynamic blocks");
        assert_eq!(all().count(), 33);
    }

    #[test]
    fn a_finished_text_is_one_final_block_with_codes_of_its_own() {
        let text = sample(SAMPLE);
        let compressed = finished(&text);
        assert_eq!(compressed[0] & 7, 0b101, "final and dynamic");
        assert_eq!(inflated(&compressed), text.as_bytes());
    }
}
