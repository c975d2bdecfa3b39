//! Control frames, the closing handshake, and the end of the transport (RFC 6455 §5.5, §7).

use alloc::boxed::Box;

use super::SendHalf;
use crate::close::{CloseFrame, CloseReason};
use crate::closing::{Closing, Initiator};
use crate::control::{Control, ControlPayload};
use crate::error::{ReceiveError, SendError};
use crate::opcode::OpCode;

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

    /// Starts the closing handshake (RFC 6455 §7.1.2). `None` sends a Close without a code.
    ///
    /// Frames that were queued before still go out first.
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
        self.enter(Closing::LocalSent(close));
        self.ending.arm(self.config.shared.close_timeout);
        Ok(())
    }

    /// Answers a control frame of the peer: a Pong to each Ping, the Close that completes the handshake to a Close. A
    /// Pong may be one that we wait for.
    ///
    /// While the transport is congested only the newest Ping is remembered, and answered afterwards
    /// (RFC 6455 §5.5.3): a peer that sends and never reads cannot fill the memory.
    pub(crate) fn respond(&mut self, control: &Control) {
        match control {
            Control::Pong(payload) => self.pong_arrived(payload),
            Control::Ping(payload) => match self.closing {
                Closing::Open if self.congested => self.pong = Some(Box::new(*payload)),
                Closing::Open => self.control(OpCode::Pong, payload),
                // Nothing follows a Close.
                _ => {}
            },
            Control::Close(close) => self.peer_closed(close.as_ref()),
        }
    }

    fn peer_closed(&mut self, close: Option<&CloseFrame>) {
        let first = close.cloned();
        match &mut self.closing {
            Closing::Open => {
                // The code is repeated, the reason is not: it would only tell the peer its own words.
                let reply = close.map(|c| CloseFrame::new(c.code, CloseReason::default()));
                self.close_frame(reply.as_ref());
                self.ending.arm(self.config.shared.close_timeout);
                let initiator = Initiator::Peer;
                self.enter(Closing::Done { initiator, first });
            }
            Closing::LocalSent(first) => {
                let (initiator, first) = (Initiator::Local, first.take());
                self.enter(Closing::Done { initiator, first });
            }
            // The peer never gets our Close, so the end is not clean (RFC 6455 §7.1.4).
            Closing::OutputLost => {
                let initiator = Initiator::Peer;
                self.enter(Closing::Lost { initiator, first });
            }
            Closing::CloseLost(first) => {
                let (initiator, first) = (Initiator::Local, first.take());
                self.enter(Closing::Lost { initiator, first });
            }
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. } => {}
        }
    }

    /// Fails the connection because of what the peer sent (RFC 6455 §7.1.7): queues a Close with the error's code,
    /// unless a Close was queued before or cannot leave.
    pub(crate) fn fail(&mut self, error: ReceiveError) {
        match self.closing {
            Closing::Open => {
                // Nobody waits for the rest of it.
                self.drop_work();
                let close = CloseFrame::new(error.close_code(), CloseReason::default());
                self.close_frame(Some(&close));
            }
            Closing::LocalSent(_) | Closing::OutputLost | Closing::CloseLost(_) => {}
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. } => return,
        }
        self.enter(Closing::Failed(error));
        self.ending.arm(self.config.shared.failure_timeout);
    }

    /// Takes note that the transport takes nothing any more, though it may still give: drops what is queued. Nothing
    /// can be sent from here on.
    pub fn output_lost(&mut self) {
        let has_unsent = !self.queue.is_empty();
        match &mut self.closing {
            Closing::Open => self.enter(Closing::OutputLost),
            // Our Close is the last in the queue.
            Closing::LocalSent(first) if has_unsent => {
                let first = first.take();
                self.enter(Closing::CloseLost(first));
            }
            _ => {}
        }
        self.stop_listening();
        self.drop_work();
        self.queue.clear();
        self.pong = None;
        self.congested = false;
        self.stall.disarm();
    }

    /// Takes note that the transport ended: nothing more arrives and nothing more goes out, a queued Close included.
    ///
    /// Without both Closes that is abnormal (RFC 6455 §7.1.5, code 1006). If only the input ended, call it unless the end
    /// [is decided](Self::has_ended), so that a Close that is queued still goes out.
    pub fn transport_ended(&mut self) {
        self.lose(Initiator::Peer);
    }

    pub(super) fn lose(&mut self, initiator: Initiator) {
        self.output_lost();
        self.ending.disarm();
        let lost = match &mut self.closing {
            // A stalled transport is given up by us, but the peer caused it: there was no Close either way.
            Closing::Open | Closing::OutputLost => Closing::Lost {
                initiator: Initiator::Peer,
                first: None,
            },
            Closing::LocalSent(first) | Closing::CloseLost(first) => Closing::Lost {
                initiator,
                first: first.take().filter(|_| initiator == Initiator::Local),
            },
            Closing::Done { .. } | Closing::Failed(_) | Closing::Lost { .. } => return,
        };
        self.enter(lost);
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

    fn close_frame(&mut self, close: Option<&CloseFrame>) {
        self.finish_work();
        // Pongs first: nothing may follow the Close.
        if let Some(payload) = self.pong.take() {
            self.control(OpCode::Pong, &payload);
        }
        self.control(OpCode::Close, &CloseFrame::encode(close));
        self.stop_listening();
    }

    /// The peer's silence is no matter any more: another time limit runs.
    fn stop_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.stop();
        }
    }
}
