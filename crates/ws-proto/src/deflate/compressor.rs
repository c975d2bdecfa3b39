//! The sending half of the codec: compresses messages (RFC 7692 §7.2.1).
//!
//! # Memory
//!
//! The memory that a compressor allocates at its first use, in KiB, rounded down:
//!
//! | window | `mem_level` 1 | `mem_level` 4 | `mem_level` 6 | `mem_level` 8 |
//! |---|---|---|---|---|
//! | 2^9 | 134 | 140 | 161 | 245 |
//! | 2^12 | 148 | 154 | 175 | 259 |
//! | 2^13 | 164 | 170 | 191 | 275 |
//! | 2^15 | 260 | 266 | 287 | 371 |
//!
//! This memory has three parts: 4 bytes for each byte of the window, 448 · 2^`mem_level` bytes, and
//! a fixed 131 KiB. Most of the fixed part is the hash table of the codec.

use alloc::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::{TAIL, since};

/// The minimum and maximum room for the output of one call of the codec, in bytes. The codec needs
/// more than 6 bytes to complete a flush.
const MIN_STEP: usize = 64;
const MAX_STEP: usize = 16 * 1024;

/// The part of the memory of a compressor that does not depend on the settings, in bytes.
const FIXED_LEN: usize = 131 * 1024;

/// The byte that represents an empty message. It is the beginning of an empty stored block. The end
/// of that block, [`TAIL`], is not sent (RFC 7692 §7.2.3.6).
const EMPTY_BLOCK: u8 = 0x00;

/// The settings of a compressor. A window out of range is replaced by the nearest one in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompressorOptions {
    /// The level, from 0 (no compression) to 9 (best compression). Level 1 is many times faster
    /// than the higher levels. Incompressible data grows by 5 % at level 1, and by almost nothing
    /// at the others.
    pub(crate) level: u8,
    /// The amount of data that the codec collects before it ends a block, from 1 to 9.
    pub(crate) mem_level: u8,
    /// `true` if a message may refer to earlier ones (RFC 7692 §7.1.1).
    pub(crate) takeover: bool,
    /// The logarithm of the maximum distance of references, from 8 to 15 (RFC 7692 §7.1.2).
    ///
    /// For 8, a window of 9 bits is used. No distance then exceeds 250, because the codec keeps 262
    /// bytes of a window free.
    pub(crate) window_bits: u8,
}

impl CompressorOptions {
    /// Moves the window into the range of the codec.
    pub(crate) fn in_range(self) -> Self {
        Self {
            window_bits: self.window_bits.clamp(9, 15),
            ..self
        }
    }
}

/// A compressor for the messages of one connection, one after the other.
///
/// [`compress`](Self::compress) compresses a message or the rest of a message. For the beginning of
/// a message, call [`push`](Self::push) and [`flush`](Self::flush) any number of times before. The
/// output is appended to `out`. It can be cut into frames anywhere.
pub(crate) struct Compressor {
    /// The settings that the memory depends on.
    config: DeflateConfig,
    takeover: bool,
    state: Option<CompressorState>,
    /// `true` if input has not been flushed. The output then ends somewhere inside a byte or a
    /// block.
    unflushed: bool,
}

/// The memory of a [`Compressor`]. Another compressor with the same options can use this memory,
/// because no data is carried over.
pub(crate) struct CompressorState {
    deflate: Deflate,
    config: DeflateConfig,
    /// `true` if the codec must be reset before the next input, because no message may refer to
    /// earlier input.
    stale: bool,
}

impl Compressor {
    /// Creates a compressor, which allocates its memory later.
    pub(crate) fn new(options: CompressorOptions) -> Self {
        let options = options.in_range();
        Self {
            config: DeflateConfig {
                level: options.level.into(),
                mem_level: options.mem_level.into(),
                window_bits: i32::from(options.window_bits).saturating_neg(),
                ..DeflateConfig::default()
            },
            takeover: options.takeover,
            state: None,
            unflushed: false,
        }
    }

    /// Compresses a whole message, or the rest of one that was begun. Both may be empty.
    pub(crate) fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if payload.is_empty() && !self.unflushed {
            // The output so far ends with a complete block, or is empty. The codec would not flush
            // again.
            out.push(EMPTY_BLOCK);
        } else {
            self.run(payload, DeflateFlush::SyncFlush, out);
            debug_assert!(out.ends_with(&TAIL));
            out.truncate(out.len().saturating_sub(TAIL.len()));
        }
        if !self.takeover {
            self.reset();
        }
    }

    /// Compresses the next piece of a message.
    ///
    /// The call may append nothing. A later call then appends the output that the codec holds back.
    /// The work is proportional to the length of `chunk`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if !chunk.is_empty() {
            self.run(chunk, DeflateFlush::NoFlush, out);
        }
    }

    /// Appends all output that is held back, so that the peer can decompress every piece so far.
    /// The message then continues.
    ///
    /// A flush costs about 5 bytes and reduces the compression. Without a flush, a fragment
    /// contains whatever output is ready, and the end of a piece may only be sent with the next
    /// piece. Flush if each piece of a message must arrive at once. Do not flush for fragments that
    /// merely limit the length of frames.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.unflushed {
            self.run(&[], DeflateFlush::SyncFlush, out);
        }
    }

    /// Drops the messages so far, even an incomplete one. The next message refers to none of them.
    ///
    /// This is needed after a message that another compressor compressed, because the peer has
    /// added that message to its window.
    pub(crate) fn reset(&mut self) {
        self.unflushed = false;
        if let Some(state) = &mut self.state {
            state.stale = true;
        }
    }

    /// Takes the memory, so that another compressor can use it. Even with takeover, the next
    /// message then refers to no earlier message.
    ///
    /// Returns `None` if input has not been flushed.
    pub(crate) fn take_state(&mut self) -> Option<CompressorState> {
        if self.unflushed {
            return None;
        }
        let mut state = self.state.take()?;
        state.stale = true;
        Some(state)
    }

    /// Uses this memory instead of allocating some. Returns the memory if it does not match the
    /// options or is not needed.
    pub(crate) fn put_state(&mut self, state: CompressorState) -> Option<CompressorState> {
        if self.state.is_some() || state.config != self.config {
            return Some(state);
        }
        self.state = Some(state);
        None
    }

    /// Returns the bytes of memory that the compressor takes once it is used.
    pub(crate) fn memory(&self) -> usize {
        let bits = |bits: i32| bits.unsigned_abs().min(15);
        let window = 4_usize << bits(self.config.window_bits);
        let symbols = 448_usize << bits(self.config.mem_level);
        FIXED_LEN.saturating_add(window).saturating_add(symbols)
    }

    /// Returns `true` if the compressor holds memory.
    pub(crate) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Compresses `input` and appends the output to `out`.
    fn run(&mut self, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) {
        self.unflushed = flush == DeflateFlush::NoFlush;
        let state = self.state.get_or_insert_with(|| CompressorState {
            deflate: Deflate::new_with_config(self.config),
            config: self.config,
            stale: false,
        });
        let deflate = &mut state.deflate;
        if core::mem::take(&mut state.stale) {
            deflate.reset();
        }
        let room = max_compressed_len(input.len()).clamp(MIN_STEP, MAX_STEP);
        loop {
            let start = out.len();
            let (total_in, total_out) = (deflate.total_in(), deflate.total_out());
            out.resize(start.saturating_add(room), 0);
            let result = deflate.compress(input, out.get_mut(start..).unwrap_or_default(), flush);
            // The codec fails only if it has no room for output, or after the end of a stream. The
            // end of a stream is never requested.
            debug_assert!(result.is_ok());
            let used = since(total_in, deflate.total_in());
            let produced = since(total_out, deflate.total_out());
            out.truncate(start.saturating_add(produced));
            input = input.get(used..).unwrap_or_default();
            // If all input was used and room is left, no more output is waiting. Unused room alone
            // is not enough, because one call may not be able to take all of the input.
            if (produced < room && input.is_empty()) || (used, produced) == (0, 0) {
                break;
            }
        }
    }
}

/// Returns the maximum length of a compressed message of `len` bytes, with any options and any
/// division into pieces. Each [`flush`](Compressor::flush) may add [`FLUSH_LEN`].
pub(crate) const fn max_compressed_len(len: usize) -> usize {
    // Bytes above 143 take 9 bits in a fixed block. Short blocks add a little more.
    len.saturating_add(len.div_ceil(8))
        .saturating_add(len.div_ceil(64))
        .saturating_add(FLUSH_LEN)
}

/// The maximum number of bytes that one flush adds.
pub(crate) const FLUSH_LEN: usize = 8;
