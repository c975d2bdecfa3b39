//! Sending: converts messages, control frames and the closing handshake into bytes (RFC 6455 §5,
//! §6.1, §7).

mod closing;
mod deflate;
mod frames;
mod lending;
mod long;
mod memory;
mod pieces;
mod probe;
mod queue;
mod silence;
mod time;
mod written;

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
use crate::traffic::Counters;
#[cfg(feature = "stats")]
use crate::traffic::Traffic;
use closing::Ending;
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

/// The sending half of a connection. It converts messages into frames and keeps the state of the
/// closing handshake.
///
/// Every method acts at once and returns. Messages are sent in the order of the calls. So are Pings
/// and Pongs, but if a message has several frames, they are sent between two of these frames. A
/// Close is sent after every message, and nothing follows it. Each step of the
/// [`RecvHalf`](crate::RecvHalf) queues its answers to control frames and violations here.
///
/// The methods by topic:
///
/// * **Commands**: [`message`](Self::message), [`ping`](Self::ping), [`pong`](Self::pong) and
///   [`start_close`](Self::start_close). For a message of unknown length, [`begin`](Self::begin),
///   [`write`](Self::write) and [`finish`](Self::finish). For a round trip,
///   [`start_probe`](Self::start_probe).
/// * **Output**: [`slices`](Self::slices) returns the next bytes to write.
///   [`advance`](Self::advance), [`stalled`](Self::stalled), [`flushed`](Self::flushed),
///   [`output_lost`](Self::output_lost) and [`transport_ended`](Self::transport_ended) report the
///   result.
/// * **Queries**: [`is_open`](Self::is_open), [`has_room`](Self::has_room),
///   [`queued`](Self::queued), [`ends_transport`](Self::ends_transport), [`end`](Self::end),
///   [`failure`](Self::failure) and more. [`written`](Self::written) counts the messages that the
///   transport took, if [`count_written`](Self::count_written) was called.
/// * **Time**: [`deadline`](Self::deadline) returns the time at which a wait must end.
///   [`expire`](Self::expire) acts on a timeout after the wait.
/// * **Lending**: [`lending`](Self::lending) is for drivers that lend memory only while it is
///   needed, write large payloads without a copy, or compress in steps.
///
/// The memory consists of the queue, which keeps its buffer for later frames until
/// [`SendLending::reclaim`] takes it back.
///
/// The order of calls: after commands and steps of receiving, write what is queued. Call `deadline`
/// before each wait. Call `expire` after each wait, even if something else ended the wait.
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
/// // The transport took five bytes: the next slices begin after them.
/// send.advance(5);
/// assert_eq!(send.queued(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendHalf {
    /// Present on a client, which masks its frames.
    masks: Option<Box<dyn MaskSource>>,
    /// `true` if the next message can be queued at once, in one uncompressed frame: see
    /// [`refresh`](Self::refresh).
    is_plain: bool,
    /// The number of queued bytes from which there is no room. This is the high-water mark minus
    /// the rest of `long`. It is 0 while a message is compressed in steps.
    room: usize,
    queue: Queue,
    config: Config,
    closing: Closing,
    /// Present after the first Close of either end.
    closes: Option<Box<Closes>>,
    /// `true` while our Close waits until all frames of `long` are queued.
    close_waits: bool,
    /// `true` if the last write left bytes unsent. Replies to Pings then wait in `pong`.
    congested: bool,
    /// The reply to the newest Ping since the output became congested (RFC 6455 §5.5.3).
    pong: Option<Box<ControlPayload>>,
    /// The rest of a message that is sent in more than one frame. This rest follows the queued
    /// bytes.
    long: Option<Box<Long>>,
    /// The message that is sent piece by piece.
    unfinished: Option<Unfinished>,
    /// Present from the first Close, or from a violation, to the end of the transport.
    ending: Option<Box<Ending>>,
    /// The write stall timeout. It runs from `stalled` until `advance` or `flushed` reports
    /// progress.
    stall: Deadline,
    silence: Option<Box<Silence>>,
    /// The last Ping that the caller sent to measure the round trip.
    probe: Option<Box<Probe>>,
    /// Present if compression was agreed.
    deflation: Option<Box<Deflation>>,
    /// `true` if long messages are compressed in steps.
    in_steps: bool,
    counters: Counters,
}

impl SendHalf {
    /// Creates the sending half of a server.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        Self::new(None, config)
    }

    /// Creates the sending half of a client. It takes a new masking key from `masks` for every
    /// frame.
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
            ending: None,
            stall: Deadline::Off,
            silence: Silence::new(config),
            probe: None,
            deflation: None,
            in_steps: false,
            counters: Counters::default(),
        };
        half.refresh();
        half
    }

    /// Updates the fields that the fast path reads. Call it after any change to a field that they
    /// depend on.
    fn refresh(&mut self) {
        self.is_plain = self.closing.is_open()
            && self.unfinished.is_none()
            && self.deflation.is_none()
            && self.config.shared.fragment_len.is_none()
            && !self.counts();
        // An empty queue has room even if the mark is 0.
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

    /// Returns the interface for drivers that lend memory and take it back, write payloads without
    /// a copy, or compress in steps.
    #[inline]
    pub fn lending(&mut self) -> SendLending<'_> {
        SendLending(self)
    }

    /// Returns the traffic that has been sent. Messages and control frames count when they are
    /// queued, and `wire_bytes` when the transport takes them. A message of several pieces counts
    /// when it is finished.
    #[cfg(feature = "stats")]
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// Returns `true` if messages can still be sent: no Close has been queued, and the transport
    /// takes output.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.closing.is_open()
    }

    /// Returns `true` if the outcome of the connection is decided.
    pub fn has_ended(&self) -> bool {
        self.closing.is_final()
    }

    /// Returns the outcome of the connection once it is decided.
    pub fn end(&self) -> Option<End> {
        self.closing.end(self.closes.as_deref())
    }

    /// Returns the violation of the peer, if one ended the connection.
    pub fn failure(&self) -> Option<ReceiveError> {
        match self.closing {
            Closing::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns `true` if this end must now end its direction of the transport (RFC 6455 §7.1.1,
    /// §7.1.7). All output has then been written, and this end need not wait for the peer.
    ///
    /// On a client, it stays `false` after both Closes: the client drops the transport at the end
    /// of the input.
    pub fn ends_transport(&self) -> bool {
        self.queue.is_empty() && self.closing.ends_transport(self.role())
    }

    /// Returns `true` if the queue is empty or shorter than the high-water mark. Returns `false`
    /// while a message is compressed in steps.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.queue.len() < self.room
    }

    /// Returns `true` if the last write left bytes unsent. The caller must then wait until the
    /// transport takes more.
    pub fn is_congested(&self) -> bool {
        self.congested
    }

    /// Returns the number of queued bytes, without the headers of frames that are still to be made.
    #[inline]
    pub fn queued(&self) -> usize {
        self.queue.len().saturating_add(self.rest_of_long())
    }

    /// Fills `slices` with the next bytes to send, as many as fit. Returns the number of slices
    /// that were used.
    ///
    /// Report the bytes that the transport took with [`advance`](Self::advance).
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.queue.slices(slices)
    }

    /// Reports that the transport took the next `len` bytes. Once there is room, a Pong that had to
    /// wait is queued.
    #[inline(always)]
    pub fn advance(&mut self, len: usize) {
        self.queue.advance(len);
        self.counters.wire(len);
        if len > 0 {
            self.stall.disarm();
            if let Some(silence) = &mut self.silence {
                silence.progress(len);
            }
        }
        if self.ending.is_some() {
            self.extend_close_timeout(len);
        }
        let is_empty = self.queue.is_empty();
        if is_empty {
            self.congested = false;
        }
        // A check for an empty queue is not enough: if the caller queues a message whenever there
        // is room, the queue is never empty.
        if self.pong.is_some() && (is_empty || self.has_room()) {
            self.late_pong();
        }
        if is_empty && self.long.is_some() {
            self.next_frames();
        }
    }

    /// Queues the Pong that had to wait.
    #[cold]
    fn late_pong(&mut self) {
        if let Some(payload) = self.pong.take() {
            self.final_frame(OpCode::Pong, &payload);
        }
    }

    /// Reports that the transport has passed on everything that it took. Stops the write stall
    /// timeout. Only a transport that buffers output needs this call.
    pub fn flushed(&mut self) {
        self.stall.disarm();
    }

    /// Reports that the transport takes nothing now, or has not passed on what it took.
    ///
    /// The write stall timeout runs until [`advance`](Self::advance) or [`flushed`](Self::flushed)
    /// reports progress. While output is queued, only the newest Ping is answered. With a blocking
    /// transport, call `stalled` before each write, and derive the timeout of the write from
    /// [`deadline`](Self::deadline).
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
