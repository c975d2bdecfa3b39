//! Control frames, the closing handshake, and the end of the transport (RFC 6455 §5.5, §7).

use alloc::boxed::Box;

use super::SendHalf;
use crate::close::{CloseFrame, CloseReason};
use crate::closing::{Closes, Closing, Initiator};
use crate::control::{Control, ControlPayload};
use crate::error::{ReceiveError, SendError};
use crate::opcode::OpCode;

/// Bytes that the peer has to take, or the rest, in the time of the closing handshake, until our Close has been written.
const TAKEN_PER_TIMEOUT: usize = 64 * 1024;

impl SendHalf {
    /// Queues a Ping (RFC 6455 §5.5.2).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.control(OpCode::Ping, payload);
        Ok(())
    }

    /// Queues a Pong that nobody asked for: a heartbeat (RFC 6455 §5.5.3).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn pong(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.control(OpCode::Pong, payload);
        Ok(())
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2). A Close with [`CloseCode::NO_STATUS`] leaves without a code.
    ///
    /// Messages that were queued before still go out first. Until the Close has been written, the peer must take 64 KiB,
    /// or the rest, per [`close_timeout`](crate::Config::close_timeout); from then on that is the time for its Close.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] if the connection is closing already, [`SendError::InvalidCloseCode`] for a code that
    /// must not be sent, [`SendError::ReasonWithoutCode`] for a reason without one.
    ///
    /// [`CloseCode::NO_STATUS`]: crate::CloseCode::NO_STATUS
    pub fn start_close(&mut self, close: CloseFrame) -> Result<(), SendError> {
        self.check_open()?;
        close.check()?;
        self.queue_close(close);
        self.enter(Closing::LocalSent);
        self.ending.arm(self.config.shared.close_timeout);
        Ok(())
    }

    /// Answers a control frame of the peer: a Pong to each Ping, the Close that completes the handshake to a Close. A
    /// Pong may be one that we wait for.
    ///
    /// While the transport is congested only the newest Ping is remembered, and answered at the next boundary of a frame
    /// (RFC 6455 §5.5.3): a peer that sends and never reads cannot fill the memory.
    pub(crate) fn respond(&mut self, control: &Control) {
        match control {
            Control::Pong(payload) => self.pong_arrived(payload),
            // Nothing follows a Close.
            Control::Ping(payload) if self.answers_pings() => {
                if self.congested {
                    self.pong = Some(Box::new(*payload));
                } else {
                    self.control(OpCode::Pong, payload);
                }
            }
            Control::Ping(_) => {}
            Control::Close(close) => self.peer_closed(close),
        }
    }

    fn answers_pings(&self) -> bool {
        (self.is_open() || self.close_waits) && !self.config.shared.manual_pongs
    }

    fn peer_closed(&mut self, close: &CloseFrame) {
        if self.has_ended() {
            return;
        }
        Closes::keep(&mut self.closes, Initiator::Peer, close.clone());
        match self.closing {
            Closing::Open => {
                // The code is repeated, the reason is not: it would only tell the peer its own words.
                self.queue_close(CloseFrame::new(close.code, CloseReason::default()));
                self.ending.arm(self.config.shared.close_timeout);
                self.enter(Closing::Done);
            }
            Closing::LocalSent => self.enter(Closing::Done),
            // The peer never gets our Close, so the end is not clean (RFC 6455 §7.1.4).
            Closing::OutputLost => self.enter(Closing::Lost),
            Closing::Done | Closing::Failed(_) | Closing::Lost => {}
        }
    }

    /// Fails the connection because of what the peer sent (RFC 6455 §7.1.7): queues a Close with the error's code,
    /// unless a Close was queued before or cannot leave. The rest of a message under way is dropped.
    pub(crate) fn fail(&mut self, error: ReceiveError) {
        if self.has_ended() {
            return;
        }
        self.drop_work();
        self.drop_long();
        if self.is_open() {
            self.queue_close(CloseFrame::new(error.close_code(), CloseReason::default()));
        }
        self.enter(Closing::Failed(error));
        self.ending.arm(self.config.shared.failure_timeout);
    }

    /// Takes note that the transport takes nothing any more, though it may still give: drops what is queued. Nothing
    /// can be sent from here on.
    pub fn output_lost(&mut self) {
        let has_unsent = !self.queue.is_empty();
        match self.closing {
            Closing::Open => self.enter(Closing::OutputLost),
            // Our Close is the last in the queue.
            Closing::LocalSent if has_unsent => self.enter(Closing::OutputLost),
            _ => {}
        }
        self.stop_listening();
        self.drop_work();
        self.queue.clear();
        self.long = None;
        self.close_waits = false;
        self.pong = None;
        self.congested = false;
        self.stall.disarm();
    }

    /// Takes note that the transport ended: nothing more arrives and nothing more goes out, a queued Close included.
    ///
    /// Without both Closes that is abnormal (RFC 6455 §7.1.5, code 1006). If only the input ended, call it unless the end
    /// [is decided](Self::has_ended), so that a Close that is queued still goes out.
    pub fn transport_ended(&mut self) {
        self.output_lost();
        self.ending.disarm();
        if !self.has_ended() {
            self.enter(Closing::Lost);
        }
    }

    /// Returns the Close of the peer, as soon as it has arrived.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.closes.as_deref()?.peer()
    }

    fn enter(&mut self, closing: Closing) {
        self.closing = closing;
        self.refresh();
    }

    #[inline]
    pub(super) fn check_open(&self) -> Result<(), SendError> {
        if self.is_open() {
            Ok(())
        } else {
            Err(SendError::Closing)
        }
    }

    /// Queues our Close behind everything that is queued.
    fn queue_close(&mut self, close: CloseFrame) {
        self.finish_work();
        Closes::keep(&mut self.closes, Initiator::Local, close);
        self.stop_listening();
        if self.long.is_some() {
            self.close_waits = true;
        } else {
            self.close_frame();
        }
    }

    /// Encodes our Close: nothing may follow it.
    pub(super) fn close_frame(&mut self) {
        self.close_waits = false;
        if let Some(payload) = self.pong.take() {
            self.control(OpCode::Pong, &payload);
        }
        let close = self.closes.as_deref().and_then(Closes::local);
        let payload = close.map(CloseFrame::encode).unwrap_or_default();
        self.control(OpCode::Close, &payload);
    }

    /// The transport took bytes while a time limit for the closing handshake runs: before our Close has been written,
    /// a peer that keeps reading has time to read all of it.
    pub(super) fn closing_goes_on(&mut self, len: usize) {
        if let Closing::Failed(_) = self.closing {
            return;
        }
        self.taken = self.taken.saturating_add(len);
        if self.taken >= TAKEN_PER_TIMEOUT || self.queued() == 0 {
            self.taken = 0;
            self.ending.arm(self.config.shared.close_timeout);
        }
    }

    /// The peer's silence is no matter any more: another time limit runs.
    fn stop_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.stop();
        }
    }
}
