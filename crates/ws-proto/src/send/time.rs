//! Time limits and round trips, as data.

use alloc::boxed::Box;
use core::time::Duration;

use super::SendHalf;
use super::probe::{Answer, Probe};
use crate::closing::Closing;
use crate::control::ControlPayload;
use crate::deadline::Expired;
use crate::error::SendError;
use crate::opcode::OpCode;

impl SendHalf {
    /// Tells whether a time limit runs, so that it is worth looking at the clock.
    pub fn is_timed(&self) -> bool {
        let silence = self.silence.as_ref();
        self.ending.is_armed()
            || self.stall.is_armed()
            || silence.is_some_and(|silence| silence.is_timed())
    }

    /// Returns the earliest time limit that runs, as a duration since the epoch that the caller chose for `now`.
    ///
    /// Limits that were armed since the last call start at `now`: ask before waiting.
    pub fn deadline(&mut self, now: Duration) -> Option<Duration> {
        self.date_pongs(now);
        let silence = self.silence.as_mut().and_then(|silence| silence.at(now));
        [self.ending.at(now), self.stall.at(now), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Acts on a time limit that has passed at `now`: the connection counts as lost unless its end was decided
    /// before. Says which one, once: drop the transport then. Steps of receiving do not say [`Step::Ended`] for that, and
    /// no other limit runs.
    ///
    /// [`Step::Ended`]: crate::Step::Ended
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
                    self.control(OpCode::Ping, &number.to_be_bytes());
                    return None;
                }
            }
        };
        self.transport_ended();
        Some(expired)
    }

    /// Tells whether the time for the peer's Close has passed at `now`, which [`expire`](Self::expire) would act on. For
    /// callers that do not receive: what has arrived by then still counts.
    pub fn awaits_close_too_long(&self, now: Duration) -> bool {
        matches!(self.closing, Closing::LocalSent) && self.ending.has_passed(now)
    }

    /// Takes note of input: the time limits on the peer's silence start anew.
    pub(crate) fn heard(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.heard();
        }
    }

    /// Stops the time limits on the peer's silence until [`resume_listening`](Self::resume_listening): the caller does
    /// not read, as while it waits for room to send, so there may be plenty to hear.
    pub fn pause_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.pause(true);
        }
    }

    /// Ends what [`pause_listening`](Self::pause_listening) began.
    pub fn resume_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.pause(false);
        }
    }

    /// Queues a Ping whose round trip is measured from `now` on, in the place of the one before. Returns its number, for
    /// [`probe_answer`](Self::probe_answer).
    ///
    /// # Errors
    ///
    /// [`SendError::Closing`] once a Close was queued or the connection ended.
    pub fn start_probe(&mut self, now: Duration) -> Result<u32, SendError> {
        self.check_open()?;
        let before = self.probe.as_ref().map_or(0, |probe| probe.number);
        let probe = self.probe.insert(Box::new(Probe {
            number: before.wrapping_add(1),
            sent: now,
            answer: Answer::Awaited,
        }));
        let (number, payload) = (probe.number, probe.payload());
        self.control(OpCode::Ping, &payload);
        Ok(number)
    }

    /// Returns the round trip of the Ping with this number, once its Pong has come and been
    /// [dated](Self::date_pongs).
    pub fn probe_answer(&self, number: u32) -> Option<Duration> {
        match self.probe.as_deref() {
            Some(&Probe {
                number: newest,
                answer: Answer::After(time),
                ..
            }) if newest == number => Some(time),
            _ => None,
        }
    }

    /// Returns how long the peer took to answer the last keepalive Ping.
    pub fn round_trip(&self) -> Option<Duration> {
        self.silence.as_ref()?.round_trip()
    }

    /// Tells whether a Pong has come that ends a round trip, so that it is worth looking at the clock:
    /// [`date_pongs`](Self::date_pongs).
    pub fn has_undated_pong(&self) -> bool {
        let silence = self.silence.as_ref();
        let probe = self.probe.as_ref();
        silence.is_some_and(|silence| silence.has_undated_pong())
            || probe.is_some_and(|probe| probe.answer == Answer::Undated)
    }

    /// Takes `now` for the time of Pongs that have come since the last call. [`deadline`](Self::deadline) does, too.
    pub fn date_pongs(&mut self, now: Duration) {
        if let Some(silence) = &mut self.silence {
            silence.date_pong(now);
        }
        if let Some(probe) = &mut self.probe {
            probe.date(now);
        }
    }

    /// A Pong came: it may be the one that a keepalive Ping or a Ping of the caller waits for.
    pub(super) fn pong_arrived(&mut self, payload: &ControlPayload) {
        if let Some(silence) = &mut self.silence {
            silence.pong(payload);
        }
        if let Some(probe) = &mut self.probe {
            probe.pong(payload);
        }
    }
}
