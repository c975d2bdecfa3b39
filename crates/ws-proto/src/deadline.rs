//! Timeouts that need no clock. A timeout is started without the current time. Its deadline is
//! computed when the caller next passes the current time.

use core::time::Duration;

/// The timeout that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expired {
    /// The closing handshake took too long.
    Close,
    /// The peer sent nothing for too long.
    Idle,
    /// The peer took too long to answer a Ping.
    Pong,
    /// The peer took too long to read the Close that reports its violation.
    Failure,
    /// The transport took no byte of the output for too long.
    WriteStall,
}

/// A timeout that may be running.
///
/// The hot path must not read the clock, so [`arm`](Self::arm) only stores the duration. The caller
/// passes the time before it starts to wait, and the deadline is computed then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Deadline {
    #[default]
    Off,
    After(Duration),
    At(Duration),
}

impl Deadline {
    pub(crate) fn arm(&mut self, after: Duration) {
        *self = Self::After(after);
    }

    pub(crate) fn disarm(&mut self) {
        *self = Self::Off;
    }

    pub(crate) fn is_armed(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Returns the deadline. The first call after [`arm`](Self::arm) computes it from `now`.
    pub(crate) fn at(&mut self, now: Duration) -> Option<Duration> {
        match *self {
            Self::Off => None,
            Self::At(at) => Some(at),
            Self::After(after) => {
                let at = now.saturating_add(after);
                *self = Self::At(at);
                Some(at)
            }
        }
    }

    pub(crate) fn has_passed(&self, now: Duration) -> bool {
        matches!(*self, Self::At(at) if at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_of_at_fixes_the_deadline() {
        let second = Duration::from_secs(1);
        let mut deadline = Deadline::default();
        assert_eq!(deadline.at(second), None);
        deadline.arm(second);
        assert!(!deadline.has_passed(second * 100));
        assert_eq!(deadline.at(second * 7), Some(second * 8));
        assert_eq!(deadline.at(second * 9), Some(second * 8));
        assert!(!deadline.has_passed(second * 8 - Duration::from_nanos(1)));
        assert!(deadline.has_passed(second * 8));
        deadline.disarm();
        assert!(!deadline.has_passed(second * 8));
    }
}
