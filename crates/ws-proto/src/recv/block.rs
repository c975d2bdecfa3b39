//! Receiving from a block that the receive side holds, so that messages can be looked at after the search for them.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

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
    /// A Close, Ping or Pong. Pass it to [`SendSide::respond`](crate::SendSide::respond).
    Control(Control),
    /// A message: see [`BlockReceiver::message`] and [`BlockReceiver::take_message`].
    Message,
}

/// A [`ReceiveSide`] together with the block that the caller reads into.
///
/// [`ReceiveSide::receive`] borrows messages from the caller's slice, so a caller cannot both return a message and go
/// on reading when there is none. Here the search ([`poll`](Self::poll)) and the look ([`message`](Self::message)) are
/// two steps. The block is lent for a read and can be had back at any time:
///
/// ```text
/// loop { poll() → lend(block) unless spare() has room → read into spare() → filled(n) }
/// nothing to read?   rest() takes over what is incomplete and returns the block
/// message for a user that may keep it for long?   settle() returns the block if little of it is in use
/// ```
pub struct BlockReceiver {
    side: ReceiveSide,
    block: TextBlock,
    /// `block[start..end]` is input that no event has used up. `start <= end <= block.len()`.
    start: usize,
    end: usize,
    /// Octets in the blocks that will be lent: frames up to this length stay in place.
    block_len: usize,
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
            message: Location::None,
            searched: false,
        }
    }

    /// Goes to the end of the next message or control frame. `None`: more input is needed.
    ///
    /// # Errors
    ///
    /// As for [`ReceiveSide::receive`]. All input counts as used up then.
    #[inline]
    pub fn poll(&mut self) -> Result<Option<Ready>, ReceiveError> {
        let Step { consumed, found } = self.step(Partial::Keep {
            room: self.block_len,
        })?;
        let base = self.start;
        self.start = base.saturating_add(consumed);
        match found {
            Found::Nothing => Ok(None),
            Found::Control(control) => Ok(Some(Ready::Control(control))),
            Found::Assembled => {
                self.message = Location::Assembled;
                Ok(Some(Ready::Message))
            }
            Found::InPlace(InPlace {
                kind,
                start,
                len,
                key,
            }) => {
                let start = base.saturating_add(start);
                let range = start..start.saturating_add(len);
                if let (Some(key), Some(payload)) =
                    (key, self.block.octets_mut().get_mut(range.clone()))
                {
                    key.apply(payload);
                }
                if kind == MessageKind::Text
                    && let Err(error) = self.block.validate(range.clone())
                {
                    self.start = self.end;
                    return Err(self.side.fail(error.into()));
                }
                self.message = Location::Block(kind, range);
                Ok(Some(Ready::Message))
            }
        }
    }

    /// The message that the last [`poll`](Self::poll) found, until input moves: `None` after [`spare`](Self::spare),
    /// [`lend`](Self::lend) and [`rest`](Self::rest).
    #[inline]
    #[must_use]
    pub fn message(&self) -> Option<MessageRef<'_>> {
        match &self.message {
            Location::None => None,
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
            Location::Assembled => return self.side.assembly.take(),
            Location::Block(MessageKind::Text, _) => Message::Text(Text::from(self.block.text())),
            Location::Block(MessageKind::Binary, range) => {
                Message::Binary(Bytes::copy_from_slice(self.block.octets().get(range)?))
            }
        };
        Some(message)
    }

    /// Free octets behind the input, to read into. Moves the input to the start of the block to make room.
    pub fn spare(&mut self) -> &mut [u8] {
        self.message = Location::None;
        let octets = self.block.octets_mut();
        if self.start > 0 {
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

    /// Whether the memory is not a lent block: lend one before a read.
    #[must_use]
    pub fn wants_block(&self) -> bool {
        self.block.len() < self.block_len
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
        if !self.searched && self.start < self.end {
            self.message = Location::None;
            return Ok(Box::default());
        }
        self.step(Partial::Absorb)?;
        self.side.release();
        self.start = 0;
        self.end = 0;
        Ok(core::mem::take(&mut self.block).into_octets())
    }

    /// Returns the block if little of it is in use: the message and the input behind it move to memory of their size.
    ///
    /// With u octets in use, at most 16u + 4 KiB stay held.
    pub fn settle(&mut self) -> Option<Box<[u8]>> {
        self.side.assembly.trim();
        let first = match &self.message {
            Location::Block(_, range) => range.start,
            Location::None | Location::Assembled => self.start,
        };
        let used = self.end.saturating_sub(first);
        if self.block.len() <= used.saturating_mul(16).saturating_add(4096) {
            return None;
        }
        if let Location::Block(_, range) = &mut self.message {
            *range = 0..range.len();
        }
        let block = self.block.shrink(first..self.end);
        self.start = self.start.saturating_sub(first);
        self.end = used;
        Some(block)
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
            Ok(Step { found, .. }) => self.searched = matches!(found, Found::Nothing),
            // Whoever drains the transport after a failure finds the whole block free.
            Err(_) => self.start = self.end,
        }
        step
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
