//! Receiving from a block that the receive side holds, so that messages can be looked at after the search for them.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use super::stream::Stream;
use super::{Found, InPlace, Partial, ReceiveSide, Step};
use crate::control::Control;
use crate::error::ReceiveError;
use crate::message::{Message, MessageKind, MessageRef};
use crate::text::{Text, TextBlock};

/// What [`BlockReceiver::poll`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 6455 knows data and control.
#[allow(clippy::large_enum_variant)] // Passed by value once and stored by nobody.
pub enum Ready {
    /// A Close, Ping or Pong. Pass it to [`SendHalf::respond`](crate::SendHalf::respond).
    Control(Control),
    /// A message: see [`BlockReceiver::message`] and [`BlockReceiver::take_message`].
    Message,
}

/// What [`BlockReceiver::poll_start`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 6455 knows data and control.
#[allow(clippy::large_enum_variant)] // Passed by value once and stored by nobody.
pub enum Start {
    /// A Close, Ping or Pong. Pass it to [`SendHalf::respond`](crate::SendHalf::respond).
    Control(Control),
    /// A message begins: see [`BlockReceiver::poll_chunk`].
    Message(MessageKind),
}

/// What [`BlockReceiver::poll_chunk`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 6455 knows data and control.
#[allow(clippy::large_enum_variant)] // Passed by value once and stored by nobody.
pub enum Chunk {
    /// A Close, Ping or Pong. Pass it to [`SendHalf::respond`](crate::SendHalf::respond).
    Control(Control),
    /// A piece of the message: see [`BlockReceiver::chunk`].
    Data,
    /// The message is whole.
    End,
}

/// A [`ReceiveSide`] together with the block that the caller reads into.
///
/// [`ReceiveSide::receive`] borrows messages from the caller's slice, so a caller cannot both return a message and go
/// on reading when there is none. Here the search ([`poll`](Self::poll)) and the look ([`message`](Self::message)) are
/// two steps. The block is lent for a read and can be had back at any time:
///
/// ```text
/// loop { poll() → lend(block) if wants_block() → read into spare() → filled(n) }
/// nothing to read?   rest() takes over what is incomplete and returns the block
/// message for a user that may keep it for long?   settle() returns the block if little of it is in use
/// ```
///
/// ```
/// use std::io::Read;
/// use ws_proto::{BlockReceiver, Config, Message, Ready, ReceiveSide, Role};
///
/// const BLOCK_LEN: usize = 4096;
///
/// /// Reads until there is a message. `None` at the end of the input.
/// fn next(recv: &mut BlockReceiver, socket: &mut impl Read) -> std::io::Result<Option<Message>> {
///     loop {
///         match recv.poll().map_err(std::io::Error::other)? {
///             Some(Ready::Message) => return Ok(recv.take_message()),
///             Some(Ready::Control(control)) => println!("to be answered: {control:?}"),
///             None => {
///                 if recv.wants_block() {
///                     recv.lend(vec![0; BLOCK_LEN].into());
///                 }
///                 match socket.read(recv.spare())? {
///                     0 => return Ok(None),
///                     len => recv.filled(len),
///                 }
///             }
///         }
///     }
/// }
///
/// let side = ReceiveSide::new(Role::Client, &Config::default());
/// // Input that arrived behind the opening handshake comes first.
/// let mut recv = BlockReceiver::new(side, b"\x81\x05Hel"[..].into(), BLOCK_LEN);
/// let mut socket = &b"lo\x82\x01\x07"[..];
/// assert_eq!(next(&mut recv, &mut socket)?, Some("Hello".into()));
/// assert_eq!(next(&mut recv, &mut socket)?, Some(vec![7].into()));
/// assert_eq!(next(&mut recv, &mut socket)?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct BlockReceiver {
    side: ReceiveSide,
    block: TextBlock,
    /// `block[start..end]` is input that no event has used up. `start <= end <= block.len()`.
    start: usize,
    end: usize,
    /// Octets in the blocks that will be lent.
    block_len: usize,
    /// The same after frames that are longer than those. Frames up to this length stay in place.
    large_len: usize,
    /// How many more waits blocks of `large_len` will be wanted for.
    large_for: u8,
    /// How long the frame is whose beginning lies at `start`, if that is known.
    incomplete_len: usize,
    message: Location,
    /// Whether the last search went through all input and found nothing.
    searched: bool,
}

/// Where the message lies that the last `poll` found.
#[derive(Clone, Default)]
enum Location {
    #[default]
    None,
    Assembled,
    Block(MessageKind, Range<usize>),
    /// A piece of a message that is passed on.
    Chunk(Range<usize>),
    /// The beginning of a message that is passed on, put together before.
    Prefix,
    /// A piece of a message that is passed on and came compressed.
    Inflated,
}

/// For how many waits a frame that was longer than a block calls for large blocks: long messages come in numbers, and a
/// larger block that turns out to be needed after the first read is a copy more.
const LARGE_FOR: u8 = 16;

/// What is worth a read, and what is hardly worth moving: longer input is only moved if there is less room than that
/// behind it, or less than its frame needs.
const WORTH_A_READ: usize = 16 * 1024;
const HARDLY_A_COPY: usize = 4 * 1024;

/// What skipping came upon.
#[allow(clippy::large_enum_variant)] // Passed by value once and stored by nobody.
enum Skipped {
    Control(Control),
    NeedMore,
}

impl BlockReceiver {
    /// Receives from `input`, octets that arrived earlier, and then from blocks of `block_len` octets.
    #[must_use]
    pub fn new(side: ReceiveSide, input: Box<[u8]>, block_len: usize) -> Self {
        let end = input.len();
        let block = TextBlock::new(input);
        BlockReceiver {
            side,
            block,
            start: 0,
            end,
            block_len,
            large_len: block_len,
            large_for: 0,
            incomplete_len: 0,
            message: Location::None,
            searched: false,
        }
    }

    /// Asks for blocks of `large_len` octets, if that is more, while frames come that are longer than the others
    /// ([`wanted_len`](Self::wanted_len)).
    #[must_use]
    pub fn with_large_blocks(mut self, large_len: usize) -> Self {
        self.large_len = self.block_len.max(large_len);
        self
    }

    /// Goes to the end of the next message or control frame. `None`: more input is needed.
    ///
    /// # Errors
    ///
    /// As for [`ReceiveSide::receive`]. All input counts as used up then.
    ///
    /// The rest of a message that was passed on in part is skipped first; violations in it are found all the same.
    #[inline]
    pub fn poll(&mut self) -> Result<Option<Ready>, ReceiveError> {
        if self.next_whole() {
            return Ok(Some(Ready::Message));
        }
        self.poll_any()
    }

    /// Goes to the next message if nothing but that message has to be seen to: it is of the most frequent kind, one
    /// frame that lies in the block. Otherwise `false`, and [`poll`](Self::poll) tells what there is.
    ///
    /// The short way of `poll` for loops that count nanoseconds.
    #[inline]
    pub fn next_whole(&mut self) -> bool {
        let input = self.block.octets().get(self.start..self.end);
        let Some(found) = input.and_then(|input| self.side.plain_message(input)) else {
            return false;
        };
        let base = self.start;
        self.start = base.saturating_add(found.start).saturating_add(found.len);
        // An error is repeated by `poll`.
        self.keep_in_place(base, found).is_ok()
    }

    /// Whether there is nothing to look at, and nothing under way that goes on without input.
    #[inline]
    fn is_used_up(&self) -> bool {
        self.start == self.end && self.side.is_between_frames()
    }

    /// [`poll`](Self::poll), the long way.
    fn poll_any(&mut self) -> Result<Option<Ready>, ReceiveError> {
        if self.is_used_up() {
            self.side.assembly.forget_finished();
            self.message = Location::None;
            self.incomplete_len = 0;
            self.searched = true;
            return Ok(None);
        }
        if let Some(skipped) = self.skip()? {
            return Ok(match skipped {
                Skipped::Control(control) => Some(Ready::Control(control)),
                Skipped::NeedMore => None,
            });
        }
        let Step { consumed, found } = self.step(Partial::Keep {
            room: self.large_len,
        })?;
        let base = self.start;
        self.start = base.saturating_add(consumed);
        match found {
            Found::Nothing
            | Found::Incomplete { .. }
            | Found::Data { .. }
            | Found::Inflated
            | Found::Started(_)
            | Found::StreamEnd => Ok(None),
            Found::Control(control) => Ok(Some(Ready::Control(control))),
            Found::Assembled => {
                self.message = Location::Assembled;
                Ok(Some(Ready::Message))
            }
            Found::InPlace(found) => {
                self.keep_in_place(base, found)?;
                Ok(Some(Ready::Message))
            }
        }
    }

    /// Unmasks and checks a message where it lies, counted from `base`.
    #[inline]
    fn keep_in_place(&mut self, base: usize, found: InPlace) -> Result<(), ReceiveError> {
        let start = base.saturating_add(found.start);
        let range = start..start.saturating_add(found.len);
        match found.kind {
            MessageKind::Text => {
                if let Err(error) = self.block.unmask_text(range.clone(), found.key) {
                    self.start = self.end;
                    return Err(self.side.fail(error.into()));
                }
            }
            MessageKind::Binary => {
                if let (Some(key), Some(payload)) =
                    (found.key, self.block.octets_mut().get_mut(range.clone()))
                {
                    key.apply(payload);
                }
            }
        }
        self.message = Location::Block(found.kind, range);
        Ok(())
    }

    /// Goes to the beginning of the next message, which is to be passed on piece by piece; or into the one of which
    /// [`poll`](Self::poll) has put together the beginning. `None`: more input is needed.
    ///
    /// The limits on frames and messages do not apply: nothing is put together. But 131,072 frames without payload in
    /// a row are too many.
    ///
    /// # Errors
    ///
    /// As for [`ReceiveSide::receive`].
    pub fn poll_start(&mut self) -> Result<Option<Start>, ReceiveError> {
        if let Some(skipped) = self.skip()? {
            return Ok(match skipped {
                Skipped::Control(control) => Some(Start::Control(control)),
                Skipped::NeedMore => None,
            });
        }
        if let Some(kind) = self.side.want_stream() {
            self.message = Location::None;
            // What was left in the block, as the beginning of a frame, can be passed on now.
            self.searched = false;
            return Ok(Some(Start::Message(kind)));
        }
        Ok(match self.stream_step()? {
            Found::Control(control) => Some(Start::Control(control)),
            Found::Started(kind) => Some(Start::Message(kind)),
            _ => None,
        })
    }

    /// Goes to the next piece of the message that [`poll_start`](Self::poll_start) found. `None`: more input is
    /// needed, or others should have a turn ([`is_busy`](Self::is_busy)).
    ///
    /// Text is validated on the way: the piece with the first octet that cannot be text is not passed on. A piece may
    /// end inside a character.
    ///
    /// # Errors
    ///
    /// As for [`ReceiveSide::receive`].
    pub fn poll_chunk(&mut self) -> Result<Option<Chunk>, ReceiveError> {
        let Stream::On(stream) = &mut self.side.stream else {
            return Ok(Some(Chunk::End));
        };
        if core::mem::take(&mut stream.has_prefix) {
            self.message = Location::Prefix;
            return Ok(Some(Chunk::Data));
        }
        Ok(match self.stream_step()? {
            Found::Control(control) => Some(Chunk::Control(control)),
            Found::Data { .. } | Found::Inflated => Some(Chunk::Data),
            Found::StreamEnd => Some(Chunk::End),
            _ => None,
        })
    }

    /// The piece that the last [`poll_chunk`](Self::poll_chunk) found, until input moves.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        match &self.message {
            Location::Chunk(range) => {
                let octets = self.block.octets();
                octets.get(range.clone()).unwrap_or_default()
            }
            Location::Prefix => self.side.assembly.octets(),
            Location::Inflated => self.side.inflated(),
            Location::None | Location::Assembled | Location::Block(..) => &[],
        }
    }

    /// Skips what is left of a message that is passed on. `None` when there is nothing of the kind (any more).
    #[inline]
    fn skip(&mut self) -> Result<Option<Skipped>, ReceiveError> {
        while self.side.is_streaming() {
            match self.poll_chunk()? {
                None => return Ok(Some(Skipped::NeedMore)),
                Some(Chunk::Control(control)) => return Ok(Some(Skipped::Control(control))),
                Some(Chunk::Data | Chunk::End) => {}
            }
        }
        self.side.stream = Stream::Off;
        Ok(None)
    }

    /// A step in a message that is passed on.
    fn stream_step(&mut self) -> Result<Found, ReceiveError> {
        let room = self.large_len;
        let Step { consumed, found } = self.step(Partial::Keep { room })?;
        let base = self.start;
        self.start = base.saturating_add(consumed);
        match found {
            Found::Data { start, len } => {
                let start = base.saturating_add(start);
                self.message = Location::Chunk(start..start.saturating_add(len));
            }
            Found::Inflated => self.message = Location::Inflated,
            _ => {}
        }
        Ok(found)
    }

    /// The message that the last [`poll`](Self::poll) found, until input moves: `None` after [`spare`](Self::spare),
    /// [`lend`](Self::lend) and [`rest`](Self::rest).
    #[inline]
    #[must_use]
    pub fn message(&self) -> Option<MessageRef<'_>> {
        match &self.message {
            Location::None | Location::Chunk(_) | Location::Prefix | Location::Inflated => None,
            Location::Assembled => self.side.assembly.message(),
            Location::Block(MessageKind::Text, _) => Some(MessageRef::Text(self.block.text())),
            Location::Block(MessageKind::Binary, range) => {
                Some(MessageRef::Binary(self.block.octets().get(range.clone())?))
            }
        }
    }

    /// The message that the last [`poll`](Self::poll) found, to keep: copied out of the block, or taken with its
    /// memory if it was put together outside.
    pub fn take_message(&mut self) -> Option<Message> {
        let message = match core::mem::take(&mut self.message) {
            Location::None => return None,
            piece @ (Location::Chunk(_) | Location::Prefix | Location::Inflated) => {
                self.message = piece;
                return None;
            }
            Location::Assembled => return self.side.assembly.take(),
            Location::Block(MessageKind::Text, _) => Message::Text(Text::from(self.block.text())),
            Location::Block(MessageKind::Binary, range) => {
                Message::Binary(Bytes::copy_from_slice(self.block.octets().get(range)?))
            }
        };
        Some(message)
    }

    /// Forgets the message that the last [`poll`](Self::poll) found. If it was put together outside the block, its
    /// memory is free.
    pub fn drop_message(&mut self) {
        match &self.message {
            Location::None | Location::Chunk(_) | Location::Prefix | Location::Inflated => {}
            Location::Block(..) => self.message = Location::None,
            Location::Assembled => {
                self.message = Location::None;
                self.side.assembly.take();
            }
        }
    }

    /// Free octets behind the input, to read into. Moves the input to the start of the block if that is the room it
    /// takes.
    pub fn spare(&mut self) -> &mut [u8] {
        self.message = Location::None;
        let len = self.block.len();
        let octets = self.block.octets_mut();
        let stays = self.end.saturating_sub(self.start) > HARDLY_A_COPY
            && self.start.saturating_add(self.incomplete_len) <= len
            && len.saturating_sub(self.end) >= WORTH_A_READ;
        if self.start > 0 && !stays {
            octets.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        octets.get_mut(self.end..).unwrap_or_default()
    }

    /// The first `len` octets of [`spare`](Self::spare) are input now.
    pub fn filled(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.block.len());
        self.searched = false;
    }

    /// Whether the memory is not a lent block, or too short a one: lend one of [`wanted_len`](Self::wanted_len) octets
    /// before a read.
    #[must_use]
    pub fn wants_block(&self) -> bool {
        self.block.len() < self.wanted_len()
    }

    /// How many octets the next lent block should have.
    #[must_use]
    pub fn wanted_len(&self) -> usize {
        match self.large_for {
            0 => self.block_len,
            _ => self.large_len,
        }
    }

    /// Continues in `block`, to which the input moves. Returns the memory held until now.
    pub fn lend(&mut self, mut block: Box<[u8]>) -> Box<[u8]> {
        self.message = Location::None;
        let input = self.unread();
        let len = input.len();
        if let Some(target) = block.get_mut(..len) {
            target.copy_from_slice(input);
            self.start = 0;
            self.end = len;
            core::mem::replace(&mut self.block, TextBlock::new(block)).into_octets()
        } else {
            block
        }
    }

    /// Takes over what is incomplete in the block and returns the block: nothing more can be read for now.
    ///
    /// Call it when [`poll`](Self::poll) has returned `None`: input that was not searched stays, and an empty box
    /// comes back. Memory kept for the next message is given back too.
    ///
    /// # Errors
    ///
    /// The beginning of the frame may hold a violation already, such as text that is not UTF-8.
    pub fn rest(&mut self) -> Result<Box<[u8]>, ReceiveError> {
        if self.is_busy() || (!self.searched && (self.start < self.end || self.side.has_prefix())) {
            self.message = Location::None;
            return Ok(Box::default());
        }
        if !self.is_used_up() {
            self.step(Partial::Absorb)?;
        }
        self.message = Location::None;
        self.side.release();
        self.large_for = self.large_for.saturating_sub(1);
        self.start = 0;
        self.end = 0;
        Ok(core::mem::take(&mut self.block).into_octets())
    }

    /// Returns the block if little of it is in use: the message and the input behind it move to memory of their size.
    ///
    /// With u octets in use, at most 16u + 4 KiB stay held.
    #[inline]
    pub fn settle(&mut self) -> Option<Box<[u8]>> {
        if self.side.assembly.holds_memory() {
            self.side.assembly.trim();
        }
        let first = match &self.message {
            Location::Block(_, range) | Location::Chunk(range) => range.start,
            Location::None | Location::Assembled | Location::Prefix | Location::Inflated => {
                self.start
            }
        };
        let used = self.end.saturating_sub(first);
        if self.block.len().saturating_sub(4096).div_ceil(16) <= used {
            return None;
        }
        Some(self.move_out(first, used))
    }

    /// Moves the octets from `first` on, of which there are `used`, to memory of their size.
    fn move_out(&mut self, first: usize, used: usize) -> Box<[u8]> {
        if let Location::Block(_, range) | Location::Chunk(range) = &mut self.message {
            *range = 0..range.len();
        }
        let block = self.block.shrink(first..self.end);
        self.start = self.start.saturating_sub(first);
        self.end = used;
        block
    }

    /// Whether [`poll`](Self::poll) has returned `None` in the middle of a message that takes long to decompress: there
    /// is more to do without more input, after others had a turn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.side.is_inflating()
    }

    /// The receive side, to say what was agreed before anything is received.
    pub fn side_mut(&mut self) -> &mut ReceiveSide {
        &mut self.side
    }

    /// Forgets all input and returns the memory: the connection has ended.
    pub fn discard(&mut self) -> Box<[u8]> {
        self.message = Location::None;
        self.start = 0;
        self.end = 0;
        self.side.release();
        core::mem::take(&mut self.block).into_octets()
    }

    /// Input that no event has used up, as it arrived. Of an incomplete frame, [`rest`](Self::rest) may have taken
    /// the beginning: see [`ReceiveSide::is_between_messages`].
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        self.block
            .octets()
            .get(self.start..self.end)
            .unwrap_or_default()
    }

    /// The receive side.
    #[must_use]
    pub fn side(&self) -> &ReceiveSide {
        &self.side
    }

    fn step(&mut self, partial: Partial) -> Result<Step, ReceiveError> {
        self.message = Location::None;
        let input = self
            .block
            .octets_mut()
            .get_mut(self.start..self.end)
            .unwrap_or_default();
        let step = self.side.step(input, partial);
        match &step {
            Ok(Step { found, .. }) => {
                self.searched = matches!(found, Found::Nothing | Found::Incomplete { .. });
                self.note_length(found);
            }
            // Whoever drains the transport after a failure finds the whole block free.
            Err(_) => self.start = self.end,
        }
        step
    }

    /// Learns from a frame of which only a part is there how long a block it needs.
    fn note_length(&mut self, found: &Found) {
        self.incomplete_len = match found {
            Found::Incomplete { frame_len } => *frame_len,
            _ => 0,
        };
        let is_long = |len: u64| len > self.block_len as u64;
        if is_long(self.incomplete_len as u64) || is_long(self.side.frame_remaining()) {
            self.large_for = LARGE_FOR;
        }
    }
}

impl fmt::Debug for BlockReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockReceiver")
            .field("side", &self.side)
            .field("unread", &self.unread().len())
            .field("held", &self.block.len())
            .finish_non_exhaustive()
    }
}
