//! How long a conformance run waits.

use std::time::Duration;

use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases;

/// How long the parts of a run may go without progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Beyond what the suite itself allows the case in progress.
    pub(crate) without_progress: Duration,
    /// What the suite allows a case.
    pub(crate) longest_case: fn(CaseId) -> Duration,
    /// Until a program that was started is ready.
    pub(crate) start_up: Duration,
}

impl Patience {
    pub(crate) fn new(without_progress: Duration) -> Self {
        Self {
            without_progress,
            longest_case: longest,
            start_up: Duration::from_secs(30),
        }
    }

    /// How long this case may take.
    pub(crate) fn for_case(&self, case: CaseId) -> Duration {
        self.without_progress + (self.longest_case)(case)
    }

    /// How long any of these cases may take.
    pub(crate) fn for_any(&self, cases: &[CaseId]) -> Duration {
        let allowances = cases.iter().map(|case| self.for_case(*case));
        allowances.max().unwrap_or(self.without_progress)
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
            (CaseId::two(25, 4), 180),
            (CaseId::three(9, 1, 6), 220),
            (CaseId::three(9, 5, 1), 1120),
            (CaseId::three(9, 8, 6), 600),
            (CaseId::three(12, 5, 18), 600),
        ] {
            assert_eq!(seconds(case), expected, "{case}");
        }
        let any = patience.for_any(&[CaseId::two(2, 1), CaseId::three(9, 1, 1)]);
        assert_eq!(any.as_secs(), 130);
    }
}
