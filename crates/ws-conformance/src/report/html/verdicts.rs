//! The words and classes of verdicts. A word is short enough for a table. A class selects a color,
//! which only repeats the word.

use crate::report::Entry;
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// A verdict, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) text: String,
    /// A class of the style sheet.
    pub(super) class: &'static str,
}

impl Mark {
    fn new(text: impl Into<String>, class: &'static str) -> Self {
        Self {
            text: text.into(),
            class,
        }
    }

    pub(super) fn missing() -> Self {
        Self::new("Not run", "missing")
    }

    pub(super) fn of_behavior(behavior: Behavior) -> Self {
        match behavior {
            Behavior::Ok => Self::new("Pass", "pass"),
            Behavior::NonStrict => Self::new("Non-strict", "nonstrict"),
            Behavior::Informational => Self::new("Info", "info"),
            Behavior::Unimplemented => Self::new("Unimplemented", "unimplemented"),
            Behavior::NotApplicable => Self::new("Not applicable", "missing"),
            Behavior::Failed => Self::new("Fail", "fail"),
        }
    }

    /// Returns the close code, unless the verdict on the close is worse than OK.
    pub(super) fn of_close(entry: &Entry) -> Self {
        let code = match entry.remote_close_code {
            Some(code) => code.to_string(),
            None => "no code".to_owned(),
        };
        match entry.verdict.close {
            CloseBehavior::Ok => Self::new(code, "pass"),
            CloseBehavior::Informational => Self::new(code, "info"),
            CloseBehavior::Failed => Self::new("Fail", "fail"),
            CloseBehavior::Unclean => Self::new("Unclean", "fail"),
            CloseBehavior::WrongCode => Self::new(format!("Wrong: {code}"), "fail"),
            CloseBehavior::FailedByClient => Self::new("By the suite", "fail"),
        }
    }

    /// Returns the verdict on the close in full, for the page of a case.
    pub(super) fn of_close_in_words(close: CloseBehavior) -> Self {
        let class = match close {
            CloseBehavior::Ok => "pass",
            CloseBehavior::Informational => "info",
            CloseBehavior::Failed
            | CloseBehavior::Unclean
            | CloseBehavior::WrongCode
            | CloseBehavior::FailedByClient => "fail",
        };
        Self::new(close.to_string(), class)
    }
}

/// Returns the class of both parts together.
pub(super) fn overall(verdict: Verdict) -> &'static str {
    Mark::of_behavior(verdict.overall()).class
}

/// The number of results of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) pass: usize,
    pub(super) info: usize,
    pub(super) nonstrict: usize,
    /// Passed in the second run, after a first one with another verdict.
    pub(super) unstable: usize,
    pub(super) unimplemented: usize,
    pub(super) not_applicable: usize,
    pub(super) fail: usize,
}

impl Tally {
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut tally = Self::default();
        for entry in entries {
            let unstable = entry.is_unstable();
            let count = match entry.verdict.overall() {
                Behavior::Ok | Behavior::Informational if unstable => &mut tally.unstable,
                Behavior::Ok => &mut tally.pass,
                Behavior::Informational => &mut tally.info,
                Behavior::NonStrict => &mut tally.nonstrict,
                Behavior::Unimplemented => &mut tally.unimplemented,
                Behavior::NotApplicable => &mut tally.not_applicable,
                Behavior::Failed => &mut tally.fail,
            };
            *count += 1;
        }
        tally
    }

    /// Returns the number of cases that count. Cases that are not applicable do not count.
    pub(super) fn run(&self) -> usize {
        self.strict() + self.nonstrict + self.unstable + self.unimplemented + self.fail
    }

    /// Returns the number of cases that `--strict` accepts.
    pub(super) fn strict(&self) -> usize {
        self.pass + self.info
    }

    /// Returns name, class and number of each kind.
    pub(super) fn kinds(&self) -> [(&'static str, &'static str, usize); 7] {
        [
            ("pass", "pass", self.pass),
            ("informational", "info", self.info),
            ("non-strict", "nonstrict", self.nonstrict),
            ("unstable", "nonstrict", self.unstable),
            ("unimplemented", "unimplemented", self.unimplemented),
            ("not applicable", "missing", self.not_applicable),
            ("failed", "fail", self.fail),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_close_is_a_failure_and_unstable_is_not_strict() {
        let bad = Verdict {
            close: CloseBehavior::Unclean,
            ..Verdict::GOOD
        };
        let entry = |verdict, first_run| Entry {
            verdict,
            duration: 0,
            remote_close_code: None,
            reportfile: String::new(),
            first_run,
        };
        let (good, failed) = (entry(Verdict::GOOD, None), entry(bad, None));
        let unstable = entry(Verdict::GOOD, Some(bad));
        let tally = Tally::of([&good, &failed, &unstable].into_iter());
        assert_eq!((tally.pass, tally.fail), (1, 1));
        assert_eq!((tally.run(), tally.strict(), tally.unstable), (3, 1, 1));
        assert_eq!(overall(bad), "fail");
    }
}
