//! How long a conformance run waits.

use std::time::Duration;

use super::cases;

/// How long the parts of a run may go without progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Beyond what the suite itself allows the case in progress.
    pub(crate) without_progress: Duration,
    /// What the suite allows a case.
    pub(crate) longest_case: fn(&str) -> Duration,
    /// Until a program that was started is ready.
    pub(crate) start_up: Duration,
}

impl Patience {
    pub(crate) fn new(without_progress: Duration) -> Self {
        Self {
            without_progress,
            longest_case: cases::longest,
            start_up: Duration::from_secs(30),
        }
    }

    /// How long this case may take.
    pub(crate) fn for_case(&self, case: &str) -> Duration {
        self.without_progress + (self.longest_case)(case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_gets_the_time_of_the_suite_on_top() {
        let patience = Patience::new(Duration::from_secs(120));
        assert_eq!(patience.for_case("1.1.1").as_secs(), 130);
        assert_eq!(patience.for_case("9.7.6").as_secs(), 600);
    }
}
