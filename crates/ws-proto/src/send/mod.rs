//! The send side: messages, control frames and the closing handshake in, octets out (RFC 6455 §5, §6.1, §7).

#[cfg(feature = "deflate")]
mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "no_deflate.rs"]
mod deflate;
mod pieces;
mod queue;
mod silence;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use crate::close::{CloseFrame, CloseReason};
use crate::closing::{Closing, End, Initiator};
use crate::config::Config;
use crate::control::{Control, ControlPayload};
use crate::deadline::{Deadline, Expired};
use crate::error::{ReceiveError, SendError};
use crate::header::{FrameHeader, MAX_HEADER_LEN};
use crate::mask::{MaskKey, MaskSource};
use crate::message::{Outgoing, Payload};
use crate::opcode::OpCode;
use crate::prepared::Prepared;
use crate::role::Role;
pub use deflate::CompressorMemory;
use deflate::Deflation;
use pieces::Unfinished;
use queue::Queue;
use silence::Silence;

/// Owned payloads from here on are queued as they are: the copy would cost more than one more slice to write.
const UNCOPIED_LEN: usize = 8 * 1024;

/// Turns messages into frames, answers control frames, and knows how far the connection has been closed.
///
/// Every method acts at once and returns; the octets are fetched by [`slices`](Self::slices) and
/// [`advance`](Self::advance). Frames go out in the order of the calls, and nothing follows a Close.
///
/// ```
/// use ws_proto::{CloseCode, CloseFrame, CloseReason, Config, ControlPayload, SendError, SendHalf};
///
/// let mut send = SendHalf::server(&Config::default());
/// send.message("hi")?;
/// send.ping(&ControlPayload::new(b"?")?)?;
/// send.start_close(Some(CloseFrame::new(CloseCode::NORMAL, CloseReason::default())))?;
/// assert_eq!(send.message("late"), Err(SendError::Closing));
///
/// let mut slices = [&[][..]; 4];
/// let used = send.slices(&mut slices);
/// assert_eq!(slices[..used].concat(), b"\x81\x02hi\x89\x01?\x88\x02\x03\xe8");
/// // The transport took five octets: the next slices begin behind them.
/// send.advance(5);
/// assert_eq!(send.queued(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SendHalf {
    /// Present on a client, which masks what it sends.
    masks: Option<Box<dyn MaskSource>>,
    config: Config,
    queue: Queue,
    /// The transport takes nothing any more.
    is_broken: bool,
    /// Our Close was queued and never left.
    close_lost: bool,
    /// The transport has left octets unsent: replies to Pings wait in `pong`.
    congested: bool,
    /// The reply to the newest Ping since the output was congested (RFC 6455 §5.5.3).
    pong: Option<Box<ControlPayload>>,
    /// The message that is sent piece by piece.
    unfinished: Option<Unfinished>,
    closing: Closing,
    /// Runs from the first Close, or from a violation, to the end of the transport.
    ending: Deadline,
    /// Runs while the output is congested.
    stall: Deadline,
    silence: Option<Box<Silence>>,
    /// Present where compression was agreed.
    deflation: Option<Box<Deflation>>,
    /// Long messages are compressed in steps.
    in_steps: bool,
}

impl SendHalf {
    /// The send side of a server.
    #[must_use]
    pub fn server(config: &Config) -> Self {
        SendHalf::new(None, config)
    }

    /// The send side of a client, which takes a masking key for every frame from `masks`.
    #[must_use]
    pub fn client(config: &Config, masks: impl MaskSource + 'static) -> Self {
        SendHalf::new(Some(Box::new(masks)), config)
    }

    fn new(masks: Option<Box<dyn MaskSource>>, config: &Config) -> Self {
        SendHalf {
            masks,
            config: config.clone(),
            queue: Queue::default(),
            is_broken: false,
            close_lost: false,
            congested: false,
            pong: None,
            unfinished: None,
            closing: Closing::Open,
            ending: Deadline::Off,
            stall: Deadline::Off,
            silence: Silence::new(config),
            deflation: None,
            in_steps: false,
        }
    }

    /// The role of this end.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.masks.is_some() {
            Role::Client
        } else {
            Role::Server
        }
    }

    /// Queues a message.
    ///
    /// Takes it whatever is queued already: callers that want bounded memory ask [`has_room`](Self::has_room) first.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended, [`SendError::UnfinishedMessage`] between
    /// [`begin`](Self::begin) and [`finish`](Self::finish) once a piece was queued.
    #[inline(always)]
    pub fn message<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), SendError> {
        if !self.is_free() {
            self.make_free()?;
        }
        let message = message.into();
        match message.payload {
            Payload::Borrowed(payload) if self.takes_one_frame(payload) => {
                self.frame(message.kind.opcode(), true, payload);
            }
            _ => self.queue_message(message),
        }
        Ok(())
    }

    /// Whether it is clear at once that a message of this payload is one frame, uncompressed.
    #[inline]
    fn takes_one_frame(&self, payload: &[u8]) -> bool {
        self.deflation.is_none() && !self.fragments(payload)
    }

    /// As [`message`](Self::message), when it can be sent.
    fn queue_message(&mut self, message: Outgoing<'_>) {
        let compresses = self.compresses(&message);
        let opcode = message.kind.opcode();
        match message.payload {
            Payload::Prepared(prepared) if !self.fragments(prepared.as_bytes()) => {
                self.prepared(prepared, compresses);
            }
            payload if compresses => self.compressed(opcode, payload),
            payload => self.plain(opcode, payload),
        }
    }

    /// Compresses messages of more than 256 KiB in steps: [`message`](Self::message) and [`write`](Self::write) only
    /// take them, and [`work`](Self::work) goes on while it [`is_busy`](Self::is_busy). There is no
    /// [room](Self::has_room) until it is done, and whatever must follow the message does the rest at once.
    pub fn compress_in_steps(&mut self) {
        self.in_steps = true;
    }

    /// Queues a message, but leaves a large payload that needs no mask where it is: it comes back, and the caller writes
    /// it behind what is queued ([`with_io_slices_and`](Self::with_io_slices_and), [`advance_and`](Self::advance_and)).
    /// If an empty slice comes back, nothing is left to do.
    ///
    /// Until its last octet was written, or [kept](Self::keep_lent), nothing behind it leaves.
    ///
    /// ```
    /// use ws_proto::{Config, SendHalf};
    ///
    /// let mut send = SendHalf::server(&Config::default());
    /// let picture = vec![7; 100_000];
    /// let mut rest = send.lend_payload(&picture[..])?;
    /// assert_eq!(rest.len(), 100_000);
    /// // The header and the payload go out by one write, which takes 60,000 octets.
    /// # #[cfg(feature = "std")]
    /// let written = send.with_io_slices_and(rest, |slices| slices.len() * 30_000);
    /// # #[cfg(not(feature = "std"))]
    /// # let written = 60_000;
    /// send.advance_and(&mut rest, written);
    /// assert_eq!(rest.len(), 40_010);
    /// // There is no time to wait for more.
    /// send.keep_lent(rest);
    /// assert_eq!(send.queued(), 40_010);
    /// # Ok::<(), ws_proto::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`message`](Self::message).
    #[inline]
    pub fn lend_payload<'m>(
        &mut self,
        message: impl Into<Outgoing<'m>>,
    ) -> Result<&'m [u8], SendError> {
        let message = message.into();
        match message.payload {
            Payload::Borrowed(payload) if self.lends(&message) => {
                self.make_free()?;
                let header = FrameHeader::new(message.kind.opcode(), payload.len() as u64);
                self.header(&header);
                self.queue.lend_gap(payload.len());
                Ok(payload)
            }
            _ => self.message(message).map(|()| &[][..]),
        }
    }

    /// Whether [`lend_payload`](Self::lend_payload) would leave the payload of this message where it is.
    #[inline]
    #[must_use]
    pub fn lends(&self, message: &Outgoing<'_>) -> bool {
        match message.payload {
            Payload::Borrowed(payload) if payload.len() >= UNCOPIED_LEN => {
                self.masks.is_none()
                    && !self.fragments(payload)
                    && !self.compresses(message)
                    && self.queue.lent() == 0
            }
            _ => false,
        }
    }

    /// Queues a message, offering it to the transport on the way: a large borrowed payload that needs no mask is
    /// copied only as far as `write` does not take it at once.
    ///
    /// `write` gets everything that is queued and the payload behind it, and returns how many octets the transport
    /// took. It is called at most once, and not at all where nothing would be saved.
    ///
    /// # Errors
    ///
    /// As for [`message`](Self::message).
    #[cfg(feature = "std")]
    pub fn offer<'a>(
        &mut self,
        message: impl Into<Outgoing<'a>>,
        write: impl FnOnce(&[std::io::IoSlice<'_>]) -> usize,
    ) -> Result<(), SendError> {
        let mut lent = self.lend_payload(message)?;
        if !lent.is_empty() {
            let written = self.with_io_slices_and(lent, write);
            self.advance_and(&mut lent, written);
            self.keep_lent(lent);
        }
        Ok(())
    }

    /// The transport took the next `len` octets, of which some may be of the [lent](Self::lend_payload) payload: those
    /// are cut off its start.
    pub fn advance_and(&mut self, lent: &mut &[u8], len: usize) {
        let before = self.queue.lent();
        self.advance(len);
        let taken = before.saturating_sub(self.queue.lent());
        *lent = lent.get(taken..).unwrap_or_default();
    }

    /// Copies what is left of a [lent](Self::lend_payload) payload: it leaves like everything that is queued.
    pub fn keep_lent(&mut self, lent: &[u8]) {
        if self.queue.lent() > 0 {
            self.queue.fill_gap(Bytes::copy_from_slice(lent));
        }
    }

    /// Queues a Ping (RFC 6455 §5.5.2).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.frame(OpCode::Ping, true, payload);
        Ok(())
    }

    /// Queues a Pong that nobody asked for: a heartbeat (RFC 6455 §5.5.3).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn pong(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.frame(OpCode::Pong, true, payload);
        Ok(())
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2). `None` sends a Close without a code.
    ///
    /// What was queued before still goes out first.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] if the connection is closing already, [`SendError::InvalidCloseCode`] for a code that
    /// must not be sent.
    pub fn start_close(&mut self, close: Option<CloseFrame>) -> Result<(), SendError> {
        self.check_open()?;
        if let Some(CloseFrame { code, .. }) = &close
            && !code.is_sendable()
        {
            return Err(SendError::InvalidCloseCode(*code));
        }
        self.close_frame(close.as_ref());
        self.closing = Closing::LocalSent(close);
        self.ending.arm(self.config.shared.close_timeout);
        Ok(())
    }

    /// Answers a control frame of the peer: a Pong to each Ping, the Close that completes the handshake to a Close. A
    /// Pong may be the one that a keepalive Ping waits for.
    ///
    /// While the transport is congested only the newest Ping is remembered, and answered afterwards
    /// (RFC 6455 §5.5.3): a peer that sends and never reads cannot fill the memory.
    pub fn respond(&mut self, control: &Control) {
        if self.is_broken && matches!(control, Control::Ping(_)) {
            return;
        }
        match (control, &mut self.closing) {
            (Control::Pong(payload), _) => {
                if let Some(silence) = &mut self.silence {
                    silence.pong(payload, None);
                }
            }
            (Control::Ping(payload), Closing::Open) => {
                if self.congested {
                    self.pong = Some(Box::new(*payload));
                } else {
                    self.frame(OpCode::Pong, true, payload);
                }
            }
            (Control::Close(close), Closing::Open) => {
                // The code is repeated, the reason is not: it would only tell the peer its own words.
                let reply = close
                    .as_ref()
                    .map(|c| CloseFrame::new(c.code, CloseReason::default()));
                let first = close.clone();
                if self.is_broken {
                    // The peer never gets our Close, so the end is not clean (RFC 6455 §7.1.4).
                    self.closing = Closing::Lost {
                        initiator: Initiator::Peer,
                        first,
                    };
                    return;
                }
                self.close_frame(reply.as_ref());
                self.closing = Closing::Done {
                    initiator: Initiator::Peer,
                    first,
                };
                self.ending.arm(self.config.shared.close_timeout);
            }
            (Control::Close(_), Closing::LocalSent(first)) => {
                let first = first.take();
                let initiator = Initiator::Local;
                self.closing = if self.close_lost {
                    // As above: the peer has closed on its own.
                    Closing::Lost { initiator, first }
                } else {
                    Closing::Done { initiator, first }
                };
            }
            // Nothing follows a Close.
            (Control::Ping(_) | Control::Close(_), _) => {}
        }
    }

    /// Fails the connection because of what the peer sent (RFC 6455 §7.1.7): queues a Close with the error's code,
    /// unless a Close was queued before.
    pub fn fail(&mut self, error: ReceiveError) {
        match self.closing {
            Closing::Open => {
                // Nobody waits for the rest of it.
                self.drop_work();
                let close = CloseFrame::new(error.close_code(), CloseReason::default());
                self.close_frame(Some(&close));
            }
            Closing::LocalSent(_) => {}
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. } => return,
        }
        self.closing = Closing::Failed(error);
        self.ending.arm(self.config.shared.failure_timeout);
    }

    /// The transport ended: nothing more arrives and nothing more goes out, a queued Close included.
    ///
    /// Without both Closes that is abnormal (RFC 6455 §7.1.5, code 1006).
    pub fn transport_ended(&mut self) {
        self.lose(Initiator::Peer);
    }

    /// The peer has sent something: the time limits on its silence start anew.
    ///
    /// Without this call an idle time limit or keepalive Pings would take a talking peer for a silent one.
    #[inline]
    pub fn heard(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.heard();
        }
    }

    /// Whether the caller reads what the peer sends.
    ///
    /// While it does not, as when it waits for room to send, the time limits on the peer's silence stand still: there
    /// may be plenty to hear.
    pub fn listens(&mut self, listens: bool) {
        if let Some(silence) = &mut self.silence {
            silence.pause(!listens);
        }
    }

    /// How long the peer took to answer the last keepalive Ping.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.silence.as_ref()?.round_trip()
    }

    /// Whether a keepalive Ping waits for its Pong: then [`pong_arrived`](Self::pong_arrived), before
    /// [`respond`](Self::respond), is worth a look at the clock.
    #[must_use]
    pub fn awaits_pong(&self) -> bool {
        let silence = self.silence.as_ref();
        silence.is_some_and(|silence| silence.awaits_pong())
    }

    /// A Pong came at `now`. Without this call [`respond`](Self::respond) counts it all the same, and the round trip
    /// ends at the next [`deadline`](Self::deadline).
    pub fn pong_arrived(&mut self, payload: &ControlPayload, now: Duration) {
        if let Some(silence) = &mut self.silence {
            silence.pong(payload, Some(now));
        }
    }

    /// How the connection ended, once that is decided.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.closing.end()
    }

    /// What the peer did, if that ended the connection.
    #[must_use]
    pub fn failure(&self) -> Option<ReceiveError> {
        match self.closing {
            Closing::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Whether messages can still be sent: no Close was queued, and the connection has not ended.
    #[inline]
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closing.is_open() && !self.is_broken
    }

    /// Whether nothing that the peer sends counts any more: both Closes are there, or the peer broke the protocol.
    ///
    /// When the transport is lost, what had arrived before still counts.
    #[inline]
    #[must_use]
    pub fn ignores_input(&self) -> bool {
        self.closing.ignores_input()
    }

    /// Whether it is decided how the connection ended, so that input counts no more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.closing.is_final()
    }

    /// Whether this end is to end its direction of the transport now (RFC 6455 §7.1.1, §7.1.7): everything has gone
    /// out, and it is not for the peer to go first.
    #[must_use]
    pub fn ends_transport(&self) -> bool {
        self.queue.is_empty() && self.closing.ends_transport(self.role())
    }

    /// Whether less than the high-water mark is queued, or nothing.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        (self.queue.is_empty() || self.queue.len() < self.config.shared.high_water_mark)
            && !self.is_busy()
    }

    /// Whether the transport has left octets unsent the last time: it will say when it takes more.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.congested
    }

    /// Octets that are queued.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Writes the next octets to send to `slices`, as far as those reach; returns how many were used.
    ///
    /// After the transport took some, say so with [`advance`](Self::advance).
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.queue.slices(slices)
    }

    /// Calls `write` with the next octets to send as [`IoSlice`](std::io::IoSlice)s, at most 16.
    #[cfg(feature = "std")]
    pub fn with_io_slices<R>(&self, write: impl FnOnce(&[std::io::IoSlice<'_>]) -> R) -> R {
        self.with_io_slices_and(&[], write)
    }

    /// As [`with_io_slices`](Self::with_io_slices), with the [lent](Self::lend_payload) payload in its place if the
    /// slices reach that far.
    #[cfg(feature = "std")]
    pub fn with_io_slices_and<R>(
        &self,
        lent: &[u8],
        write: impl FnOnce(&[std::io::IoSlice<'_>]) -> R,
    ) -> R {
        if let Some(octets) = self.queue.contiguous()
            && lent.is_empty()
        {
            return write(&[std::io::IoSlice::new(octets)]);
        }
        let mut slices = [&[][..]; 16];
        let mut used = self.slices(&mut slices);
        if !lent.is_empty()
            && let Some(slot) = slices.get_mut(used)
        {
            *slot = lent;
            used = used.saturating_add(1);
        }
        let slices = slices.map(std::io::IoSlice::new);
        write(slices.get(..used).unwrap_or_default())
    }

    /// The transport took the next `len` octets.
    pub fn advance(&mut self, len: usize) {
        self.queue.advance(len);
        if len > 0 {
            self.stall.disarm();
            if let Some(silence) = &mut self.silence {
                silence.progress();
            }
        }
        if self.queue.is_empty() {
            self.congested = false;
            if let Some(payload) = self.pong.take() {
                self.frame(OpCode::Pong, true, &payload);
            }
        }
    }

    /// The transport takes nothing any more, though it may still give: drops what is queued. Nothing can be sent from
    /// here on.
    pub fn output_lost(&mut self) {
        self.is_broken = true;
        // It is the last in the queue.
        self.close_lost |= matches!(self.closing, Closing::LocalSent(_)) && !self.queue.is_empty();
        self.stop_listening();
        self.drop_work();
        self.queue.clear();
        self.pong = None;
        self.congested = false;
        self.stall.disarm();
    }

    /// The transport took everything and has passed it on: the time limit on stalled writes stands still.
    pub fn flushed(&mut self) {
        self.stall.disarm();
    }

    /// The transport takes nothing now, or does not get rid of what it took.
    ///
    /// The time limit on stalled writes runs until it does ([`advance`](Self::advance), [`flushed`](Self::flushed)).
    /// While something is queued, Pings are answered by the newest Pong only.
    pub fn stalled(&mut self) {
        self.congested = !self.queue.is_empty();
        if !self.stall.is_armed() {
            self.stall.arm(self.config.shared.write_stall_timeout);
        }
    }

    /// Whether the queue has no memory to encode into: [`lend`](Self::lend) some before the next frame, or it
    /// allocates its own.
    #[inline]
    #[must_use]
    pub fn wants_buffer(&self) -> bool {
        !self.queue.has_buffer()
    }

    /// Lends memory to encode into; it comes back at once if the queue has memory already.
    pub fn lend(&mut self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        self.queue.lend(buffer)
    }

    /// Returns the memory to encode into if little or nothing of it is in use: with u octets queued, at most
    /// 16u + 4 KiB stay held.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        if self.queue.is_empty() && self.unfinished().is_none() {
            self.release_output();
        }
        self.queue.reclaim()
    }

    /// Whether a time limit runs, so that it is worth looking at the clock.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        let silence = self.silence.as_ref();
        self.ending.is_armed()
            || self.stall.is_armed()
            || silence.is_some_and(|silence| silence.is_timed())
    }

    /// The earliest time limit that runs, as a duration since the epoch that the caller chose for `now`.
    ///
    /// Limits that were armed since the last call start at `now`: ask before waiting.
    pub fn deadline(&mut self, now: Duration) -> Option<Duration> {
        let silence = self.silence.as_mut().and_then(|silence| silence.at(now));
        [self.ending.at(now), self.stall.at(now), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Acts on a time limit that has passed at `now`: the connection counts as lost unless its end was decided
    /// before. Says which one, once.
    ///
    /// `None` if none has passed, or if it was time for a keepalive Ping, which is queued now.
    pub fn expire(&mut self, now: Duration) -> Option<Expired> {
        let expired = if self.ending.has_passed(now) {
            match self.closing {
                Closing::Failed(_) => Expired::Failure,
                _ => Expired::Close,
            }
        } else if self.stall.has_passed(now) {
            Expired::WriteStall
        } else {
            let silence = self.silence.as_mut()?;
            match silence.expired(now) {
                Some(expired) => expired,
                None => {
                    let number = silence.ping_due(now)?;
                    self.frame(OpCode::Ping, true, &number.to_be_bytes());
                    return None;
                }
            }
        };
        self.lose(Initiator::Local);
        Some(expired)
    }

    /// The peer's silence is no matter any more: another time limit runs.
    fn stop_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.stop();
        }
    }

    fn lose(&mut self, by: Initiator) {
        self.output_lost();
        self.ending.disarm();
        match &mut self.closing {
            Closing::Open => {
                // A stalled transport is given up by us, but the peer caused it: there was no Close either way.
                self.closing = Closing::Lost {
                    initiator: Initiator::Peer,
                    first: None,
                };
            }
            Closing::LocalSent(first) => {
                let first = first.take();
                self.closing = match by {
                    Initiator::Local => Closing::Lost {
                        initiator: by,
                        first,
                    },
                    Initiator::Peer => Closing::Lost {
                        initiator: by,
                        first: None,
                    },
                };
            }
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. } => {}
        }
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        if self.is_open() {
            Ok(())
        } else {
            Err(SendError::Closing)
        }
    }

    fn close_frame(&mut self, close: Option<&CloseFrame>) {
        self.finish_work();
        // Pongs first: nothing may follow the Close.
        if let Some(payload) = self.pong.take() {
            self.frame(OpCode::Pong, true, &payload);
        }
        self.frame(OpCode::Close, true, &CloseFrame::encode(close));
        self.stop_listening();
    }

    #[inline]
    fn next_key(&mut self) -> Option<MaskKey> {
        self.masks.as_mut().map(|masks| masks.next_key())
    }

    /// Does what is left of the work at once.
    fn finish_work(&mut self) {
        while self.is_busy() {
            self.work();
        }
    }

    /// Whether this payload leaves in more than one frame.
    #[inline]
    fn fragments(&self, payload: &[u8]) -> bool {
        let most = self.config.shared.fragment_len;
        most.is_some_and(|most| payload.len() > most.get())
    }

    /// Queues a message as it is.
    #[inline]
    fn plain(&mut self, opcode: OpCode, payload: Payload<'_>) {
        match payload {
            Payload::Borrowed(payload) => self.borrowed(opcode, payload),
            Payload::Owned(payload) => self.owned(opcode, payload),
            Payload::Prepared(prepared) => self.owned(opcode, prepared.to_bytes()),
        }
    }

    /// Queues a prepared message in one frame.
    fn prepared(&mut self, prepared: &Prepared, compress: bool) {
        let compressed = match compress {
            true => self.compressed_once(prepared),
            false => None,
        };
        let frame = compressed.unwrap_or(prepared.plain());
        if let Some(key) = self.next_key() {
            let header = FrameHeader {
                rsv1: compressed.is_some(),
                ..FrameHeader::new(prepared.kind().opcode(), frame.payload().len() as u64)
            };
            self.masked_frame(header, key, frame.payload());
        } else if frame.octets.len() < UNCOPIED_LEN {
            self.queue.append(frame.octets.len(), |buffer| {
                buffer.extend_from_slice(&frame.octets);
            });
        } else {
            self.queue.insert(frame.octets.clone());
        }
    }

    /// Queues a message whose payload is copied.
    #[inline]
    fn borrowed(&mut self, opcode: OpCode, payload: &[u8]) {
        match self.config.shared.fragment_len {
            Some(len) if self.fragments(payload) => {
                for (i, fin, range) in fragments(payload.len(), len.get()) {
                    let opcode = if i == 0 { opcode } else { OpCode::Continuation };
                    self.frame(opcode, fin, payload.get(range).unwrap_or_default());
                }
            }
            _ => self.frame(opcode, true, payload),
        }
    }

    /// Queues a message whose payload is not copied where that pays.
    fn owned(&mut self, opcode: OpCode, payload: Bytes) {
        if payload.len() < UNCOPIED_LEN || self.fragments(&payload) {
            self.borrowed(opcode, &payload);
        } else {
            self.uncopied_frame(opcode, payload);
        }
    }

    /// Queues a frame that is not compressed. Of a server's, this is the short way.
    #[inline(never)]
    fn frame(&mut self, opcode: OpCode, fin: bool, payload: &[u8]) {
        let header = FrameHeader {
            fin,
            ..FrameHeader::new(opcode, payload.len() as u64)
        };
        self.copied_frame(header, payload);
    }

    /// Queues a frame, masked if it must be. Inlined: the short way knows most of the header.
    #[inline]
    fn copied_frame(&mut self, header: FrameHeader, payload: &[u8]) {
        if let Some(key) = self.next_key() {
            return self.masked_frame(header, key, payload);
        }
        let len = payload.len().saturating_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            header.encode(buffer);
            buffer.extend_from_slice(payload);
        });
    }

    fn masked_frame(&mut self, header: FrameHeader, key: MaskKey, payload: &[u8]) {
        let mask = Some(key);
        let header = FrameHeader { mask, ..header };
        let len = payload.len().saturating_add(MAX_HEADER_LEN);
        self.queue.append(len, |buffer| {
            header.encode(buffer);
            key.append_masked(payload, buffer);
        });
    }

    fn header(&mut self, header: &FrameHeader) {
        self.queue
            .append(MAX_HEADER_LEN, |buffer| header.encode(buffer));
    }

    fn uncopied_frame(&mut self, opcode: OpCode, payload: Bytes) {
        let mask = self.next_key();
        let header = FrameHeader {
            mask,
            ..FrameHeader::new(opcode, payload.len() as u64)
        };
        self.header(&header);
        self.queue.insert(match mask {
            None => payload,
            Some(key) => masked(payload, key),
        });
    }
}

/// Masks a payload: in place if nobody else holds it.
fn masked(payload: Bytes, key: MaskKey) -> Bytes {
    match payload.try_into_mut() {
        Ok(mut own) => {
            key.apply(&mut own);
            own.freeze()
        }
        Err(shared) => {
            let mut copy = Vec::new();
            key.append_masked(&shared, &mut copy);
            copy.into()
        }
    }
}

/// The fragments of a message: number, whether it is the last, and where it lies.
fn fragments(
    len: usize,
    fragment_len: usize,
) -> impl Iterator<Item = (usize, bool, core::ops::Range<usize>)> {
    (0..len)
        .step_by(fragment_len)
        .enumerate()
        .map(move |(i, start)| {
            let end = start.saturating_add(fragment_len).min(len);
            (i, end == len, start..end)
        })
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
