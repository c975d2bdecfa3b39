//! The receiving half of the codec: compressed bytes in, a message out (RFC 7692 §7.2.2).
//!
//! # Memory
//!
//! The codec takes 46.4 KiB when the first byte arrives, whatever window was agreed. Beside it the last bytes of
//! output are kept, up to the agreed window: the codec forgets its window at the end of a stream, and a message may
//! contain such ends (RFC 7692 §7.2.3.4). That part grows with the output, to 32 KiB at most.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{TAIL, since};

/// The least and the most bytes of room that one step has.
const MIN_STEP: usize = 512;
const MAX_STEP: usize = 32 * 1024;

/// The peer's bytes are not a compressed message. There is no checksum: bytes that are wrong but well formed go unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// Bytes that mean nothing: a reserved block type, wrong lengths or codes, a distance before the beginning
    /// (RFC 1951 §3.2).
    Malformed,
    /// The message ended inside a block (RFC 7692 §7.2.2).
    Unfinished,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes of the input that are done with.
    pub(crate) used: usize,
    /// The room was filled, and more may wait: to be called again with the rest of the input, even if that is empty.
    /// Otherwise all input was used.
    pub(crate) pending: bool,
}

/// Decompresses the messages of one connection, one after the other.
///
/// [`push`](Self::push) takes what arrives of a message, [`end_of_message`](Self::end_of_message) ends it. Neither
/// gives more than the caller has room for, so that limits and text can be checked as it goes: a caller with a limit
/// gives one byte more room than the limit leaves, and fails when that is used.
///
/// After an error the decompressor is of no more use.
pub(crate) struct Decompressor {
    takeover: bool,
    history_len: usize,
    state: Option<DecompressorState>,
    message: Message,
}

/// What is known of the message that arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    /// No byte of it has arrived.
    Empty,
    /// All output of what has arrived was given.
    Drained,
    /// There may be output that found no room.
    Pending,
}

/// The memory of a [`Decompressor`], to be used by another. Carries nothing over.
pub(crate) struct DecompressorState {
    inflate: Inflate,
    window: Window,
    /// The last bytes of output.
    history: VecDeque<u8>,
}

/// What has to happen before the next input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    /// Nothing.
    Current,
    /// What came before the input must be forgotten: the peer does not refer to it.
    Stale,
    /// A block with BFINAL ended the stream. The next begins at a byte and may refer to what came before.
    Ended,
}

impl Decompressor {
    /// A decompressor that has no memory yet.
    ///
    /// `takeover` says whether a message may refer to the messages before it, `window_bits` how far
    /// (RFC 7692 §7.1.1, §7.1.2). Distances beyond are accepted
    /// all the same, except across the end of a block with BFINAL.
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
    /// [`InflateError::Malformed`]; `out` has what came before the fault.
    pub(crate) fn push(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Progress, InflateError> {
        let mut rest = input;
        let mut left = room;
        while left > 0 && (!rest.is_empty() || self.message == Message::Pending) {
            // About what text needs. Bytes of room that are not used cost their initialisation.
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

    /// Ends the message when nothing of it is left, and appends at most `room` bytes to `out`.
    ///
    /// The message has ended when nothing is pending. A message that came in no bytes at all is taken for the empty
    /// message, and one that stops right behind a block with BFINAL for a whole one, though neither is what a sender
    /// should send (RFC 7692 §7.2.1).
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

    /// Gives the memory up, for another decompressor. `None` inside a message, or if messages refer to those before.
    pub(crate) fn take_state(&mut self) -> Option<DecompressorState> {
        if self.takeover || self.message != Message::Empty {
            return None;
        }
        let mut state = self.state.take()?;
        state.window = Window::Stale;
        Some(state)
    }

    /// Takes memory instead of allocating some; gives it back if it is not needed.
    pub(crate) fn put_state(&mut self, state: DecompressorState) -> Option<DecompressorState> {
        if self.state.is_some() {
            return Some(state);
        }
        self.state = Some(state);
        None
    }

    /// Whether it holds memory.
    pub(crate) fn has_state(&self) -> bool {
        self.state.is_some()
    }

    /// One call of the codec with `room` bytes for its output; returns the bytes used and produced.
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
            // Never seen: input and room, and no progress. Must not become a loop without an end.
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

    /// Begins a stream if that is needed.
    fn restart(&mut self) {
        match self.window {
            Window::Current => return,
            Window::Stale => self.history.clear(),
            Window::Ended => {}
        }
        self.window = Window::Current;
        self.inflate.reset(false);
        // Can't fail for a stream without a header.
        let _ = self.inflate.set_dictionary(self.history.make_contiguous());
    }

    /// Puts back the tail that the sender took off (RFC 7692 §7.2.2), and checks that it ends a block.
    fn end_block(&mut self) -> Result<(), InflateError> {
        if self.window != Window::Current {
            return Ok(());
        }
        // The codec is asked to stop at the end of a block. One byte more than the tail shows where it did.
        let [a, b, c, d] = TAIL;
        match self.call(&[a, b, c, d, 0], &mut [0], InflateFlush::Block) {
            (4, 0, Ok(_)) => Ok(()),
            _ => Err(InflateError::Unfinished),
        }
    }

    /// Calls the codec; returns the bytes used and produced, also before a fault.
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

    /// Keeps the last `limit` bytes of output.
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

/// Makes room for `len` more bytes: at most twice the bytes there are, and no more than `room` will ever need.
fn reserve(out: &mut Vec<u8>, len: usize, room: usize) {
    if out.capacity().saturating_sub(out.len()) < len {
        out.reserve_exact(out.len().min(room).max(len));
    }
}
