//! The schedule of an open-loop load, and the times that are counted from it.
//!
//! Each message has an intended time, which depends on nothing that happens. The latency of a
//! message is the time from its intended time to its echo. So a message that the load generator
//! sends late, and a message that waits behind a slow one, count their whole wait. A load that
//! sends a message when an echo arrives would leave these waits out (coordinated omission).
//!
//! The caller passes the current time, as the time since the start. So tests need no clock.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::times::Times;

const NANOSECONDS: u128 = 1_000_000_000;

/// The intended times of all messages, at equal intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// The number of messages per second.
    rate: u64,
    messages: u64,
}

impl Schedule {
    /// Creates a schedule of at least one message.
    pub(crate) fn new(rate: u64, duration: Duration) -> Self {
        let messages = u128::from(rate) * duration.as_nanos() / NANOSECONDS;
        Self {
            rate,
            messages: (messages as u64).max(1),
        }
    }

    /// Returns the number of messages.
    pub(crate) fn messages(self) -> u64 {
        self.messages
    }

    /// Returns the intended time of message number `index`.
    pub(crate) fn intended(self, index: u64) -> Duration {
        let time = u128::from(index) * NANOSECONDS / u128::from(self.rate);
        Duration::from_nanos(time as u64)
    }

    /// Returns the number of messages whose intended time is not after `now`.
    fn due(self, now: Duration) -> u64 {
        let intervals = now.as_nanos() * u128::from(self.rate) / NANOSECONDS;
        (intervals as u64 + 1).min(self.messages)
    }
}

/// A run of a schedule. The connections take turns: each sends every message whose number has the
/// same remainder.
pub(crate) struct Pace {
    schedule: Schedule,
    sent: u64,
    /// The number of echoes on each connection.
    echoed: Vec<u64>,
    all_echoed: u64,
    latency: Times,
    lateness: Times,
}

impl Pace {
    pub(crate) fn new(schedule: Schedule, connections: usize) -> Self {
        Self {
            schedule,
            sent: 0,
            echoed: vec![0; connections],
            all_echoed: 0,
            latency: Times::new(),
            lateness: Times::new(),
        }
    }

    /// Returns the number of messages to send at `now`.
    pub(crate) fn due(&self, now: Duration) -> u64 {
        self.schedule.due(now) - self.sent
    }

    /// Counts the next message as sent at `now`, and returns the index of its connection.
    pub(crate) fn send(&mut self, now: Duration) -> usize {
        let intended = self.schedule.intended(self.sent);
        self.lateness.record(now.saturating_sub(intended));
        let connection = self.sent % self.echoed.len() as u64;
        self.sent += 1;
        connection as usize
    }

    /// Counts the echoes of the oldest `messages` messages of a connection, which arrived at `now`.
    ///
    /// # Errors
    ///
    /// If there are more echoes than messages.
    pub(crate) fn echoed(&mut self, connection: usize, messages: u64, now: Duration) -> Result<()> {
        let connections = self.echoed.len() as u64;
        for _ in 0..messages {
            let index = self.echoed[connection] * connections + connection as u64;
            ensure!(index < self.sent, "the server sent more than the echoes");
            let intended = self.schedule.intended(index);
            self.latency.record(now.saturating_sub(intended));
            self.echoed[connection] += 1;
            self.all_echoed += 1;
        }
        Ok(())
    }

    /// Returns `true` until all messages have been sent.
    pub(crate) fn is_sending(&self) -> bool {
        self.sent < self.schedule.messages
    }

    /// Returns the number of messages that have not been echoed, including those that have not been
    /// sent.
    pub(crate) fn missing(&self) -> u64 {
        self.schedule.messages - self.all_echoed
    }

    /// Returns the times from the intended time of a message to its echo.
    pub(crate) fn latency(&self) -> &Times {
        &self.latency
    }

    /// Returns the times from the intended time of a message to its sending. They show the delay of
    /// the load generator itself.
    pub(crate) fn lateness(&self) -> &Times {
        &self.lateness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Runs 1,000 messages in one second over 10 connections. At each millisecond, sends what is
    /// due and receives what is echoed. `sends_at` is `true` while the load generator runs, and
    /// `echoes_at` while the server does. Both are always `true` after two seconds.
    fn simulate(sends_at: impl Fn(u64) -> bool, echoes_at: impl Fn(u64) -> bool) -> Pace {
        let mut pace = Pace::new(Schedule::new(1000, SECOND), 10);
        let mut waiting = Vec::new();
        let mut now = 0;
        while pace.missing() > 0 {
            if sends_at(now) || now > 2000 {
                for _ in 0..pace.due(ms(now)) {
                    waiting.push(pace.send(ms(now)));
                }
            }
            if echoes_at(now) || now > 2000 {
                for connection in waiting.drain(..) {
                    pace.echoed(connection, 1, ms(now)).unwrap();
                }
            }
            now += 1;
        }
        pace
    }

    /// Returns the 50th and 99th percentile and the maximum in milliseconds.
    fn tail(times: &Times) -> [u64; 3] {
        let [p50, p99, _, max] = times.tail().map(|time| (time + 500_000) / 1_000_000);
        [p50, p99, max]
    }

    #[test]
    fn messages_are_due_at_equal_intervals_and_never_early() {
        for rate in [1, 3, 7, 1_000, 123_457, 2_000_000] {
            let schedule = Schedule::new(rate, SECOND);
            assert_eq!(schedule.messages(), rate);
            assert_eq!(schedule.due(10 * SECOND), rate);
            for index in [0, 1, rate / 3, rate / 2, rate - 1] {
                let (index, intended) = (index.min(rate - 1), schedule.intended(index));
                let after = intended + Duration::from_nanos(1);
                assert_eq!(schedule.due(after), index + 1, "{rate} {index}");
                if index > 0 {
                    let before = intended - Duration::from_nanos(1);
                    assert_eq!(schedule.due(before), index, "{rate} {index}");
                }
            }
        }
        assert_eq!(Schedule::new(10, ms(1)).messages(), 1);
    }

    #[test]
    fn connections_take_turns() {
        let mut pace = Pace::new(Schedule::new(1000, SECOND), 3);
        let sent: Vec<_> = (0..7).map(|_| pace.send(SECOND)).collect();
        assert_eq!(sent, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn without_delay_there_is_no_latency() {
        let pace = simulate(|_| true, |_| true);
        assert_eq!(tail(pace.latency()), [0, 0, 0]);
        assert_eq!(tail(pace.lateness()), [0, 0, 0]);
    }

    #[test]
    fn a_late_generator_counts_the_delay() {
        let pace = simulate(|now| !(500..700).contains(&now), |_| true);
        // A fifth of the messages is up to 200 ms late.
        assert_eq!(tail(pace.latency()), [0, 190, 200]);
        assert_eq!(tail(pace.lateness()), [0, 190, 200]);
    }

    #[test]
    fn a_stalled_echo_raises_the_tail_and_not_the_lateness() {
        let pace = simulate(|_| true, |now| !(500..700).contains(&now));
        assert_eq!(tail(pace.latency()), [0, 190, 200]);
        assert_eq!(tail(pace.lateness()), [0, 0, 0]);
    }

    #[test]
    fn a_stall_of_one_connection_delays_only_its_messages() {
        let mut pace = Pace::new(Schedule::new(1000, SECOND), 10);
        for _ in 0..1000 {
            let connection = pace.send(pace.schedule.intended(pace.sent));
            if connection != 3 {
                pace.echoed(connection, 1, pace.schedule.intended(pace.sent - 1))
                    .unwrap();
            }
        }
        assert_eq!(pace.missing(), 100);
        pace.echoed(3, 100, SECOND).unwrap();
        assert_eq!(tail(pace.latency()), [0, 897, 997]);
        assert_eq!(pace.missing(), 0);
    }

    #[test]
    fn more_echoes_than_messages_are_an_error() {
        let mut pace = Pace::new(Schedule::new(1000, SECOND), 2);
        pace.send(SECOND);
        assert!(pace.echoed(1, 1, SECOND).is_err());
        assert!(pace.echoed(0, 2, SECOND).is_err());
    }
}
