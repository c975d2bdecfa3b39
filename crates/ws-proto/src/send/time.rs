//! Timeouts and round trips. The caller passes the current time.

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
    /// Returns `true` if a timeout runs, or if the connection is [watched](Self::watch). Otherwise
    /// the caller need not read the clock.
    #[inline]
    pub fn is_timed(&self) -> bool {
        let silence = self.silence.as_ref();
        self.ending.is_some()
            || self.stall.is_armed()
            || silence.is_some_and(|silence| silence.is_timed())
    }

    /// Makes [`is_timed`](Self::is_timed) return `true` from now on.
    ///
    /// This is for drivers that check something else before each wait, such as a request to close
    /// from another task. The check then costs nothing on connections without it.
    pub fn watch(&mut self) {
        self.silence.get_or_insert_default().watch();
    }

    /// Returns the earliest deadline, as a duration since the epoch that the caller chose for
    /// `now`.
    ///
    /// A timeout that was armed since the last call starts at `now`, so call it before each wait.
    pub fn deadline(&mut self, now: Duration) -> Option<Duration> {
        self.date_pongs(now);
        let silence = self.silence.as_mut().and_then(|silence| silence.at(now));
        let ending = self.ending.as_mut();
        let ending = ending.and_then(|ending| ending.deadline.at(now));
        [ending, self.stall.at(now), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Acts on a timeout that has passed at `now`, and returns it. The caller must then drop the
    /// transport.
    ///
    /// The connection is treated as lost, unless its outcome was decided before. The timeout is
    /// returned once, and no other timeout runs afterwards. Steps of receiving do not return
    /// [`Step::Ended`] because of a timeout.
    ///
    /// Returns `None` if no timeout has passed, or if a keepalive Ping was due. That Ping is then
    /// queued.
    ///
    /// [`Step::Ended`]: crate::Step::Ended
    pub fn expire(&mut self, now: Duration) -> Option<Expired> {
        let expired = if self.has_end_passed(now) {
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
                    self.final_frame(OpCode::Ping, &number.to_be_bytes());
                    return None;
                }
            }
        };
        self.transport_ended();
        Some(expired)
    }

    /// Returns `true` if the time for the peer's Close has passed at `now`.
    /// [`expire`](Self::expire) would then act on this timeout.
    ///
    /// This is for callers that do not receive. They must not treat the connection as lost, because
    /// the peer's Close may have arrived without being read, and is then still valid.
    pub fn awaits_close_too_long(&self, now: Duration) -> bool {
        matches!(self.closing, Closing::LocalSent) && self.has_end_passed(now)
    }

    /// Returns `true` if the timeout of the end has passed at `now`.
    fn has_end_passed(&self, now: Duration) -> bool {
        let ending = self.ending.as_ref();
        ending.is_some_and(|ending| ending.deadline.has_passed(now))
    }

    /// Restarts the timeouts on the peer's silence after input.
    pub(crate) fn heard(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.heard();
        }
    }

    /// Stops the timeouts on the peer's silence until [`resume_listening`](Self::resume_listening).
    ///
    /// This is for times in which the caller does not read, such as a wait for room. Unread input
    /// may then be available.
    pub fn pause_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.pause(true);
        }
    }

    /// Resumes the timeouts that [`pause_listening`](Self::pause_listening) stopped. Their
    /// deadlines are unchanged.
    pub fn resume_listening(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.pause(false);
        }
    }

    /// Queues a Ping whose round trip is measured from `now` on. Only the newest of these Pings is
    /// measured. Returns the number of the Ping for [`probe_answer`](Self::probe_answer).
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
        self.final_frame(OpCode::Ping, &payload);
        Ok(number)
    }

    /// Returns the round trip of the Ping with this number. Returns `None` until its Pong has
    /// arrived and [`date_pongs`](Self::date_pongs) has recorded the time.
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

    /// Returns the time that the peer took to answer the last keepalive Ping.
    pub fn round_trip(&self) -> Option<Duration> {
        self.silence.as_ref()?.round_trip()
    }

    /// Returns `true` if a Pong that ends a round trip has arrived. The caller should then read the
    /// clock and call [`date_pongs`](Self::date_pongs).
    pub fn has_undated_pong(&self) -> bool {
        let silence = self.silence.as_ref();
        let probe = self.probe.as_ref();
        silence.is_some_and(|silence| silence.has_undated_pong())
            || probe.is_some_and(|probe| probe.answer == Answer::Undated)
    }

    /// Measures the round trips of the Pongs that have arrived since the last call. `now` is
    /// recorded as the time of arrival. [`deadline`](Self::deadline) does the same.
    pub fn date_pongs(&mut self, now: Duration) {
        if let Some(silence) = &mut self.silence {
            silence.date_pong(now);
        }
        if let Some(probe) = &mut self.probe {
            probe.date(now);
        }
    }

    /// Ends the round trip of a keepalive Ping or of a probe if this Pong answers it.
    pub(super) fn pong_arrived(&mut self, payload: &ControlPayload) {
        if let Some(silence) = &mut self.silence {
            silence.pong(payload);
        }
        if let Some(probe) = &mut self.probe {
            probe.pong(payload);
        }
    }
}
