//! Receiving: bytes in, messages and control frames out (RFC 6455 §5, §6.2, §8).

mod ahead;
mod assembly;
mod block;
mod frames;
mod inflate;
mod lending;
mod stream;

pub use ahead::LookAhead;
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
use ahead::Ahead;
use assembly::Assembly;
use block::{Block, Location};
use frames::Stage;
use inflate::Inflation;
use stream::Streaming;

/// The result of a step of receiving: what was looked for, or why the search stopped before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<T> {
    /// The search found it.
    Found(T),
    /// A Close, Ping or Pong. It has been answered already: take the next step.
    Control(Control),
    /// All input was used up: read more into [`RecvHalf::spare`].
    NeedInput,
    /// Much was decompressed and more is to come without more input: give others a turn, then take the next step.
    Busy,
    /// Nothing that arrives counts any more, because the peer closed the connection or broke the protocol:
    /// [`SendHalf::end`] and [`SendHalf::failure`] tell.
    Ended,
}

/// Part of a message that is received piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// A piece of the payload: see [`RecvHalf::chunk`].
    Data,
    /// The message is whole.
    End,
}

/// The receiving half of a connection: turns bytes into messages.
///
/// It holds the input, decodes it step by step, and has its [`SendHalf`] answer: each step is given that half, queues
/// the replies that control frames call for, and fails the connection when the peer breaks a rule or a limit.
/// [`Connection`](crate::Connection) is the pair of both halves.
///
/// Methods come in families:
///
/// * **Input**: [`spare`](Self::spare) is the memory to read into, [`filled`](Self::filled) says how much was read.
/// * **Steps**: [`next_message`](Self::next_message) for whole messages; [`next_start`](Self::next_start) and
///   [`next_chunk`](Self::next_chunk) for messages piece by piece.
/// * **Output**: [`message`](Self::message), [`take_message`](Self::take_message) and [`chunk`](Self::chunk) look at
///   what the last step found. [`hold`](Self::hold) lets the next step find it again.
/// * **Looking ahead**: [`look_ahead`](Self::look_ahead) answers control frames while nobody receives, and after
///   [`keep_controls`](Self::keep_controls) uses up none.
/// * **Questions**: [`is_between_messages`](Self::is_between_messages), [`unread`](Self::unread).
/// * **Lending**: [`lending`](Self::lending) is for drivers that lend memory only while they need it.
///
/// The order of calls is a loop: take steps until one returns [`Step::NeedInput`], read, take steps again.
///
/// Memory: the lent block, and for an unfinished message of n received bytes at most 2n + 64 KiB, whatever its header
/// announced.
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
    /// The lesser of both.
    max_plain_len: usize,
    block: Block,
    stage: Stage,
    /// The place of what the last step found.
    message: Location,
    /// Input has come of which the sending half has not been told.
    is_heard: bool,
    /// The last step used up all input.
    is_searched: bool,
    /// The beginning of a header, or the payload of a control frame, that came out of a block given back.
    partial: Vec<u8>,
    assembly: Assembly,
    /// The message that is received piece by piece.
    stream: Option<Streaming>,
    /// Present where compression was agreed.
    inflation: Option<Box<Inflation>>,
    /// Present once somebody has looked ahead.
    ahead: Option<Box<Ahead>>,
    /// A look ahead leaves control frames for the next step.
    keeps_controls: bool,
}

/// Why a search stopped before it found anything.
enum Stop {
    /// The control frame with this header comes first, and is all there.
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

/// Bytes in a block that nobody has lent.
const BLOCK_LEN: usize = 64 * 1024;

impl RecvHalf {
    /// The receiving half of the end with this role.
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
        }
    }

    /// Returns free memory behind the input, to read into; it is never empty. Allocates a block of 64 KiB unless one
    /// was [lent](RecvLending::lend).
    ///
    /// Ends the look at a message, also one that is held. Moves the input to the start of the block if that makes the
    /// room it needs.
    pub fn spare(&mut self) -> &mut [u8] {
        self.end_look();
        self.void_ahead();
        self.block.spare()
    }

    /// Takes the first `len` bytes of [`spare`](Self::spare) as input; no more than there are.
    pub fn filled(&mut self, len: usize) {
        self.block.filled(len);
        self.is_heard |= len > 0;
        self.is_searched = false;
    }

    /// Goes to the end of the next message: see [`message`](Self::message) and [`take_message`](Self::take_message).
    ///
    /// A message of one frame that lies in the block as a whole stays there; any other is put together in memory of its
    /// own. Of a message that was received piece by piece, the rest is skipped first; it is validated all the same.
    #[inline]
    pub fn next_message(&mut self, send: &mut SendHalf) -> Step<()> {
        if self.next_plain() {
            return Step::Found(());
        }
        self.next_any(send)
    }

    /// The long path of [`next_message`](Self::next_message).
    fn next_any(&mut self, send: &mut SendHalf) -> Step<()> {
        if self.is_used_up() {
            self.note_heard(send);
            self.message = Location::None;
            self.is_searched = true;
            return Step::NeedInput;
        }
        let found = self.find_message();
        self.conclude(send, found)
    }

    /// Goes to the beginning of the next message, to receive it piece by piece, and skips the rest of one that was; or into the message of which
    /// [`next_message`](Self::next_message) has put together the beginning.
    ///
    /// The limits on frames and messages do not apply, because nothing is put together. But 131,072 frames without
    /// payload in a row are too many.
    pub fn next_start(&mut self, send: &mut SendHalf) -> Step<MessageKind> {
        let found = self.find_start();
        self.conclude(send, found)
    }

    /// Goes to the next piece of the message that [`next_start`](Self::next_start) found: see [`chunk`](Self::chunk).
    /// Without one, and behind the end, it is [`Chunk::End`].
    ///
    /// Text is validated on the way: the piece with the first byte that cannot be text is not passed on. A piece may
    /// end inside a character.
    pub fn next_chunk(&mut self, send: &mut SendHalf) -> Step<Chunk> {
        let found = self.find_chunk();
        self.conclude(send, found)
    }

    /// The joint of the two halves: all that receiving has to tell the sending half.
    #[inline(never)] // The step that only asks for input, after each read, shall not pay for this.
    fn conclude<T>(&mut self, send: &mut SendHalf, found: Result<T, Stop>) -> Step<T> {
        self.note_heard(send);
        self.is_searched = matches!(found, Err(Stop::NeedInput));
        match found {
            Ok(found) => Step::Found(found),
            Err(Stop::Control(header)) => match self.take_control(&header) {
                Ok(control) => {
                    if !self.was_answered() {
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

    /// Reports what the peer did wrong.
    fn fail<T>(&mut self, send: &mut SendHalf, error: ReceiveError) -> Step<T> {
        self.stop(Stage::Failed(error));
        send.fail(error);
        Step::Ended
    }

    /// Returns the message that the last step found, until the next step or read.
    #[inline]
    pub fn message(&self) -> Option<MessageRef<'_>> {
        match &self.message {
            Location::Block(MessageKind::Text, _) => Some(MessageRef::Text(self.block.text())),
            Location::Block(MessageKind::Binary, range) => {
                Some(MessageRef::Binary(self.block.get(range)))
            }
            Location::Assembled => self.assembly.message(),
            Location::None | Location::Chunk(_) | Location::Prefix | Location::Inflated => None,
        }
    }

    /// Returns the message that the last step found, to keep: copied out of the block, or with its memory if it was put
    /// together outside.
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

    /// Forgets the message that the last step found, unless it is [held](Self::hold). If it was put together outside
    /// the block, its memory is free.
    pub fn drop_message(&mut self) {
        match self.message {
            Location::Block(..) if !self.is_holding() => {}
            Location::Assembled if !self.is_holding() => drop(self.assembly.take()),
            _ => return,
        }
        self.message = Location::None;
    }

    /// Lets the next step find the same message again, whole or piece by piece, unless it is taken or more is read
    /// before.
    pub fn hold(&mut self) {
        if self.message().is_some() {
            self.stage = Stage::Held;
        }
    }

    /// Tells whether a message waits that was found before.
    pub fn is_holding(&self) -> bool {
        matches!(self.stage, Stage::Held)
    }

    /// Returns the piece that the last [`next_chunk`](Self::next_chunk) found, until the next step or read.
    pub fn chunk(&self) -> &[u8] {
        match &self.message {
            _ if matches!(self.stage, Stage::HeldPiece { is_given: false }) => &[],
            Location::Chunk(range) => self.block.get(range),
            Location::Prefix => self.assembly.octets(),
            Location::Inflated => self.inflated(),
            Location::None | Location::Block(..) | Location::Assembled => &[],
        }
    }

    /// Tells whether nothing was used up of the next frame, and no fragmented message is open. Never true after a
    /// failure.
    pub fn is_between_messages(&self) -> bool {
        matches!(self.stage, Stage::Between | Stage::Assembled)
    }

    /// Returns the input that no step has used up, as it arrived. Of an incomplete frame the beginning may be used up:
    /// see [`is_between_messages`](Self::is_between_messages).
    pub fn unread(&self) -> &[u8] {
        self.block.unread()
    }

    /// Returns what a driver needs beside: memory that is lent and given back.
    pub fn lending(&mut self) -> RecvLending<'_> {
        RecvLending(self)
    }

    /// The message that the last step found makes way.
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

    /// Nothing that follows counts: what is incomplete now never becomes a message.
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
