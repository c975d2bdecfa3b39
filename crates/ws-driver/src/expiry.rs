//! The timeouts of a connection: waiting for the next deadline, and acting on it.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_proto::Expired;

use crate::clock::Direction;
use crate::error::Timeout;
use crate::state::Cause;
use crate::transport::{Timer, WriteHalf};
use crate::write_state::WriteState;

impl<W: WriteHalf, M: Timer> WriteState<W, M> {
    /// Does the same as [`poll_expire`](Self::poll_expire) for a caller that only sends. Ignores
    /// the idle timeout and keepalive, because such a caller does not read.
    pub(crate) fn poll_expire_sending(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.send.pause_listening();
        let expired = self.poll_limits(cx, Direction::Sending);
        self.send.resume_listening();
        expired
    }

    /// Does the same as [`poll_expire_sending`](Self::poll_expire_sending), but does not end the
    /// connection if the peer's Close is overdue. That Close may have arrived without having been
    /// received by the other half.
    pub(crate) fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.send.pause_listening();
        let deadline = self.poll_deadline(cx, Direction::Sending);
        self.send.resume_listening();
        match deadline {
            Poll::Ready(now) if self.send.awaits_close_too_long(now) => Poll::Ready(()),
            _ => self.poll_expire_sending(cx),
        }
    }

    /// Waits for the next deadline and enforces its timeout. Ready when a timeout has ended the
    /// connection. Pending forever if no timeout is running. May queue a keepalive Ping.
    #[inline]
    pub(crate) fn poll_expire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The clock tests this, too. Here it saves most waits the calls.
        match self.send.is_timed() {
            true => self.poll_limits(cx, Direction::Receiving),
            false => Poll::Pending,
        }
    }

    /// Returns `true` if [`poll_expire`](Self::poll_expire) has something to do now. Otherwise the
    /// task is woken as soon as it has.
    pub(crate) fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        let direction = Direction::Receiving;
        self.await_order(cx, direction).is_some() || self.poll_deadline(cx, direction).is_ready()
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<()> {
        loop {
            if self.obey(cx, Some(direction)) {
                return Poll::Ready(());
            }
            let now = ready!(self.poll_deadline(cx, direction));
            let all_sent = self.has_sent_all();
            let unsent = self.send.queued_before_close();
            let Some(expired) = self.send.expire(now) else {
                let limit = self.send.expires();
                if limit.is_some_and(|limit| self.clock.has_passed(limit, now)) {
                    self.retire(cx);
                }
                if let Some(now) = self.clock.instant(now) {
                    self.lose_patience(cx, now);
                }
                continue;
            };
            self.send.lose(unsent);
            let cause = match expired {
                Expired::Close => Cause::Timeout(Timeout::Close),
                Expired::Idle => Cause::Timeout(Timeout::Idle),
                Expired::Pong => Cause::Timeout(Timeout::Pong),
                Expired::WriteStall if self.input_blocked => Cause::Timeout(Timeout::Unreceived),
                Expired::WriteStall => Cause::Timeout(Timeout::WriteStall),
                // The error is the violation that was found before.
                _ => Cause::Failure,
            };
            self.finish(cause, all_sent, None);
            return Poll::Ready(());
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<Duration> {
        let limit = self.send.alarm();
        self.clock
            .poll_deadline(cx, &mut self.send, direction, limit)
    }
}
