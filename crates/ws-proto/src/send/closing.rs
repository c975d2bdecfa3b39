//! Control frames, the closing handshake, and the end of the transport (RFC 6455 §5.5, §7).

use alloc::boxed::Box;
use core::time::Duration;

use super::SendHalf;
use crate::close::{CloseFrame, CloseReason};
use crate::closing::{Closes, Closing, Initiator};
use crate::control::{Control, ControlPayload};
use crate::deadline::Deadline;
use crate::error::{ReceiveError, SendError};
use crate::opcode::OpCode;

/// The number of bytes that the peer must take in each close timeout until our Close has been
/// written. If fewer bytes are left, the peer must take all of them.
const TAKEN_PER_TIMEOUT: usize = 64 * 1024;

/// The timeout that runs from the first Close, or from a violation, to the end of the transport.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) deadline: Deadline,
    /// The number of bytes that the transport took since the deadline was armed.
    taken: usize,
}

impl SendHalf {
    /// Queues a Ping (RFC 6455 §5.5.2).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.final_frame(OpCode::Ping, payload);
        Ok(())
    }

    /// Queues an unsolicited Pong, which serves as a heartbeat (RFC 6455 §5.5.3).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn pong(&mut self, payload: &ControlPayload) -> Result<(), SendError> {
        self.check_open()?;
        self.final_frame(OpCode::Pong, payload);
        Ok(())
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2). A Close with [`CloseCode::NO_STATUS`] is
    /// sent without a code.
    ///
    /// Messages that were queued before are sent first. Until the Close has been written, the peer
    /// must take 64 KiB, or all that is left, in each
    /// [`close_timeout`](crate::Config::close_timeout). After that, the peer has one
    /// `close_timeout` for its own Close.
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] if the connection is already closing. [`SendError::InvalidCloseCode`]
    /// for a code that must not be sent. [`SendError::ReasonWithoutCode`] for a reason without a
    /// code.
    ///
    /// [`CloseCode::NO_STATUS`]: crate::CloseCode::NO_STATUS
    pub fn start_close(&mut self, close: CloseFrame) -> Result<(), SendError> {
        self.check_open()?;
        close.check()?;
        self.queue_close(close);
        self.enter(Closing::LocalSent);
        self.end_within(self.config.shared.close_timeout);
        Ok(())
    }

    /// Answers a control frame of the peer. A Ping is answered by a Pong, and a Close by the Close
    /// that completes the handshake. A Pong may end a round trip.
    ///
    /// While the transport is congested, only the newest Ping is stored. It is answered when the
    /// queue has room again (RFC 6455 §5.5.3). So a peer that sends without reading cannot exhaust
    /// the memory.
    pub(crate) fn respond(&mut self, control: &Control) {
        match control {
            Control::Pong(payload) => self.pong_arrived(payload),
            // After a Close, nothing may be sent.
            Control::Ping(payload) if self.answers_pings() => {
                if self.congested {
                    self.pong = Some(Box::new(*payload));
                } else {
                    self.final_frame(OpCode::Pong, payload);
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
                // The code is repeated, but not the reason, which would only return the peer's own
                // text.
                self.queue_close(CloseFrame::new(close.code, CloseReason::default()));
                self.end_within(self.config.shared.close_timeout);
                self.enter(Closing::Done);
            }
            Closing::LocalSent => self.enter(Closing::Done),
            // The peer cannot receive our Close, so the end is not clean (RFC 6455 §7.1.4).
            Closing::OutputLost => self.enter(Closing::Lost),
            Closing::Done | Closing::Failed(_) | Closing::Lost => {}
        }
    }

    /// Fails the connection because of a violation by the peer (RFC 6455 §7.1.7).
    ///
    /// Queues a Close with the error's code, unless a Close was queued before or cannot be sent.
    /// The rest of an incomplete message is dropped.
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
        self.end_within(self.config.shared.failure_timeout);
    }

    /// Reports that the transport takes no more output, although input may still arrive. Drops the
    /// queue. Nothing can be sent afterwards.
    pub fn output_lost(&mut self) {
        let has_unsent = !self.queue.is_empty();
        match self.closing {
            Closing::Open => self.enter(Closing::OutputLost),
            // If bytes are queued, our Close has not been written, because it is the last frame.
            Closing::LocalSent if has_unsent => self.enter(Closing::OutputLost),
            _ => {}
        }
        self.stop_listening();
        self.drop_work();
        self.queue.clear();
        if let Some(silence) = &mut self.silence
            && let Some(written) = &mut silence.written
        {
            written.lose();
        }
        self.long = None;
        self.close_waits = false;
        self.pong = None;
        self.congested = false;
        self.stall.disarm();
    }

    /// Reports that the transport has ended. Nothing more arrives, and nothing more can be sent,
    /// not even a queued Close.
    ///
    /// An end without both Closes is abnormal (RFC 6455 §7.1.5, code 1006). If only the input
    /// ended, call this only while [`has_ended`](Self::has_ended) returns `false`. Otherwise a
    /// queued Close could no longer be sent.
    pub fn transport_ended(&mut self) {
        self.output_lost();
        self.ending = None;
        if !self.has_ended() {
            self.enter(Closing::Lost);
        }
    }

    /// Returns the peer's Close, once it has arrived.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.closes.as_deref()?.peer()
    }

    /// Returns the number of queued bytes that precede our Close.
    ///
    /// Before a transport is dropped, this is the number of bytes that the peer misses.
    pub fn queued_before_close(&self) -> usize {
        let closes = self.closes.as_deref().filter(|_| !self.close_waits);
        let close = closes.and_then(Closes::local).map_or(0, |close| {
            // A short header, with a masking key on a client (RFC 6455 §5.2).
            let header = self.masks.as_ref().map_or(2, |_| 6);
            close.encode().len().saturating_add(header)
        });
        self.queued().saturating_sub(close)
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

    /// Queues our Close after everything that is queued.
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

    /// Encodes our Close. Nothing may follow it.
    pub(super) fn close_frame(&mut self) {
        self.close_waits = false;
        if let Some(payload) = self.pong.take() {
            self.final_frame(OpCode::Pong, &payload);
        }
        let close = self.closes.as_deref().and_then(Closes::local);
        let payload = close.map(CloseFrame::encode).unwrap_or_default();
        self.final_frame(OpCode::Close, &payload);
    }

    /// Extends the close timeout after the transport took `len` bytes. A peer that keeps reading
    /// gets the time to read everything before our Close.
    #[cold]
    pub(super) fn extend_close_timeout(&mut self, len: usize) {
        if let Closing::Failed(_) = self.closing {
            return;
        }
        let is_empty = self.queued() == 0;
        if let Some(ending) = &mut self.ending {
            ending.taken = ending.taken.saturating_add(len);
            if ending.taken >= TAKEN_PER_TIMEOUT || is_empty {
                ending.taken = 0;
                ending.deadline.arm(self.config.shared.close_timeout);
            }
        }
    }

    /// Starts the timeout of the end, or starts it again.
    fn end_within(&mut self, timeout: Duration) {
        self.ending.get_or_insert_default().deadline.arm(timeout);
    }

    /// Stops the timeouts on the peer's silence, because another timeout takes over.
    fn stop_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.stop();
        }
    }
}
