//! Comparing results with expectations.

use super::cases::{self, CaseId};
use super::expectations::Expectations;
use super::plan::Run;
use super::report::Results;
use super::verdict::{Behavior, Verdict};

/// How the results of one run compare with what is expected of it.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// One entry per group of the selected cases, in order.
    pub(crate) groups: Vec<Counts>,
    pub(crate) unexpected: Vec<Unexpected>,
    /// Selected cases without a result.
    pub(crate) missing: usize,
}

/// How many cases of a group have which result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) group: String,
    pub(crate) cases: usize,
    pub(crate) ok: usize,
    pub(crate) non_strict: usize,
    pub(crate) informational: usize,
    pub(crate) unimplemented: usize,
    pub(crate) failed: usize,
    /// Results that differ from what is expected, and results that are not there.
    pub(crate) unexpected: usize,
}

/// A case whose result is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected {
    pub(crate) case: CaseId,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) problem: Problem,
}

/// What is wrong with a result. Lines are those of the expectations file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Another verdict than the one that the line promises.
    Differs { line: usize, expected: Verdict },
    /// The suite reported nothing.
    Missing,
    /// All is well, and the line says otherwise.
    Stale { line: usize, expected: Verdict },
    /// Not OK, and no line allows it.
    Unlisted,
}

/// Judges the results of a run over the selected cases.
pub(crate) fn judge(
    run: &Run,
    selected: &[CaseId],
    results: &Results,
    expectations: &Expectations,
) -> Judgement {
    let mut judgement = Judgement {
        groups: Vec::new(),
        unexpected: Vec::new(),
        missing: 0,
    };
    for &case in selected {
        let verdict = results.get(case).map(|result| result.verdict());
        let problem = match (verdict, expectations.find(case, run)) {
            (None, _) => Some(Problem::Missing),
            (Some(Verdict::GOOD), None) => None,
            (Some(_), None) => Some(Problem::Unlisted),
            (Some(verdict), Some(line)) if verdict == line.verdict => None,
            (Some(Verdict::GOOD), Some(line)) => Some(Problem::Stale {
                line: line.line,
                expected: line.verdict,
            }),
            (Some(_), Some(line)) => Some(Problem::Differs {
                line: line.line,
                expected: line.verdict,
            }),
        };
        judgement
            .counts_for(cases::group(case))
            .add(verdict, problem.is_some());
        judgement.missing += usize::from(verdict.is_none());
        judgement
            .unexpected
            .extend(problem.map(|problem| Unexpected {
                case,
                verdict,
                problem,
            }));
    }
    judgement
}

impl Judgement {
    fn counts_for(&mut self, group: &str) -> &mut Counts {
        // Selected cases come in order, so the group is the last one or new.
        if self.groups.last().is_none_or(|last| last.group != group) {
            self.groups.push(Counts {
                group: group.to_owned(),
                ..Counts::default()
            });
        }
        self.groups.last_mut().expect("was just pushed")
    }

    /// The sum over all groups.
    pub(crate) fn total(&self) -> Counts {
        let mut total = Counts {
            group: "all".to_owned(),
            ..Counts::default()
        };
        for counts in &self.groups {
            total.cases += counts.cases;
            total.ok += counts.ok;
            total.non_strict += counts.non_strict;
            total.informational += counts.informational;
            total.unimplemented += counts.unimplemented;
            total.failed += counts.failed;
            total.unexpected += counts.unexpected;
        }
        total
    }
}

impl Counts {
    fn add(&mut self, verdict: Option<Verdict>, unexpected: bool) {
        self.cases += 1;
        self.unexpected += usize::from(unexpected);
        match verdict.map(Verdict::class) {
            None => {}
            Some(Behavior::Ok) => self.ok += 1,
            Some(Behavior::NonStrict) => self.non_strict += 1,
            Some(Behavior::Informational) => self.informational += 1,
            Some(Behavior::Unimplemented) => self.unimplemented += 1,
            Some(Behavior::Failed) => self.failed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Role;
    use super::super::report::testing::result;
    use super::super::verdict::CloseBehavior;
    use super::*;
    use crate::runtime::Runtime;

    const EXPECTATIONS: &str = "
        [[expect]]
        cases = '12.*'
        behavior = 'UNIMPLEMENTED'
        close = 'OK'
        reason = 'later'
    ";

    fn judged(results: &[(&str, Behavior, CloseBehavior)], selected: &[CaseId]) -> Judgement {
        let results = results
            .iter()
            .map(|(case, behavior, close)| ((*case).to_owned(), result(*behavior, *close)))
            .collect();
        let expectations = Expectations::parse(EXPECTATIONS).unwrap();
        judge(
            &Run::new(Runtime::Tokio, Role::Server),
            selected,
            &results,
            &expectations,
        )
    }

    fn problem(case: CaseId, behavior: Behavior, close: CloseBehavior) -> Option<Problem> {
        let judgement = judged(&[(case, behavior, close)], &[case]);
        judgement
            .unexpected
            .first()
            .map(|unexpected| unexpected.problem)
    }

    #[test]
    fn ok_and_what_a_line_promises_are_expected() {
        assert_eq!(problem("1.1.1", Behavior::Ok, CloseBehavior::Ok), None);
        assert_eq!(
            problem("12.1.1", Behavior::Unimplemented, CloseBehavior::Ok),
            None
        );
    }

    #[test]
    fn anything_else_is_unexpected() {
        let line = 3;
        let expected = Verdict {
            behavior: Behavior::Unimplemented,
            close: CloseBehavior::Ok,
        };
        for (case, behavior, close, wanted) in [
            (
                "1.1.1",
                Behavior::NonStrict,
                CloseBehavior::Ok,
                Problem::Unlisted,
            ),
            (
                "1.1.1",
                Behavior::Ok,
                CloseBehavior::FailedByClient,
                Problem::Unlisted,
            ),
            (
                "12.1.1",
                Behavior::Ok,
                CloseBehavior::Ok,
                Problem::Stale { line, expected },
            ),
            (
                "12.1.1",
                Behavior::Failed,
                CloseBehavior::Ok,
                Problem::Differs { line, expected },
            ),
            (
                "12.1.1",
                Behavior::Unimplemented,
                CloseBehavior::Unclean,
                Problem::Differs { line, expected },
            ),
        ] {
            assert_eq!(
                problem(case, behavior, close),
                Some(wanted),
                "{case} {behavior} {close}"
            );
        }
    }

    #[test]
    fn a_case_without_a_result_is_missing_even_if_a_line_speaks_of_it() {
        let judgement = judged(&[], &["1.1.1", "12.1.1"]);
        assert_eq!(judgement.missing, 2);
        assert!(
            judgement
                .unexpected
                .iter()
                .all(|case| case.problem == Problem::Missing)
        );
    }

    #[test]
    fn a_line_for_cases_that_were_not_selected_is_not_stale() {
        let judgement = judged(&[("1.1.1", Behavior::Ok, CloseBehavior::Ok)], &["1.1.1"]);
        assert_eq!(judgement.unexpected, []);
    }

    #[test]
    fn groups_are_counted_and_added_up() {
        let ok = CloseBehavior::Ok;
        let judgement = judged(
            &[
                ("1.1.1", Behavior::Ok, ok),
                ("1.1.2", Behavior::Ok, CloseBehavior::Unclean),
                ("12.1.1", Behavior::Unimplemented, ok),
            ],
            &["1.1.1", "1.1.2", "1.1.3", "12.1.1"],
        );
        let first = &judgement.groups[0];
        assert_eq!((first.group.as_str(), first.cases, first.ok), ("1", 3, 1));
        assert_eq!((first.failed, first.unexpected), (1, 2));
        let total = judgement.total();
        assert_eq!(
            (total.cases, total.ok, total.unimplemented, total.failed),
            (4, 1, 1, 1)
        );
        assert_eq!((total.unexpected, judgement.missing), (2, 1));
    }
}
