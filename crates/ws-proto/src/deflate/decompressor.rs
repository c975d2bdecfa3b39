//! The receiving half of the codec: compressed octets in, a message out (RFC 7692 §7.2.2).
//!
//! # Memory
//!
//! The codec takes 46.4 KiB when the first octet arrives, whatever window was agreed. Beside it the last octets of
//! output are kept, up to the agreed window: the codec forgets its window at the end of a stream, and a message may
//! contain such ends (RFC 7692 §7.2.3.4). That part grows with the output, to 32 KiB at most.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{TAIL, since};

/// The least and the most octets of room that one step has.
const MIN_STEP: usize = 512;
const MAX_STEP: usize = 32 * 1024;

/// The peer's octets are not a compressed message. There is no checksum: octets that are wrong but well formed go unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// Octets that mean nothing: a reserved block type, wrong lengths or codes, a distance before the beginning
    /// (RFC 1951 §3.2).
    Malformed,
    /// The message ended inside a block (RFC 7692 §7.2.2).
    Unfinished,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Octets of the input that are done with.
    pub(crate) used: usize,
    /// The room was filled, and more may wait: to be called again with the rest of the input, even if that is empty.
    /// Otherwise all input was used.
    pub(crate) pending: bool,
}

/// Decompresses the messages of one connection, one after the other.
///
/// [`push`](Self::push) takes what arrives of a message, [`end_of_message`](Self::end_of_message) ends it. Neither
/// gives more than the caller has room for, so that limits and text can be checked as it goes: a caller with a limit
/// gives one octet more room than the limit leaves, and fails when that is used.
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
    /// No octet of it has arrived.
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
    history: History,
}

/// What has to happen before the next input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    /// Nothing.
    Current,
    /// What came before the input must be forgotten: the peer does not refer to it.
    Stale,
    /// A block with BFINAL ended the stream. The next begins at an octet and may refer to what came before.
    Ended,
}

impl Decompressor {
    /// A decompressor that has no memory yet.
    ///
    /// `takeover` says whether a message may refer to the messages before it, `window_bits` how far
    /// (RFC 7692 §7.1.1, §7.1.2). Distances beyond are accepted
    /// all the same, except across the end of a block with BFINAL.
    pub(crate) fn new(takeover: bool, window_bits: u8) -> Self {
        Decompressor {
            takeover,
            history_len: 1 << window_bits.clamp(8, 15),
            state: None,
            message: Message::Empty,
        }
    }

    /// Takes the next octets of a message and appends at most `room` octets to `out`.
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
        let mut used: usize = 0;
        let mut left = room;
        let mut rest = input;
        while left > 0 && (!rest.is_empty() || self.message == Message::Pending) {
            let len = step_len(rest.len()).min(left);
            reserve(out, len, left);
            let step = self.ready(rest).step(rest, out, len)?;
            used = used.saturating_add(step.used);
            left = left.saturating_sub(step.produced);
            rest = input.get(used..).unwrap_or_default();
            self.message = if step.produced == len {
                Message::Pending
            } else {
                Message::Drained
            };
        }
        Ok(Progress {
            used,
            pending: !rest.is_empty() || self.message == Message::Pending,
        })
    }

    /// Ends the message when nothing of it is left, and appends at most `room` octets to `out`.
    ///
    /// The message has ended when nothing is pending. A message that came in no octets at all is taken for the empty
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

    /// The state, ready for `input`.
    fn ready(&mut self, input: &[u8]) -> &mut DecompressorState {
        let state = self.state.get_or_insert_with(DecompressorState::new);
        if !input.is_empty() {
            state.restart();
        }
        state.history.limit = self.history_len;
        state
    }
}

/// What one call of the codec did.
struct Step {
    used: usize,
    produced: usize,
}

impl DecompressorState {
    fn new() -> Self {
        DecompressorState {
            inflate: Inflate::new(false, 15),
            window: Window::Current,
            history: History::default(),
        }
    }

    /// Begins a stream if that is needed.
    fn restart(&mut self) {
        match self.window {
            Window::Current => return,
            Window::Stale => self.history.octets.clear(),
            Window::Ended => {}
        }
        self.window = Window::Current;
        self.inflate.reset(false);
        let (older, newer) = self.history.octets.as_slices();
        for piece in [older, newer] {
            // Can't fail for a stream without a header.
            let _ = self.inflate.set_dictionary(piece);
        }
    }

    /// One call of the codec with `room` octets for its output.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> Result<Step, InflateError> {
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let output = out.get_mut(start..).unwrap_or_default();
        let (step, status) = call(&mut self.inflate, input, output, InflateFlush::NoFlush);
        out.truncate(start.saturating_add(step.produced));
        self.history.append(out.get(start..).unwrap_or_default());
        match status? {
            Status::StreamEnd => self.window = Window::Ended,
            // Never seen: input and room, and no progress. Must not become a loop without an end.
            Status::BufError if !input.is_empty() => return Err(InflateError::Malformed),
            Status::BufError | Status::Ok => {}
        }
        Ok(step)
    }

    /// Puts back the tail that the sender took off (RFC 7692 §7.2.2), and checks that it ends a block.
    fn end_block(&mut self) -> Result<(), InflateError> {
        if self.window != Window::Current {
            return Ok(());
        }
        // The codec is asked to stop at the end of a block. One octet more than the tail shows where it did.
        let [a, b, c, d] = TAIL;
        let (step, status) = call(
            &mut self.inflate,
            &[a, b, c, d, 0],
            &mut [0],
            InflateFlush::Block,
        );
        match (status, step) {
            (
                Ok(_),
                Step {
                    used: 4,
                    produced: 0,
                },
            ) => Ok(()),
            _ => Err(InflateError::Unfinished),
        }
    }
}

fn call(
    inflate: &mut Inflate,
    input: &[u8],
    output: &mut [u8],
    flush: InflateFlush,
) -> (Step, Result<Status, InflateError>) {
    let (total_in, total_out) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, flush);
    let step = Step {
        used: since(total_in, inflate.total_in()),
        produced: since(total_out, inflate.total_out()),
    };
    (step, status.map_err(|_| InflateError::Malformed))
}

/// Room for one step: about what text needs. Octets of room that are not used cost their initialisation.
fn step_len(input_len: usize) -> usize {
    input_len.saturating_mul(8).clamp(MIN_STEP, MAX_STEP)
}

/// Makes room for `len` more octets: at most twice the octets there are, and no more than `room` will ever need.
fn reserve(out: &mut Vec<u8>, len: usize, room: usize) {
    if out.capacity().saturating_sub(out.len()) < len {
        out.reserve_exact(out.len().min(room).max(len));
    }
}

/// The last octets of output.
#[derive(Default)]
struct History {
    octets: VecDeque<u8>,
    limit: usize,
}

impl History {
    fn append(&mut self, output: &[u8]) {
        let newest = output.len().saturating_sub(self.limit);
        let output = output.get(newest..).unwrap_or_default();
        let len = self.octets.len().saturating_add(output.len());
        self.octets
            .drain(..len.saturating_sub(self.limit).min(self.octets.len()));
        if len > self.octets.capacity() {
            let wanted = len.saturating_mul(2).min(self.limit);
            self.octets
                .reserve_exact(wanted.saturating_sub(self.octets.len()));
        }
        self.octets.extend(output);
    }
}
