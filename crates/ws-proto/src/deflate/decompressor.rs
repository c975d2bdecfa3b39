//! The receiving half of the codec: decompresses messages (RFC 7692 §7.2.2).
//!
//! # Memory
//!
//! The codec takes 46.4 KiB when the first byte arrives, for any agreed window. In addition, the
//! last bytes of output are kept, up to the length of the agreed window. These bytes are needed
//! because the codec drops its window at the end of a stream, and a message may contain such ends
//! (RFC 7692 §7.2.3.4). This part grows with the output, to 32 KiB at most.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{TAIL, since};

/// The minimum and maximum number of output bytes in one step.
const MIN_STEP: usize = 512;
const MAX_STEP: usize = 32 * 1024;

/// The bytes of memory of the codec.
const CODEC_LEN: usize = 47 * 1024;

/// The reason why the peer's bytes are not a compressed message. There is no checksum, so corrupt
/// bytes that are well formed are not detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// Bytes that are not valid DEFLATE data: a reserved block type, wrong lengths or codes, or a
    /// distance that reaches before the start of the output (RFC 1951 §3.2).
    Malformed,
    /// A message that ends inside a block (RFC 7692 §7.2.2).
    Unfinished,
}

/// The progress of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of input bytes that were used.
    pub(crate) used: usize,
    /// `true` if the room was filled, so that more output may be waiting. Call again with the rest
    /// of the input, even if that is empty. `false` means that all input was used.
    pub(crate) pending: bool,
}

/// A decompressor for the messages of one connection, one after the other.
///
/// [`push`](Self::push) takes the bytes of a message, and [`end_of_message`](Self::end_of_message)
/// ends it. Both produce at most as many bytes as the caller allows, so that the caller can check
/// limits and text at once. A caller with a limit should allow one byte more than the limit, and
/// fail if that byte is produced.
///
/// After an error the decompressor must not be used.
pub(crate) struct Decompressor {
    takeover: bool,
    history_len: usize,
    state: Option<DecompressorState>,
    message: Message,
}

/// The state of the current message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    /// No byte of the message has arrived.
    Empty,
    /// All output of the bytes so far has been returned.
    Drained,
    /// Output may be waiting for room.
    Pending,
}

/// The memory of a [`Decompressor`]. Another decompressor can use this memory, because no data is
/// carried over.
pub(crate) struct DecompressorState {
    inflate: Inflate,
    window: Window,
    /// The last bytes of output.
    history: VecDeque<u8>,
}

/// The action that is needed before the next input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    /// No action.
    Current,
    /// The earlier output must be dropped, because the peer does not refer to it.
    Stale,
    /// A block with BFINAL ended the stream. The next stream begins at a byte boundary and may
    /// refer to earlier output.
    Ended,
}

impl Decompressor {
    /// Creates a decompressor, which allocates its memory later.
    ///
    /// With `takeover`, a message may refer to earlier ones (RFC 7692 §7.1.1). `window_bits` limits
    /// the distance of references (RFC 7692 §7.1.2). Longer distances are accepted nevertheless,
    /// except across the end of a block with BFINAL.
    pub(crate) fn new(takeover: bool, window_bits: u8) -> Self {
        Self {
            takeover,
            history_len: 1 << window_bits.clamp(8, 15),
            state: None,
            message: Message::Empty,
        }
    }

    /// Takes the next bytes of a message and appends at most `room` bytes to `out`.
    ///
    /// # Errors
    ///
    /// [`InflateError::Malformed`]. `out` then contains the output before the error.
    pub(crate) fn push(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Progress, InflateError> {
        let mut rest = input;
        let mut left = room;
        while left > 0 && (!rest.is_empty() || self.message == Message::Pending) {
            // Text usually decompresses to about this length. A larger buffer would mostly be
            // initialized without being used.
            let wanted = rest.len().saturating_mul(8).clamp(MIN_STEP, MAX_STEP);
            let len = wanted.min(left);
            reserve(out, len, left);
            let (used, produced) = self.step(rest, out, len)?;
            rest = rest.get(used..).unwrap_or_default();
            left = left.saturating_sub(produced);
            self.message = match produced == len {
                true => Message::Pending,
                false => Message::Drained,
            };
        }
        Ok(Progress {
            used: input.len().saturating_sub(rest.len()),
            pending: !rest.is_empty() || self.message == Message::Pending,
        })
    }

    /// Ends the message if all of its output has been returned. Appends at most `room` bytes to
    /// `out`.
    ///
    /// The message has ended if nothing is pending. A message without bytes is treated as the empty
    /// message. A message that stops after a block with BFINAL is treated as complete. A sender
    /// should send neither (RFC 7692 §7.2.1).
    ///
    /// # Errors
    ///
    /// [`InflateError::Unfinished`] and [`InflateError::Malformed`].
    pub(crate) fn end_of_message(
        &mut self,
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Progress, InflateError> {
        let progress = self.push(&[], out, room)?;
        if progress.pending {
            return Ok(progress);
        }
        if let Some(state) = &mut self.state {
            if self.message != Message::Empty {
                state.end_block()?;
            }
            if !self.takeover {
                state.window = Window::Stale;
            }
        }
        self.message = Message::Empty;
        Ok(progress)
    }

    /// Takes the memory, so that another decompressor can use it. Returns `None` inside a message,
    /// and with takeover.
    pub(crate) fn take_state(&mut self) -> Option<DecompressorState> {
        if self.takeover || self.message != Message::Empty {
            return None;
        }
        let mut state = self.state.take()?;
        state.window = Window::Stale;
        Some(state)
    }

    /// Uses this memory instead of allocating some. Returns the memory if it is not needed.
    pub(crate) fn put_state(&mut self, state: DecompressorState) -> Option<DecompressorState> {
        if self.state.is_some() {
            return Some(state);
        }
        self.state = Some(state);
        None
    }

    /// Returns the bytes of memory that the decompressor holds.
    pub(crate) fn memory(&self) -> usize {
        let history = |state: &DecompressorState| state.history.capacity();
        let state = self.state.as_ref();
        state.map_or(0, |state| CODEC_LEN.saturating_add(history(state)))
    }

    /// Returns the bytes of memory that the decompressor will allocate and keep between messages.
    pub(crate) fn missing_memory(&self) -> usize {
        match self.takeover && self.state.is_none() {
            true => CODEC_LEN.saturating_add(self.history_len),
            false => 0,
        }
    }

    /// Returns `true` if the decompressor holds memory.
    pub(crate) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// Calls the codec once with `room` bytes for its output. Returns the number of bytes used and
    /// produced.
    fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<(usize, usize), InflateError> {
        let state = self.state.get_or_insert_with(DecompressorState::new);
        if !input.is_empty() {
            state.restart();
        }
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let output = out.get_mut(start..).unwrap_or_default();
        let (used, produced, status) = state.call(input, output, InflateFlush::NoFlush);
        out.truncate(start.saturating_add(produced));
        state.remember(out.get(start..).unwrap_or_default(), self.history_len);
        match status? {
            Status::StreamEnd => state.window = Window::Ended,
            // The codec made no progress despite input and room. This has never been observed, but
            // it must not cause an endless loop.
            Status::BufError if !input.is_empty() => return Err(InflateError::Malformed),
            Status::BufError | Status::Ok => {}
        }
        Ok((used, produced))
    }
}

impl DecompressorState {
    fn new() -> Self {
        Self {
            inflate: Inflate::new(false, 15),
            window: Window::Current,
            history: VecDeque::new(),
        }
    }

    /// Begins a new stream if the earlier one has ended or must not be referred to.
    fn restart(&mut self) {
        match self.window {
            Window::Current => return,
            Window::Stale => self.history.clear(),
            Window::Ended => {}
        }
        self.window = Window::Current;
        self.inflate.reset(false);
        // `set_dictionary` cannot fail for a stream without a header.
        let _ = self.inflate.set_dictionary(self.history.make_contiguous());
    }

    /// Appends the tail that the sender removed (RFC 7692 §7.2.2), and checks that it ends a block.
    fn end_block(&mut self) -> Result<(), InflateError> {
        if self.window != Window::Current {
            return Ok(());
        }
        // The codec stops at the end of a block. If it leaves the byte after the tail unused, the
        // block ended with the tail.
        let [a, b, c, d] = TAIL;
        match self.call(&[a, b, c, d, 0], &mut [0], InflateFlush::Block) {
            (4, 0, Ok(_)) => Ok(()),
            _ => Err(InflateError::Unfinished),
        }
    }

    /// Calls the codec. Returns the number of bytes used and produced, even after an error.
    fn call(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: InflateFlush,
    ) -> (usize, usize, Result<Status, InflateError>) {
        let (total_in, total_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, output, flush);
        let used = since(total_in, self.inflate.total_in());
        let produced = since(total_out, self.inflate.total_out());
        (used, produced, status.map_err(|_| InflateError::Malformed))
    }

    /// Stores the last `limit` bytes of output.
    fn remember(&mut self, output: &[u8], limit: usize) {
        let newest = output.len().saturating_sub(limit);
        let output = output.get(newest..).unwrap_or_default();
        let history = &mut self.history;
        let len = history.len().saturating_add(output.len());
        history.drain(..len.saturating_sub(limit).min(history.len()));
        if len > history.capacity() {
            let wanted = len.saturating_mul(2).min(limit);
            history.reserve_exact(wanted.saturating_sub(history.len()));
        }
        history.extend(output);
    }
}

/// Reserves space for `len` more bytes. The capacity is at most doubled, and at most `room` bytes
/// are added.
fn reserve(out: &mut Vec<u8>, len: usize, room: usize) {
    if out.capacity().saturating_sub(out.len()) < len {
        out.reserve_exact(out.len().min(room).max(len));
    }
}
