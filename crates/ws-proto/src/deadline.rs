//! Time limits as data: armed without a clock, given a date when someone looks at the clock anyway.

use core::time::Duration;

/// Which time limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expired {
    /// The closing handshake was not complete in time.
    Close,
    /// The peer sent nothing at all for too long.
    Idle,
    /// The peer did not answer a Ping in time.
    Pong,
    /// The peer did not take the Close that reports its violation in time.
    Failure,
    /// Output waited too long without one byte being taken.
    WriteStall,
}

/// A time limit that may be running.
///
/// The hot path must not read the clock, so arming only notes the length; the date follows from the next time that the
/// caller tells, which is before it starts to wait.
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

    /// The date, fixed now if it was not before.
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
    fn a_deadline_gets_its_date_at_the_first_look() {
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
