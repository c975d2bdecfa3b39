//! Receiving: converts bytes into messages and control frames (RFC 6455 §5, §6.2, §8).

mod ahead;
mod assembly;
mod block;
mod frames;
mod idle;
mod inflate;
mod lending;
mod memory;
mod stream;

pub use ahead::LookAhead;
pub use idle::IdleRecv;
pub use inflate::DecompressorMemory;
pub use lending::RecvLending;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::config::Config;
use crate::control::Control;
use crate::error::ReceiveError;
use crate::header::{FrameHeader, HeaderRules};
use crate::message::{Message, MessageKind, MessageRef};
use crate::role::Role;
use crate::send::SendHalf;
use crate::traffic::Counters;
#[cfg(feature = "stats")]
use crate::traffic::Traffic;
use ahead::Ahead;
use assembly::Assembly;
use block::{Block, Location};
use frames::Stage;
use inflate::Inflation;
use stream::Streaming;

/// The result of a step of receiving: the item that was found, or the reason why the step found
/// none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<T> {
    /// The item was found.
    Found(T),
    /// A Close, Ping or Pong has arrived. The reply, if there is one, has already been queued: take
    /// the next step.
    Control(Control),
    /// All input has been used: read more into [`RecvHalf::spare`].
    NeedInput,
    /// Much has been decompressed, and the rest needs no further input. Yield to other tasks, then
    /// take the next step.
    Busy,
    /// The connection has ended, for example because the peer sent a Close or broke a rule. Further
    /// input is ignored. See [`SendHalf::end`] and [`SendHalf::failure`].
    Ended,
}

/// A part of a message that is received piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// A piece of the payload: see [`RecvHalf::chunk`].
    Data,
    /// The end of the message.
    End,
}

/// The receiving half of a connection, which converts bytes into messages.
///
/// It stores the input and decodes it step by step. Each step takes the [`SendHalf`] as an
/// argument. The step queues the replies to control frames in the sending half, and fails the
/// connection if the peer breaks a rule or exceeds a limit. [`Connection`](crate::Connection) is
/// the pair of both halves.
///
/// The methods by topic:
///
/// * **Input**: [`spare`](Self::spare) returns the memory to read into. [`filled`](Self::filled)
///   reports how much was read.
/// * **Steps**: [`next_message`](Self::next_message) finds complete messages.
///   [`next_start`](Self::next_start) and [`next_chunk`](Self::next_chunk) receive a message piece
///   by piece.
/// * **Output**: [`message`](Self::message), [`take_message`](Self::take_message) and
///   [`chunk`](Self::chunk) return the result of the last step. After [`hold`](Self::hold), the
///   next step finds the same message again.
/// * **Looking ahead**: [`look_ahead`](Self::look_ahead) answers control frames while no task
///   receives. After [`keep_controls`](Self::keep_controls), it leaves the control frames in the
///   input.
/// * **Queries**: [`is_between_messages`](Self::is_between_messages) and [`unread`](Self::unread).
/// * **Lending**: [`lending`](Self::lending) is for drivers that lend memory only while it is
///   needed.
///
/// The order of calls is a loop: take steps until one returns [`Step::NeedInput`], read, and take
/// steps again.
///
/// The memory consists of the block and, for an incomplete message of n received bytes, at most
/// 2n + 64 KiB. The length that a frame header announces does not change this.
///
/// ```
/// use ws_proto::{Config, MessageRef, RecvHalf, Role, SendHalf, Step};
///
/// let config = Config::default();
/// let mut send = SendHalf::server(&config);
/// let mut recv = RecvHalf::new(Role::Server, &config);
///
/// // A masked text message "Hello" (RFC 6455 §5.7), and a Ping.
/// let input = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\0\0\0\0";
/// recv.spare()[..input.len()].copy_from_slice(input);
/// recv.filled(input.len());
///
/// assert_eq!(recv.next_message(&mut send), Step::Found(()));
/// assert_eq!(recv.message(), Some(MessageRef::Text("Hello")));
/// assert!(matches!(recv.next_message(&mut send), Step::Control(_)));
/// assert_eq!(recv.next_message(&mut send), Step::NeedInput);
/// assert_eq!(send.queued(), 2); // The Pong.
/// ```
pub struct RecvHalf {
    role: Role,
    max_frame_len: usize,
    max_message_len: usize,
    /// The smaller of the two limits above. It applies to messages in one uncompressed frame.
    max_plain_len: usize,
    block: Block,
    stage: Stage,
    /// The location of the message or piece that the last step found.
    message: Location,
    /// `true` if input has arrived and has not been reported to the sending half.
    is_heard: bool,
    /// `true` if the last step used all input.
    is_searched: bool,
    /// The beginning of a header, or of the payload of a control frame, that was in a block that
    /// has been given back.
    partial: Vec<u8>,
    assembly: Assembly,
    /// The message that is received piece by piece.
    stream: Option<Streaming>,
    /// Present if compression was agreed.
    inflation: Option<Box<Inflation>>,
    /// Present after the first look ahead.
    ahead: Option<Box<Ahead>>,
    /// `true` if a look ahead leaves control frames in the input for the next step.
    keeps_controls: bool,
    counters: Counters,
}

/// The reason why a search stopped before it found anything.
enum Stop {
    /// A control frame with this header comes first. Its payload has arrived.
    Control(FrameHeader),
    NeedInput,
    Busy,
    Closed,
    Failed(ReceiveError),
}

impl<E: Into<ReceiveError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The length in bytes of a block that was not lent.
const BLOCK_LEN: usize = 64 * 1024;

impl RecvHalf {
    /// Creates the receiving half for the end with this role.
    #[must_use]
    pub fn new(role: Role, config: &Config) -> Self {
        let max_frame_len = config.shared.max_frame_len.unwrap_or(usize::MAX);
        let max_message_len = config.shared.max_message_len;
        Self {
            role,
            max_frame_len,
            max_message_len,
            max_plain_len: max_frame_len.min(max_message_len),
            block: Block::new(BLOCK_LEN),
            stage: Stage::Between,
            message: Location::None,
            is_heard: false,
            is_searched: false,
            partial: Vec::new(),
            assembly: Assembly::default(),
            stream: None,
            inflation: None,
            ahead: None,
            keeps_controls: config.shared.manual_pongs,
            counters: Counters::default(),
        }
    }

    /// Returns free memory to read into, which is never empty. Allocates a block of 64 KiB unless
    /// one was [lent](RecvLending::lend).
    ///
    /// The message or piece that the last step found is no longer available afterwards, even if it
    /// was [held](Self::hold). The input moves to the start of the block if there is too little
    /// free memory after it.
    #[inline]
    pub fn spare(&mut self) -> &mut [u8] {
        self.end_look();
        self.void_ahead();
        self.block.spare()
    }

    /// Accepts the first `len` bytes of [`spare`](Self::spare) as input. A `len` greater than the
    /// length of `spare` is reduced to that length.
    #[inline]
    pub fn filled(&mut self, len: usize) {
        let taken = self.block.filled(len);
        self.counters.wire(taken);
        self.is_heard |= len > 0;
        self.is_searched = false;
    }

    /// Finds the next message and receives all of it: see [`message`](Self::message) and
    /// [`take_message`](Self::take_message).
    ///
    /// A message in one frame stays in the block if it fits. Any other message is assembled in
    /// separate memory. If the previous message was being received piece by piece, its rest is
    /// skipped first. The skipped rest is still validated.
    #[inline]
    pub fn next_message(&mut self, send: &mut SendHalf) -> Step<()> {
        if self.is_used_up() {
            self.note_heard(send);
            self.message = Location::None;
            self.is_searched = true;
            return Step::NeedInput;
        }
        if self.next_plain() {
            return Step::Found(());
        }
        self.next_any(send)
    }

    /// The slow path of [`next_message`](Self::next_message).
    #[inline(never)]
    fn next_any(&mut self, send: &mut SendHalf) -> Step<()> {
        let found = self.find_message();
        self.conclude(send, found)
    }

    /// Finds the start of the next message, to receive it piece by piece. If
    /// [`next_message`](Self::next_message) has received the beginning of a message, that message
    /// is continued.
    ///
    /// If the previous message was being received piece by piece, its rest is skipped first.
    ///
    /// The limits on frames and messages do not apply, because nothing is assembled. But more than
    /// 131,072 empty frames in a row fail the connection with
    /// [`LimitError::TooManyFragments`](crate::LimitError::TooManyFragments).
    pub fn next_start(&mut self, send: &mut SendHalf) -> Step<MessageKind> {
        let found = self.find_start();
        self.conclude(send, found)
    }

    /// Finds the next piece of the message that [`next_start`](Self::next_start) found: see
    /// [`chunk`](Self::chunk). Without such a message, and after the end of the message, it returns
    /// [`Chunk::End`].
    ///
    /// Text is validated piece by piece. A piece that contains an invalid byte is not returned: the
    /// connection fails instead. A piece may end inside a character.
    pub fn next_chunk(&mut self, send: &mut SendHalf) -> Step<Chunk> {
        let found = self.find_chunk();
        self.conclude(send, found)
    }

    /// Converts the result of a search into a step. Reports new input, control frames and
    /// violations to the sending half.
    #[inline(never)] // Inlining would slow the step after each read that only returns `NeedInput`.
    fn conclude<T>(&mut self, send: &mut SendHalf, found: Result<T, Stop>) -> Step<T> {
        self.note_heard(send);
        self.is_searched = matches!(found, Err(Stop::NeedInput));
        match found {
            Ok(found) => Step::Found(found),
            Err(Stop::Control(header)) => match self.take_control(&header) {
                Ok(control) => {
                    self.counters.control(header.opcode);
                    if !self.take_answered() {
                        send.respond(&control);
                    }
                    Step::Control(control)
                }
                Err(error) => self.fail(send, error),
            },
            Err(Stop::NeedInput) => Step::NeedInput,
            Err(Stop::Busy) => Step::Busy,
            Err(Stop::Closed) => Step::Ended,
            Err(Stop::Failed(error)) => self.fail(send, error),
        }
    }

    #[inline]
    fn note_heard(&mut self, send: &mut SendHalf) {
        if core::mem::take(&mut self.is_heard) {
            send.heard();
        }
    }

    fn fail<T>(&mut self, send: &mut SendHalf, error: ReceiveError) -> Step<T> {
        self.stop(Stage::Failed(error));
        send.fail(error);
        Step::Ended
    }

    /// Returns the message that the last step found. It is available until the next step or read.
    #[inline]
    pub fn message(&self) -> Option<MessageRef<'_>> {
        if let Location::Block(kind, range) = &self.message {
            return Some(match kind {
                MessageKind::Text => MessageRef::Text(self.block.text()),
                MessageKind::Binary => MessageRef::Binary(self.block.get(range)),
            });
        }
        match self.message {
            Location::Assembled => self.assembly.message(),
            Location::None
            | Location::Block(..)
            | Location::Chunk(_)
            | Location::Prefix
            | Location::Inflated => None,
        }
    }

    /// Takes the message that the last step found. A message in the block is copied. An assembled
    /// message is moved out with its memory.
    pub fn take_message(&mut self) -> Option<Message> {
        if self.is_holding() {
            self.leave_held();
        }
        let message = match self.message {
            Location::Assembled => self.assembly.take(),
            _ => self.message().map(MessageRef::to_message),
        }?;
        self.message = Location::None;
        Some(message)
    }

    /// Drops the message that the last step found, unless it is [held](Self::hold). The memory of
    /// an assembled message is freed.
    pub fn drop_message(&mut self) {
        match self.message {
            Location::Block(..) if !self.is_holding() => {}
            Location::Assembled if !self.is_holding() => drop(self.assembly.take()),
            _ => return,
        }
        self.message = Location::None;
    }

    /// Makes the next step find the same message again, as a whole or piece by piece. This has no
    /// effect if the message is taken, or more is read, before that step.
    pub fn hold(&mut self) {
        if self.message().is_some() {
            self.stage = Stage::Held;
        }
    }

    /// Returns `true` if the last message is [held](Self::hold) for the next step.
    pub fn is_holding(&self) -> bool {
        matches!(self.stage, Stage::Held)
    }

    /// Returns the piece that the last [`next_chunk`](Self::next_chunk) found. It is available
    /// until the next step or read.
    pub fn chunk(&self) -> &[u8] {
        match &self.message {
            _ if matches!(self.stage, Stage::HeldPiece { is_given: false }) => &[],
            Location::Chunk(range) => self.block.get(range),
            Location::Prefix => self.assembly.bytes(),
            Location::Inflated => self.inflated(),
            Location::None | Location::Block(..) | Location::Assembled => &[],
        }
    }

    /// Returns `true` if no byte of the next frame has been used and no fragmented message is open.
    /// Always `false` after a failure.
    pub fn is_between_messages(&self) -> bool {
        matches!(self.stage, Stage::Between | Stage::Assembled)
    }

    /// Returns the traffic that has been received. A control frame is counted when a step has found
    /// it, even if a look ahead has answered it before.
    #[cfg(feature = "stats")]
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// Returns the input that no step has used, as it arrived. The beginning of an incomplete frame
    /// may have been used: see [`is_between_messages`](Self::is_between_messages).
    pub fn unread(&self) -> &[u8] {
        self.block.unread()
    }

    /// Returns the interface for drivers that lend memory and take it back.
    #[inline]
    pub fn lending(&mut self) -> RecvLending<'_> {
        RecvLending(self)
    }

    /// Makes the message that the last step found unavailable, even if it was held.
    #[inline]
    fn end_look(&mut self) {
        self.leave_held();
        self.message = Location::None;
    }

    fn rules(&self) -> HeaderRules {
        HeaderRules {
            message_open: self.assembly.is_open() || self.stream.is_some(),
            rsv1: self.inflation.is_some(),
            ..HeaderRules::new(self.role)
        }
    }

    /// Ends receiving. Later input is ignored, and an incomplete message is dropped.
    fn stop(&mut self, stage: Stage) {
        self.stage = stage;
        self.message = Location::None;
        self.block.clear();
        self.partial = Vec::new();
        self.assembly = Assembly::default();
        self.stream = None;
        self.inflation = None;
        self.ahead = None;
    }
}

impl fmt::Debug for RecvHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvHalf")
            .field("role", &self.role)
            .field("unread", &self.unread().len())
            .field("held", &self.block.len())
            .field("message_len", &self.assembly.len())
            .finish_non_exhaustive()
    }
}
