//! Sending: messages, control frames and the closing handshake in, bytes out (RFC 6455 §5, §6.1, §7).

mod closing;
mod deflate;
mod frames;
mod lending;
mod long;
mod pieces;
mod probe;
mod queue;
mod silence;
mod time;

use alloc::boxed::Box;
use core::fmt;

use crate::closing::{Closes, Closing, End};
use crate::config::Config;
use crate::control::ControlPayload;
use crate::deadline::Deadline;
use crate::error::ReceiveError;
use crate::mask::MaskSource;
use crate::opcode::OpCode;
use crate::role::Role;
pub use deflate::CompressorMemory;
use deflate::Deflation;
#[cfg(feature = "std")]
pub use lending::IoSlices;
pub use lending::SendLending;
use long::Long;
use pieces::Unfinished;
use probe::Probe;
use queue::Queue;
use silence::Silence;

/// The sending half of a connection: turns messages into frames, and knows how far the connection has been closed.
///
/// Every method acts at once and returns. Messages go out in the order of the calls. A Ping or Pong goes out in its
/// order too, but for a message in more than one frame, of which it leaves at the next boundary. A Close leaves behind
/// every message, and nothing follows it. The [`RecvHalf`](crate::RecvHalf) queues here, with each step, the answers to
/// control frames and violations of the peer.
///
/// Methods come in families:
///
/// * **Commands**: [`message`](Self::message), [`ping`](Self::ping), [`pong`](Self::pong),
///   [`start_close`](Self::start_close); [`begin`](Self::begin), [`write`](Self::write) and [`finish`](Self::finish)
///   for a message of unknown length; [`start_probe`](Self::start_probe) for a round trip.
/// * **Output**: [`slices`](Self::slices) are the next bytes to write; [`advance`](Self::advance),
///   [`stalled`](Self::stalled), [`flushed`](Self::flushed), [`output_lost`](Self::output_lost) and
///   [`transport_ended`](Self::transport_ended) say what the transport did.
/// * **Questions**: [`is_open`](Self::is_open), [`has_room`](Self::has_room), [`queued`](Self::queued),
///   [`ends_transport`](Self::ends_transport), [`end`](Self::end), [`failure`](Self::failure) and more.
/// * **Time**: before a wait, [`deadline`](Self::deadline) is the longest it may take; after it,
///   [`expire`](Self::expire) acts on what has passed.
/// * **Lending**: [`lending`](Self::lending) is for drivers that lend memory only while they need it, write large
///   payloads from where they lie, or compress in steps.
///
/// Memory: the queue, which keeps its buffer for the next frames until [`SendLending::reclaim`] takes it back.
///
/// The order of calls: after commands and steps of receiving, write what is queued; call `deadline` before each wait
/// and `expire` after it, also when something else ended the wait.
///
/// ```
/// use ws_proto::{CloseCode, CloseFrame, CloseReason, Config, ControlPayload, SendError, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// send.message("hi")?;
/// send.ping(&ControlPayload::new(b"?")?)?;
/// send.start_close(CloseFrame::new(CloseCode::NORMAL, CloseReason::default()))?;
/// assert_eq!(send.message("late"), Err(SendError::Closing));
///
/// let mut slices = [&[][..]; 4];
/// let used = send.slices(&mut slices);
/// assert_eq!(slices[..used].concat(), b"\x81\x02hi\x89\x01?\x88\x02\x03\xe8");
/// // The transport took five bytes: the next slices begin behind them.
/// send.advance(5);
/// assert_eq!(send.queued(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendHalf {
    /// Present on a client, which masks what it sends.
    masks: Option<Box<dyn MaskSource>>,
    /// A message can be queued at once, in one frame as it is: see [`refresh`](Self::refresh).
    is_plain: bool,
    /// Fewer queued bytes are room for a message: the high-water mark, or 0 while a message is compressed in steps.
    room: usize,
    queue: Queue,
    config: Config,
    closing: Closing,
    /// Present once either end has closed.
    closes: Option<Box<Closes>>,
    /// Our Close waits for the end of `long`.
    close_waits: bool,
    /// The transport has left bytes unsent: replies to Pings wait in `pong`.
    congested: bool,
    /// The reply to the newest Ping since the output was congested (RFC 6455 §5.5.3).
    pong: Option<Box<ControlPayload>>,
    /// The message that leaves in more than one frame, behind what is queued.
    long: Option<Box<Long>>,
    /// The message that is sent piece by piece.
    unfinished: Option<Unfinished>,
    /// Runs from the first Close, or from a violation, to the end of the transport.
    ending: Deadline,
    /// Bytes that the transport took since `ending` was armed.
    taken: usize,
    /// Runs while the output is congested.
    stall: Deadline,
    silence: Option<Box<Silence>>,
    /// The Ping whose round trip the caller wants to know.
    probe: Option<Box<Probe>>,
    /// Present where compression was agreed.
    deflation: Option<Box<Deflation>>,
    /// Long messages are compressed in steps.
    in_steps: bool,
}

impl SendHalf {
    /// The sending half of a server.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Self::new(None, config)
    }

    /// The sending half of a client, which takes a masking key for every frame from `masks`.
    #[must_use]
    pub fn client(config: &Config, masks: impl MaskSource + 'static) -> Self {
        Self::new(Some(Box::new(masks)), config)
    }

    fn new(masks: Option<Box<dyn MaskSource>>, config: &Config) -> Self {
        let mut half = Self {
            masks,
            is_plain: false,
            room: 0,
            queue: Queue::default(),
            config: config.clone(),
            closing: Closing::Open,
            closes: None,
            close_waits: false,
            congested: false,
            pong: None,
            long: None,
            unfinished: None,
            ending: Deadline::Off,
            taken: 0,
            stall: Deadline::Off,
            silence: Silence::new(config),
            probe: None,
            deflation: None,
            in_steps: false,
        };
        half.refresh();
        half
    }

    /// Derives what the short path asks for, after anything that it depends on has changed.
    fn refresh(&mut self) {
        self.is_plain = self.closing.is_open()
            && self.unfinished.is_none()
            && self.deflation.is_none()
            && self.config.shared.fragment_len.is_none();
        // An empty queue has room whatever the mark.
        let mark = self.config.shared.high_water_mark.max(1);
        self.room = match self.is_busy() {
            true => 0,
            false => mark.saturating_sub(self.rest_of_long()),
        };
    }

    /// Returns the role of this end.
    pub fn role(&self) -> Role {
        if self.masks.is_some() {
            Role::Client
        } else {
            Role::Server
        }
    }

    /// Returns what a driver needs beside: memory that is lent and given back, payloads that stay where they are,
    /// compression in steps.
    #[inline]
    pub fn lending(&mut self) -> SendLending<'_> {
        SendLending(self)
    }

    /// Tells whether messages can still be sent: no Close was queued, and the transport takes output.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.closing.is_open()
    }

    /// Tells whether it is decided how the connection ended.
    pub fn has_ended(&self) -> bool {
        self.closing.is_final()
    }

    /// Returns how the connection ended, once that is decided.
    pub fn end(&self) -> Option<End> {
        self.closing.end(self.closes.as_deref())
    }

    /// Returns what the peer did, if that ended the connection.
    pub fn failure(&self) -> Option<ReceiveError> {
        match self.closing {
            Closing::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Tells whether this end is to end its direction of the transport now (RFC 6455 §7.1.1, §7.1.7): everything has
    /// gone out, and it is not for the peer to go first.
    ///
    /// After both Closes it stays `false` for a client, which drops the transport at the end of the input.
    pub fn ends_transport(&self) -> bool {
        self.queue.is_empty() && self.closing.ends_transport(self.role())
    }

    /// Tells whether less than the high-water mark is queued, or nothing.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.queue.len() < self.room
    }

    /// Tells whether the transport has left bytes unsent the last time: it will say when it takes more.
    pub fn is_congested(&self) -> bool {
        self.congested
    }

    /// Returns how many bytes are queued, without headers of frames that are still to be made.
    #[inline]
    pub fn queued(&self) -> usize {
        self.queue.len().saturating_add(self.rest_of_long())
    }

    /// Writes the next bytes to send to `slices`, as far as those reach; returns how many were used.
    ///
    /// After the transport took some, say so with [`advance`](Self::advance).
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.queue.slices(slices)
    }

    /// Takes note that the transport took the next `len` bytes. Once there is room, a Pong that had to wait is queued.
    pub fn advance(&mut self, len: usize) {
        self.queue.advance(len);
        if len > 0 {
            self.stall.disarm();
            if let Some(silence) = &mut self.silence {
                silence.progress();
            }
        }
        if self.ending.is_armed() {
            self.closing_goes_on(len);
        }
        let is_empty = self.queue.is_empty();
        if is_empty {
            self.congested = false;
        }
        // Not only once everything is gone: whoever feeds as soon as there is room never lets that happen.
        if (is_empty || self.has_room())
            && let Some(payload) = self.pong.take()
        {
            self.control(OpCode::Pong, &payload);
        }
        if is_empty && self.long.is_some() {
            self.next_frames();
        }
    }

    /// Takes note that the transport took everything and has passed it on: the time limit on stalled writes stops. Only
    /// for transports with a buffer of their own.
    pub fn flushed(&mut self) {
        self.stall.disarm();
    }

    /// Takes note that the transport takes nothing now, or does not get rid of what it took.
    ///
    /// The time limit on stalled writes runs until it does ([`advance`](Self::advance), [`flushed`](Self::flushed)).
    /// While something is queued, Pings are answered by the newest Pong only. With a blocking transport, call it before
    /// each write, and take the time-out of the write from [`deadline`](Self::deadline).
    pub fn stalled(&mut self) {
        self.congested = !self.queue.is_empty();
        if !self.stall.is_armed() {
            self.stall.arm(self.config.shared.write_stall_timeout);
        }
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHalf")
            .field("role", &self.role())
            .field("queued", &self.queued())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
