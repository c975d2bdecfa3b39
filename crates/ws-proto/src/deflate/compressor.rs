//! The sending half of the codec: a message in, its compressed form out (RFC 7692 §7.2.1).
//!
//! # Memory
//!
//! What one compressor allocates when it is first used, in KiB, rounded down:
//!
//! | window | `mem_level` 1 | `mem_level` 4 | `mem_level` 8 |
//! |---|---|---|---|
//! | 2^9 | 134 | 140 | 245 |
//! | 2^12 | 148 | 154 | 259 |
//! | 2^15 | 260 | 266 | 371 |
//!
//! That is 4 bytes for each byte of the window, 448 · 2^`mem_level`, and 131 KiB whatever the options, nearly all of
//! which is the hash table of the codec.

use alloc::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::{TAIL, since};

/// The least and the most bytes of room that one step has. The codec wants more than 6 so that a flush ends.
const MIN_STEP: usize = 64;
const MAX_STEP: usize = 16 * 1024;

/// A byte that stands for an empty message: the beginning of an empty stored block whose end, [`TAIL`], is not sent
/// (RFC 7692 §7.2.3.6).
const EMPTY_BLOCK: u8 = 0x00;

/// How to compress. A window out of range counts as the nearest that is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompressorOptions {
    /// From 0, which does not compress, to 9, which compresses most. 1 is many times faster than all above it; what
    /// does not compress grows by 5 % there, elsewhere by next to nothing.
    pub(crate) level: u8,
    /// From 1 to 9: what the codec collects before it ends a block.
    pub(crate) mem_level: u8,
    /// Whether a message may refer to the messages before it (RFC 7692 §7.1.1).
    pub(crate) takeover: bool,
    /// From 8 to 15: the logarithm of the greatest distance to what is referred to (RFC 7692 §7.1.2).
    ///
    /// 8 is compressed with a window of 9 bits: the codec keeps 262 bytes of a window free, so that no distance is
    /// greater than 250.
    pub(crate) window_bits: u8,
}

impl CompressorOptions {
    /// Moves the window to one that the codec takes.
    pub(crate) fn in_range(self) -> Self {
        Self {
            window_bits: self.window_bits.clamp(9, 15),
            ..self
        }
    }
}

/// Compresses the messages of one connection, one after the other.
///
/// A message is compressed by [`compress`](Self::compress), before which any number of [`push`](Self::push) and
/// [`flush`](Self::flush) may take its beginning. Output is appended; it can be cut into frames anywhere.
pub(crate) struct Compressor {
    /// The settings that the memory depends on.
    config: DeflateConfig,
    takeover: bool,
    state: Option<CompressorState>,
    /// Input was taken that has not been flushed: the output ends anywhere inside a byte or a block.
    unflushed: bool,
}

/// The memory of a [`Compressor`], to be used by another with the same options. Carries nothing over.
pub(crate) struct CompressorState {
    deflate: Deflate,
    config: DeflateConfig,
    /// What it saw must be forgotten before it sees more.
    stale: bool,
}

impl Compressor {
    /// A compressor that has no memory yet.
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

    /// Compresses a whole message, or the rest of one that was begun, which may be empty.
    pub(crate) fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if payload.is_empty() && !self.unflushed {
            // Whole blocks came before, or nothing: the codec would not flush again.
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

    /// Takes the next piece of a message.
    ///
    /// May append nothing: what the codec holds back comes with a later call. The work follows the length of `chunk`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if !chunk.is_empty() {
            self.run(chunk, DeflateFlush::NoFlush, out);
        }
    }

    /// Appends all that is held back, so that the peer can decompress every piece so far, and goes on with the message.
    ///
    /// Costs about 5 bytes and some of the ratio. Without it a fragment carries what happens to be ready, and the end
    /// of a piece may leave only with the next one: to be called when a sender that streams wants its pieces to arrive,
    /// not for fragments that only limit the length of frames.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.unflushed {
            self.run(&[], DeflateFlush::SyncFlush, out);
        }
    }

    /// Forgets the messages so far, and an unfinished one: the next refers to none of them.
    ///
    /// Needed after a message that something else compressed: the peer has taken that one into its window.
    pub(crate) fn reset(&mut self) {
        self.unflushed = false;
        if let Some(state) = &mut self.state {
            state.stale = true;
        }
    }

    /// Gives the memory up, for another compressor. Under takeover the next message refers to none before it.
    ///
    /// `None` while input waits to be flushed.
    pub(crate) fn take_state(&mut self) -> Option<CompressorState> {
        if self.unflushed {
            return None;
        }
        let mut state = self.state.take()?;
        state.stale = true;
        Some(state)
    }

    /// Takes memory instead of allocating some; gives it back if it does not fit the options or is not needed.
    pub(crate) fn put_state(&mut self, state: CompressorState) -> Option<CompressorState> {
        if self.state.is_some() || state.config != self.config {
            return Some(state);
        }
        self.state = Some(state);
        None
    }

    /// Whether it holds memory.
    pub(crate) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Compresses `input` to the end of `out`, which grows by as much as comes.
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
            // The codec fails after the end of a stream, which is never asked for, or without room.
            debug_assert!(result.is_ok());
            let used = since(total_in, deflate.total_in());
            let produced = since(total_out, deflate.total_out());
            out.truncate(start.saturating_add(produced));
            input = input.get(used..).unwrap_or_default();
            // Room to spare means that everything was taken and, with a flush, written; short of more input than one
            // call can take.
            if (produced < room && input.is_empty()) || (used, produced) == (0, 0) {
                break;
            }
        }
    }
}

/// No message of `len` bytes is longer when it is compressed, with any options, in any steps. Each
/// [`flush`](Compressor::flush) may add [`FLUSH_LEN`].
pub(crate) const fn max_compressed_len(len: usize) -> usize {
    // Bytes above 143 take 9 bits in a fixed block; short blocks add a little.
    len.saturating_add(len.div_ceil(8))
        .saturating_add(len.div_ceil(64))
        .saturating_add(FLUSH_LEN)
}

/// The most that one flush adds.
pub(crate) const FLUSH_LEN: usize = 8;
