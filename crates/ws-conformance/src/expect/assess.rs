//! The comparison of results with expectations.

use std::fmt;

use super::{Expectations, Testee};
use crate::case::{CaseId, Set};
use crate::report::{Entry, Results};
use crate::verdict::{Behavior, Verdict};

/// The expectations on a testee.
#[derive(Clone, Copy, Debug)]
pub enum Standard<'a> {
    /// Every case has a result. All verdicts are accepted.
    Any,
    /// No case fails. Every reaction that RFC 6455 allows is accepted.
    Allowed,
    /// Every case is OK, or informational if no better verdict is possible, and no case that ran
    /// twice had different verdicts.
    Strict,
    /// Every case is OK and OK, or has the verdict of its entry. An informational extra case needs
    /// no entry.
    Listed(&'a Expectations),
}

/// The comparison of one testee's results with the expectations.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// One entry for each group of the selected cases, in order.
    pub groups: Vec<Counts>,
    /// The cases with unexpected results, in order.
    pub unexpected: Vec<Unexpected>,
    /// Selected cases without a result.
    pub missing: usize,
}

/// The number of cases of a group with each result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The name of the group.
    pub group: String,
    /// The number of selected cases.
    pub cases: usize,
    /// OK.
    pub ok: usize,
    /// Allowed, but not best.
    pub non_strict: usize,
    /// Not judged.
    pub informational: usize,
    /// Without the extension that they are about.
    pub unimplemented: usize,
    /// Not applicable to the testee.
    pub not_applicable: usize,
    /// Failed, in behavior or in closing.
    pub failed: usize,
    /// Results that differ from the expected ones, and missing results.
    pub unexpected: usize,
}

/// A case with an unexpected result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The case.
    pub case: CaseId,
    /// The result, if there is one.
    pub verdict: Option<Verdict>,
    /// The difference from the expectation.
    pub deviation: Deviation,
}

/// The difference between a result and the expectation. Lines are those of the file of
/// expectations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// The verdict differs from that of the line.
    Differs {
        /// The line.
        line: usize,
        /// The verdict of the line.
        expected: Verdict,
    },
    /// There is no result.
    Missing,
    /// The verdict is a failure, and there are no expectations that could excuse it.
    Failed,
    /// The verdict is OK, but the line expects another one.
    Stale {
        /// The line.
        line: usize,
        /// The verdict of the line.
        expected: Verdict,
    },
    /// The verdict is not OK, and no line allows it.
    Unlisted,
    /// The case ran twice, with different verdicts.
    Unstable {
        /// The verdict of the first run.
        first: Verdict,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { line, expected } => write!(f, "line {line} expects {expected}"),
            Self::Missing => f.write_str("the case was not run"),
            Self::Failed => f.write_str("the case failed"),
            Self::Stale { line, expected } => write!(
                f,
                "line {line} is stale: it still expects {expected}; remove or narrow it"
            ),
            Self::Unlisted => f.write_str("no line of the expectations allows it"),
            Self::Unstable { first } => write!(f, "unstable: the first run was {first}"),
        }
    }
}

impl Standard<'_> {
    fn deviation(self, case: CaseId, entry: &Entry, testee: &Testee) -> Option<Deviation> {
        let verdict = entry.verdict;
        match self {
            Self::Any => None,
            Self::Allowed => (verdict.overall() == Behavior::Failed).then_some(Deviation::Failed),
            Self::Strict => match verdict.overall() {
                Behavior::Ok | Behavior::Informational | Behavior::NotApplicable => {
                    let unstable = entry.is_unstable();
                    let first = entry.first_run.filter(|_| unstable);
                    first.map(|first| Deviation::Unstable { first })
                }
                Behavior::NonStrict | Behavior::Unimplemented | Behavior::Failed => {
                    Some(Deviation::Failed)
                }
            },
            Self::Listed(expectations) => listed(expectations, case, verdict, testee),
        }
    }
}

fn listed(
    expectations: &Expectations,
    case: CaseId,
    verdict: Verdict,
    testee: &Testee,
) -> Option<Deviation> {
    let Some(entry) = expectations.find(case, testee) else {
        let is_fine = verdict == Verdict::GOOD
            || (matches!(
                verdict.overall(),
                Behavior::Informational | Behavior::NotApplicable
            ) && case.set() == Set::Extra);
        return (!is_fine).then_some(Deviation::Unlisted);
    };
    let (line, expected) = (entry.line(), entry.verdict());
    match verdict {
        _ if verdict == expected => None,
        Verdict::GOOD => Some(Deviation::Stale { line, expected }),
        _ => Some(Deviation::Differs { line, expected }),
    }
}

impl Assessment {
    /// Compares the results of `testee` for the selected cases with `standard`.
    pub fn new(
        testee: &Testee,
        selected: &[CaseId],
        results: &Results,
        standard: Standard<'_>,
    ) -> Self {
        let mut assessment = Self {
            groups: Vec::new(),
            unexpected: Vec::new(),
            missing: 0,
        };
        for &case in selected {
            let entry = results.get(&case);
            let deviation = match entry {
                None => Some(Deviation::Missing),
                Some(entry) => standard.deviation(case, entry, testee),
            };
            assessment.add(case, entry.map(|entry| entry.verdict), deviation);
        }
        assessment
    }

    /// Returns `true` if every selected case has its expected result.
    pub fn is_as_expected(&self) -> bool {
        self.unexpected.is_empty()
    }

    fn add(&mut self, case: CaseId, verdict: Option<Verdict>, deviation: Option<Deviation>) {
        self.counts_for(case).add(verdict, deviation.is_some());
        self.missing += usize::from(verdict.is_none());
        self.unexpected
            .extend(deviation.map(|deviation| Unexpected {
                case,
                verdict,
                deviation,
            }));
    }

    fn counts_for(&mut self, case: CaseId) -> &mut Counts {
        let group = case.group().to_string();
        // Selected cases are in order, so the group is the last one or a new one.
        if self.groups.last().is_none_or(|last| last.group != group) {
            self.groups.push(Counts {
                group,
                ..Counts::default()
            });
        }
        self.groups.last_mut().expect("was just pushed")
    }

    /// Returns the sum over all groups.
    pub fn total(&self) -> Counts {
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
            total.not_applicable += counts.not_applicable;
            total.failed += counts.failed;
            total.unexpected += counts.unexpected;
        }
        total
    }
}

impl Counts {
    /// Returns the columns of a table of groups after the name of the group: title and number.
    pub fn columns(&self) -> [(&'static str, usize); 8] {
        [
            ("cases", self.cases),
            ("OK", self.ok),
            ("NON-STRICT", self.non_strict),
            ("INFORMATIONAL", self.informational),
            ("UNIMPLEMENTED", self.unimplemented),
            ("NOT APPLICABLE", self.not_applicable),
            ("FAILED", self.failed),
            ("unexpected", self.unexpected),
        ]
    }

    fn add(&mut self, verdict: Option<Verdict>, unexpected: bool) {
        self.cases += 1;
        self.unexpected += usize::from(unexpected);
        match verdict.map(Verdict::overall) {
            None => {}
            Some(Behavior::Ok) => self.ok += 1,
            Some(Behavior::NonStrict) => self.non_strict += 1,
            Some(Behavior::Informational) => self.informational += 1,
            Some(Behavior::Unimplemented) => self.unimplemented += 1,
            Some(Behavior::NotApplicable) => self.not_applicable += 1,
            Some(Behavior::Failed) => self.failed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::role::Role;
    use crate::verdict::CloseBehavior;

    const EXPECTATIONS: &str = "
        [[expect]]
        cases = '12.*'
        behavior = 'UNIMPLEMENTED'
        close = 'OK'
        reason = 'later'
    ";

    type Result<'a> = (&'a str, Behavior, CloseBehavior);

    fn assessed(results: &[Result<'_>], selected: &[&str], standard: Standard<'_>) -> Assessment {
        let entry = |behavior, close| Entry {
            verdict: Verdict { behavior, close },
            duration: 0,
            remote_close_code: None,
            reportfile: String::new(),
            first_run: None,
        };
        let results = results.iter();
        let results = results.map(|(case, b, c)| (case.parse().unwrap(), entry(*b, *c)));
        let testee = Testee {
            agent: "a".into(),
            role: Role::Server,
        };
        let selected: Vec<_> = selected.iter().map(|case| case.parse().unwrap()).collect();
        Assessment::new(&testee, &selected, &results.collect(), standard)
    }

    fn deviation(result: Result<'_>, standard: Standard<'_>) -> Option<Deviation> {
        let assessment = assessed(&[result], &[result.0], standard);
        let unexpected = assessment.unexpected.first();
        unexpected.map(|unexpected| unexpected.deviation)
    }

    fn expectations() -> Expectations {
        Expectations::parse(EXPECTATIONS, Path::new("x")).unwrap()
    }

    #[test]
    fn listed_verdicts_are_expected_and_nothing_else() {
        use {Behavior as B, CloseBehavior as C};
        let listed = expectations();
        let line = 3;
        let expected = Verdict {
            behavior: B::Unimplemented,
            close: C::Ok,
        };
        for (result, wanted) in [
            (("1.1.1", B::Ok, C::Ok), None),
            (("12.1.1", B::Unimplemented, C::Ok), None),
            (("1.1.1", B::NonStrict, C::Ok), Some(Deviation::Unlisted)),
            (
                ("1.1.1", B::Ok, C::FailedByClient),
                Some(Deviation::Unlisted),
            ),
            (
                ("7.1.6", B::Informational, C::Informational),
                Some(Deviation::Unlisted),
            ),
            (("27.1", B::Informational, C::Informational), None),
            (
                ("27.1", B::Informational, C::Failed),
                Some(Deviation::Unlisted),
            ),
            (("24.4.4", B::NonStrict, C::Ok), Some(Deviation::Unlisted)),
            (
                ("12.1.1", B::Ok, C::Ok),
                Some(Deviation::Stale { line, expected }),
            ),
            (
                ("12.1.1", B::Failed, C::Ok),
                Some(Deviation::Differs { line, expected }),
            ),
        ] {
            assert_eq!(
                deviation(result, Standard::Listed(&listed)),
                wanted,
                "{result:?}"
            );
        }
    }

    #[test]
    fn without_a_list_it_is_failures_that_count() {
        use {Behavior as B, CloseBehavior as C};
        for (result, allowed, strict) in [
            (("7.1.6", B::Informational, C::Informational), true, true),
            (("3.2", B::NonStrict, C::Ok), true, false),
            (("12.1.1", B::Unimplemented, C::Ok), true, false),
            (("3.2", B::Ok, C::Unclean), false, false),
        ] {
            assert_eq!(
                deviation(result, Standard::Allowed).is_none(),
                allowed,
                "{result:?}"
            );
            assert_eq!(
                deviation(result, Standard::Strict).is_none(),
                strict,
                "{result:?}"
            );
        }
    }

    #[test]
    fn the_second_run_counts_and_strictness_refuses_different_runs() {
        let case: CaseId = "3.2".parse().unwrap();
        let failed = Verdict {
            behavior: Behavior::Failed,
            ..Verdict::GOOD
        };
        let testee = Testee {
            agent: "a".into(),
            role: Role::Server,
        };
        let deviation = |first, verdict, standard: Standard<'_>| {
            let entry = Entry {
                verdict,
                duration: 0,
                remote_close_code: None,
                reportfile: String::new(),
                first_run: Some(first),
            };
            standard.deviation(case, &entry, &testee)
        };
        let unstable = Some(Deviation::Unstable { first: failed });
        assert_eq!(deviation(failed, Verdict::GOOD, Standard::Allowed), None);
        assert_eq!(deviation(failed, Verdict::GOOD, Standard::Strict), unstable);
        let listed = expectations();
        assert_eq!(
            deviation(failed, Verdict::GOOD, Standard::Listed(&listed)),
            None
        );
        for standard in [Standard::Allowed, Standard::Strict] {
            assert_eq!(deviation(failed, failed, standard), Some(Deviation::Failed));
        }
    }

    #[test]
    fn any_verdict_will_do_if_nothing_is_expected() {
        let result = ("1.1.1", Behavior::Failed, CloseBehavior::Unclean);
        let assessment = assessed(&[result], &["1.1.1", "1.1.2"], Standard::Any);
        assert_eq!((assessment.total().failed, assessment.missing), (1, 1));
        assert_eq!(assessment.unexpected.len(), 1);
        assert_eq!(assessment.unexpected[0].deviation, Deviation::Missing);
    }

    #[test]
    fn a_case_without_a_result_is_missing_even_if_a_line_speaks_of_it() {
        let listed = expectations();
        let assessment = assessed(&[], &["1.1.1", "12.1.1"], Standard::Listed(&listed));
        assert_eq!(assessment.missing, 2);
        let mut deviations = assessment.unexpected.iter().map(|case| case.deviation);
        assert!(deviations.all(|deviation| deviation == Deviation::Missing));
    }

    #[test]
    fn groups_are_counted_and_added_up() {
        use {Behavior as B, CloseBehavior as C};
        let results = [
            ("1.1.1", B::Ok, C::Ok),
            ("1.1.2", B::Ok, C::Unclean),
            ("12.1.1", B::Unimplemented, C::Ok),
        ];
        let listed = expectations();
        let selected = ["1.1.1", "1.1.2", "1.1.3", "12.1.1"];
        let assessment = assessed(&results, &selected, Standard::Listed(&listed));
        let first = &assessment.groups[0];
        assert_eq!((first.group.as_str(), first.cases, first.ok), ("1", 3, 1));
        assert_eq!((first.failed, first.unexpected), (1, 2));
        let total = assessment.total();
        let counted = (total.cases, total.ok, total.unimplemented, total.failed);
        assert_eq!(counted, (4, 1, 1, 1));
        assert_eq!((total.unexpected, assessment.missing), (2, 1));
    }
}
