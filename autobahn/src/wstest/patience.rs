//! The time limits of a run.

use std::time::Duration;

use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases;

/// The longest times without progress, for the parts of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The time in addition to the suite's limit for the current case.
    pub(super) without_progress: Duration,
    /// Returns the suite's limit for a case.
    pub(super) longest_case: fn(CaseId) -> Duration,
    /// The time until a started program is ready.
    pub(super) start_up: Duration,
}

impl Patience {
    pub(super) fn new(without_progress: Duration) -> Self {
        Self {
            without_progress,
            longest_case: longest,
            start_up: Duration::from_secs(30),
        }
    }

    /// Returns the time limit of this case.
    pub(super) fn for_case(&self, case: CaseId) -> Duration {
        self.without_progress + (self.longest_case)(case)
    }
}

/// Returns the time that the suite allows a case.
fn longest(case: CaseId) -> Duration {
    cases::find(case).map_or(Duration::ZERO, Case::time_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_gets_the_time_of_the_suite_on_top() {
        let patience = Patience::new(Duration::from_secs(120));
        let seconds = |case: CaseId| patience.for_case(case).as_secs();
        for (case, expected) in [
            (CaseId::three(1, 1, 1), 121),
            (CaseId::two(2, 1), 121),
            (CaseId::three(9, 1, 6), 220),
            (CaseId::three(9, 5, 1), 1120),
            (CaseId::three(9, 8, 6), 600),
            (CaseId::three(12, 5, 18), 600),
        ] {
            assert_eq!(seconds(case), expected, "{case}");
        }
    }
}
