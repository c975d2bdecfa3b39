//! The receive side: octets in, messages and control frames out (RFC 6455 §5, §6.2, §8).

mod assembly;
mod block;
#[cfg(feature = "deflate")]
mod inflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_inflate.rs"]
mod inflate;
mod stream;

pub use block::{BlockReceiver, Chunk, Ready, Start};

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::close::CloseFrame;
use crate::config::{Config, MAX_FRAGMENTS};
use crate::control::{Control, ControlPayload};
use crate::error::{LimitError, ProtocolError, ReceiveError};
use crate::header::{FrameHeader, HeaderRules, PlainHeader};
use crate::mask::MaskKey;
use crate::message::{Message, MessageKind, MessageRef};
use crate::opcode::OpCode;
use crate::role::Role;
use crate::text::unmask_text;
use assembly::Assembly;
pub use inflate::DecompressorMemory;
use inflate::Inflation;
use stream::Stream;

/// What a call of [`ReceiveSide::receive`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received<'a> {
    /// Octets of the input that were used up; pass the rest to the next call.
    pub consumed: usize,
    /// What they held. `None`: all of the input was used up, and more is needed.
    pub event: Option<Event<'a>>,
}

/// Something whole arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // RFC 6455 knows data and control.
#[allow(clippy::large_enum_variant)] // Passed by value once and stored by nobody.
pub enum Event<'a> {
    /// A Close, Ping or Pong.
    Control(Control),
    /// A message.
    Message(MessageRef<'a>),
}

/// Turns octets into messages: framing, masking, UTF-8, fragments, limits.
///
/// It never replies: [`Connection`](crate::Connection) does, or whoever passes its control frames and errors to a
/// [`SendHalf`](crate::SendHalf).
///
/// Memory: nothing between messages but what the last one left for the next (see [`release`](Self::release)). An
/// unfinished message of n received octets takes at most 2n + 64 KiB, whatever its header announced.
///
/// ```
/// use ws_proto::{Config, Event, MessageRef, ReceiveSide, Role};
///
/// let mut recv = ReceiveSide::new(Role::Client, &Config::default());
/// // A message in two frames, with a Ping between them.
/// let mut input = *b"\x01\x03Hel\x89\x01?\x80\x02lo";
///
/// let received = recv.receive(&mut input)?;
/// let Some(Event::Control(ping)) = received.event else { panic!("{received:?}") };
/// println!("to be answered by a `SendHalf`: {ping:?}");
///
/// let rest = received.consumed;
/// let received = recv.receive(&mut input[rest..])?;
/// assert_eq!(received.event, Some(Event::Message(MessageRef::Text("Hello"))));
/// assert_eq!(rest + received.consumed, input.len());
/// # Ok::<(), ws_proto::ReceiveError>(())
/// ```
pub struct ReceiveSide {
    role: Role,
    max_frame_len: usize,
    max_message_len: usize,
    status: Status,
    /// Octets of a header or control frame whose end has not arrived. Empty while `frame` is set.
    partial: Vec<u8>,
    /// The data frame whose payload goes to `assembly`.
    frame: Option<OpenFrame>,
    assembly: Assembly,
    /// While `On`, payload is passed on instead of going to `assembly`.
    stream: Stream,
    /// Present where compression was agreed.
    inflation: Option<Box<Inflation>>,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    Active,
    /// The peer's Close arrived: what follows is ignored (RFC 6455 §1.4).
    Closed,
    Failed(ReceiveError),
}

struct OpenFrame {
    /// Octets of payload that have not arrived.
    remaining: u64,
    /// The masking key, turned to the next octet.
    key: Option<MaskKey>,
    fin: bool,
}

/// What to do with a frame of which the input holds only the beginning.
#[derive(Clone, Copy)]
enum Partial {
    /// Take it over: the input may go away.
    Absorb,
    /// Leave it if the whole frame fits `room` octets: the caller will append to the same input.
    Keep { room: usize },
}

/// One step through the input. Positions count from the start of the input.
struct Step {
    consumed: usize,
    found: Found,
}

#[allow(clippy::large_enum_variant)] // Short-lived return value.
enum Found {
    /// The input has no whole frame left.
    Nothing,
    /// The same, and how long the frame is of which the input has the beginning.
    Incomplete {
        frame_len: usize,
    },
    /// The last frame of the message in `assembly`.
    Assembled,
    Control(Control),
    /// A piece of a message that is passed on, unmasked and validated in the input.
    Data {
        start: usize,
        len: usize,
    },
    /// A piece of a message that is passed on and came compressed.
    #[cfg_attr(
        not(feature = "deflate"),
        expect(dead_code, reason = "no message does")
    )]
    Inflated,
    /// The message that is passed on begins.
    Started(MessageKind),
    /// The message that is passed on is whole.
    StreamEnd,
    /// A message of one frame, still masked and unchecked in the input.
    InPlace(InPlace),
}

struct InPlace {
    kind: MessageKind,
    start: usize,
    len: usize,
    key: Option<MaskKey>,
}

/// How the loop over frames goes on; the number is octets of input used up.
enum Next {
    Continue(usize),
    Stop(usize, Found),
}

impl ReceiveSide {
    /// The receive side of the end with this role.
    #[must_use]
    pub fn new(role: Role, config: &Config) -> Self {
        ReceiveSide {
            role,
            max_frame_len: config.shared.max_frame_len,
            max_message_len: config.shared.max_message_len,
            status: Status::Active,
            partial: Vec::new(),
            frame: None,
            assembly: Assembly::default(),
            stream: Stream::Off,
            inflation: None,
        }
    }

    /// Takes input up to the end of the next message or control frame.
    ///
    /// A message of one frame that lies in `input` as a whole is unmasked there and borrowed from it; any other is
    /// put together in memory of the receive side and borrowed from that. Call again with the rest of the input
    /// until `event` is `None`. After the peer's Close all input is ignored.
    ///
    /// # Errors
    ///
    /// The first violation or limit; every later call repeats it. Events before it have been returned.
    pub fn receive<'a>(&'a mut self, input: &'a mut [u8]) -> Result<Received<'a>, ReceiveError> {
        let Step { consumed, found } = self.step(input, Partial::Absorb)?;
        let event = match found {
            // Only a receiver that asked for a stream gets pieces.
            Found::Nothing
            | Found::Incomplete { .. }
            | Found::Data { .. }
            | Found::Inflated
            | Found::Started(_)
            | Found::StreamEnd => None,
            Found::Assembled => self.assembly.message().map(Event::Message),
            Found::Control(control) => Some(Event::Control(control)),
            Found::InPlace(InPlace {
                kind,
                start,
                len,
                key,
            }) => {
                let end = start.saturating_add(len);
                let payload = input.get_mut(start..end).unwrap_or_default();
                Some(Event::Message(match kind {
                    MessageKind::Binary => {
                        if let Some(key) = key {
                            key.apply(payload);
                        }
                        MessageRef::Binary(payload)
                    }
                    MessageKind::Text => match unmask_text(payload, key) {
                        Ok(text) => MessageRef::Text(text),
                        Err(error) => return Err(self.fail(error.into())),
                    },
                }))
            }
        };
        Ok(Received { consumed, event })
    }

    /// Takes the message that the last call of [`receive`](Self::receive) returned, if it was put together in memory
    /// of the receive side: the memory goes with it. `None` if it lies in the input.
    pub fn take_assembled(&mut self) -> Option<Message> {
        self.assembly.take()
    }

    /// Whether nothing has arrived of the next frame, and no fragmented message is open. Never after a failure.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        !matches!(self.status, Status::Failed(_))
            && self.partial.is_empty()
            && self.frame.is_none()
            && !self.assembly.is_open()
            && !self.is_streaming()
    }

    /// Gives back memory that earlier messages left for the next. For connections that go idle.
    pub fn release(&mut self) {
        self.assembly.forget_finished();
        self.assembly.trim();
        self.release_inflation();
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
    }

    fn rules(&self) -> HeaderRules {
        HeaderRules {
            message_open: self.assembly.is_open() || self.is_streaming(),
            rsv1: self.may_inflate(),
            ..HeaderRules::new(self.role)
        }
    }

    /// Remembers the error, so that later calls repeat it.
    fn fail(&mut self, error: ReceiveError) -> ReceiveError {
        self.stop(Status::Failed(error));
        error
    }

    /// Nothing that follows counts: what is incomplete now never becomes a message.
    fn stop(&mut self, status: Status) {
        self.status = status;
        self.partial = Vec::new();
        self.frame = None;
        self.assembly = Assembly::default();
        self.inflation = None;
    }

    /// Whether nothing of the next frame has arrived, and it will be taken as usual.
    #[inline]
    fn is_between_frames(&self) -> bool {
        matches!(self.status, Status::Active)
            && self.frame.is_none()
            && self.partial.is_empty()
            && matches!(self.stream, Stream::Off)
    }

    /// Octets that are missing of the frame whose payload is being taken over.
    fn frame_remaining(&self) -> u64 {
        self.frame.as_ref().map_or(0, |frame| frame.remaining)
    }

    /// The message that lies whole at the start of `input`, if it is of the most frequent kind: the short way to what
    /// [`step`](Self::step) would find.
    #[inline]
    fn plain_message(&self, input: &[u8]) -> Option<InPlace> {
        if !self.is_between_frames() || !self.assembly.is_idle() {
            return None;
        }
        let header = PlainHeader::parse(input, self.role)?;
        let limit = self.max_frame_len.min(self.max_message_len);
        let available = input.len().saturating_sub(header.len);
        (header.payload_len <= limit.min(available)).then_some(InPlace {
            kind: header.kind,
            start: header.len,
            len: header.payload_len,
            key: header.mask,
        })
    }

    /// Goes to the end of the next message or control frame.
    #[inline]
    fn step(&mut self, input: &mut [u8], partial: Partial) -> Result<Step, ReceiveError> {
        match self.status {
            Status::Active => {}
            Status::Closed => {
                return Ok(Step {
                    consumed: input.len(),
                    found: Found::Nothing,
                });
            }
            Status::Failed(error) => return Err(error),
        }
        self.assembly.forget_finished();
        let mut consumed: usize = 0;
        loop {
            let rest = input.get_mut(consumed..).unwrap_or_default();
            let next = if self.frame.is_some() {
                match self.stream {
                    Stream::On(_) => self.stream_frame(rest),
                    _ if self.is_compressed() => self.inflate_frame(rest, partial),
                    Stream::Off | Stream::Wanted => self.continue_frame(rest),
                }
            } else if !self.partial.is_empty() {
                self.complete_partial(rest)
            } else {
                self.start_frame(rest, partial)
            };
            match next {
                Ok(Next::Continue(len)) => consumed = consumed.saturating_add(len),
                Ok(Next::Stop(len, mut found)) => {
                    if let Found::InPlace(InPlace { start, .. }) | Found::Data { start, .. } =
                        &mut found
                    {
                        *start = start.saturating_add(consumed);
                    }
                    return Ok(Step {
                        consumed: consumed.saturating_add(len),
                        found,
                    });
                }
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// At the start of a frame, with nothing of it taken over.
    #[inline]
    fn start_frame(&mut self, input: &mut [u8], partial: Partial) -> Result<Next, ReceiveError> {
        let Some((header, header_len)) = FrameHeader::parse(input, &self.rules())? else {
            return Ok(self.set_aside(input, partial));
        };
        let available = input.len().saturating_sub(header_len);
        let payload_len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        let frame_len = header_len.saturating_add(payload_len);
        if header.opcode.is_control() {
            return match input.get_mut(header_len..frame_len) {
                Some(payload) => Ok(Next::Stop(frame_len, self.control(&header, payload)?)),
                None => Ok(self.set_aside(input, partial)),
            };
        }
        self.note_compression(&header);
        if !matches!(self.stream, Stream::Off) {
            return Ok(self.open_frame(&header, header_len));
        }
        self.check_limits(&header)?;
        if self.is_compressed() {
            return Ok(self.open_frame(&header, header_len));
        }
        if payload_len <= available {
            if let Some(kind) = whole_message(&header) {
                let found = InPlace {
                    kind,
                    start: header_len,
                    len: payload_len,
                    key: header.mask,
                };
                return Ok(Next::Stop(frame_len, Found::InPlace(found)));
            }
        } else if matches!(partial, Partial::Keep { room } if frame_len <= room) {
            return Ok(Next::Stop(0, Found::Incomplete { frame_len }));
        }
        Ok(self.open_frame(&header, header_len))
    }

    /// Leaves the beginning of a header or control frame in the input, or takes it over.
    fn set_aside(&mut self, input: &[u8], partial: Partial) -> Next {
        match partial {
            Partial::Keep { room } if input.len() < room => Next::Stop(0, Found::Nothing),
            Partial::Keep { .. } | Partial::Absorb => {
                self.partial.extend_from_slice(input);
                Next::Stop(input.len(), Found::Nothing)
            }
        }
    }

    /// Inside a header or control frame whose beginning was taken over.
    fn complete_partial(&mut self, input: &[u8]) -> Result<Next, ReceiveError> {
        let mut octets = input.iter();
        let (header, header_len) = loop {
            if let Some(parsed) = FrameHeader::parse(&self.partial, &self.rules())? {
                break parsed;
            }
            match octets.next() {
                Some(&octet) => self.partial.push(octet),
                None => return Ok(Next::Stop(input.len(), Found::Nothing)),
            }
        };
        let rest = octets.as_slice();
        let consumed = input.len().saturating_sub(rest.len());
        if !header.opcode.is_control() {
            self.note_compression(&header);
            if matches!(self.stream, Stream::Off) {
                self.check_limits(&header)?;
            }
            self.partial.clear();
            return Ok(self.open_frame(&header, consumed));
        }
        let payload_len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        let frame_len = header_len.saturating_add(payload_len);
        let missing = frame_len.saturating_sub(self.partial.len());
        let Some(end) = rest.get(..missing) else {
            self.partial.extend_from_slice(rest);
            return Ok(Next::Stop(input.len(), Found::Nothing));
        };
        self.partial.extend_from_slice(end);
        let mut frame = core::mem::take(&mut self.partial);
        let payload = frame.get_mut(header_len..).unwrap_or_default();
        let found = self.control(&header, payload)?;
        Ok(Next::Stop(consumed.saturating_add(missing), found))
    }

    /// Inside the payload of a data frame.
    fn continue_frame(&mut self, input: &[u8]) -> Result<Next, ReceiveError> {
        let Some(frame) = &mut self.frame else {
            return Ok(Next::Continue(0));
        };
        let len = usize::try_from(frame.remaining)
            .unwrap_or(usize::MAX)
            .min(input.len());
        let payload = input.get(..len).unwrap_or_default();
        self.assembly.append(payload, frame.key, frame.remaining)?;
        frame.key = frame.key.map(|key| key.after(len));
        frame.remaining = frame.remaining.saturating_sub(len as u64);
        if frame.remaining > 0 {
            return Ok(Next::Stop(len, Found::Nothing));
        }
        let fin = frame.fin;
        self.frame = None;
        if !fin {
            return Ok(Next::Continue(len));
        }
        self.assembly.finish()?;
        Ok(Next::Stop(len, Found::Assembled))
    }

    /// Begins with the payload of a data frame, whose header used up `header_len` octets of input.
    fn open_frame(&mut self, header: &FrameHeader, header_len: usize) -> Next {
        let FrameHeader {
            fin,
            mask: key,
            payload_len: remaining,
            ..
        } = *header;
        self.frame = Some(OpenFrame {
            remaining,
            key,
            fin,
        });
        let kind = match header.opcode {
            OpCode::Text => Some(MessageKind::Text),
            OpCode::Binary => Some(MessageKind::Binary),
            OpCode::Continuation | OpCode::Close | OpCode::Ping | OpCode::Pong => None,
        };
        if !matches!(self.stream, Stream::Off) {
            return self.enter_stream(kind, header_len);
        }
        if let Some(kind) = kind {
            self.assembly.begin(kind);
        }
        self.assembly.count_frame();
        Next::Continue(header_len)
    }

    /// Our limits, before any payload is kept.
    #[inline]
    fn check_limits(&mut self, header: &FrameHeader) -> Result<(), LimitError> {
        if self.is_compressed() {
            self.check_compressed(header)?;
        } else {
            self.check_lengths(header)?;
        }
        if header.opcode == OpCode::Continuation && self.assembly.frames() >= MAX_FRAGMENTS {
            return Err(LimitError::TooManyFragments);
        }
        Ok(())
    }

    /// Of a message that came as it is.
    #[inline]
    fn check_lengths(&self, header: &FrameHeader) -> Result<(), LimitError> {
        let len = header.payload_len;
        if len > self.max_frame_len as u64 {
            return Err(LimitError::FrameTooLong {
                len,
                limit: self.max_frame_len,
            });
        }
        let message_len = len.saturating_add(self.assembly.len() as u64);
        if message_len > self.max_message_len as u64 {
            let limit = self.max_message_len;
            return Err(LimitError::MessageTooLong {
                len: message_len,
                limit,
            });
        }
        Ok(())
    }

    /// A whole control frame, its payload still masked.
    fn control(&mut self, header: &FrameHeader, payload: &mut [u8]) -> Result<Found, ReceiveError> {
        if let Some(key) = header.mask {
            key.apply(payload);
        }
        // The header rules have bounded the payload, so a copy always fits.
        let copy = |payload: &[u8]| {
            ControlPayload::new(payload).map_err(|_| ProtocolError::ControlTooLong)
        };
        Ok(Found::Control(match header.opcode {
            OpCode::Ping => Control::Ping(copy(payload)?),
            OpCode::Pong => Control::Pong(copy(payload)?),
            OpCode::Close => {
                let close = CloseFrame::parse(payload)?;
                self.stop(Status::Closed);
                Control::Close(close)
            }
            OpCode::Continuation | OpCode::Text | OpCode::Binary => return Ok(Found::Nothing),
        }))
    }
}

impl fmt::Debug for ReceiveSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveSide")
            .field("role", &self.role)
            .field("status", &self.status)
            .field("message_len", &self.assembly.len())
            .finish_non_exhaustive()
    }
}

/// The kind of a message that is this one frame. (A continuation is never alone.)
fn whole_message(header: &FrameHeader) -> Option<MessageKind> {
    match header.opcode {
        OpCode::Text if header.fin => Some(MessageKind::Text),
        OpCode::Binary if header.fin => Some(MessageKind::Binary),
        _ => None,
    }
}
