//! JUnit XML, the form of test results that CI systems read.

use std::time::Duration;

use quick_junit::{FlakyOrRerun, NonSuccessKind, Property, Report, TestCase, TestCaseStatus};
use quick_junit::{SerializeError, TestRerun, TestSuite};

use crate::case::{Case, CaseId};
use crate::cases;
use crate::expect::{Assessment, Deviation, Testee, Unexpected};
use crate::report::{Entry, Results};
use crate::verdict::Behavior;

/// One testee in the file.
#[derive(Clone, Copy, Debug)]
pub struct Suite<'a> {
    /// The name and role of the testee.
    pub testee: &'a Testee,
    /// The cases, in order.
    pub selected: &'a [CaseId],
    /// The results.
    pub results: &'a Results,
    /// The unexpected results.
    pub assessment: &'a Assessment,
    /// The seed of the run.
    pub seed: u64,
}

/// The texts about a result in the file.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// The reason of the verdict, in one line.
    pub reason: String,
    /// The description of an unexpected result.
    pub detail: String,
}

/// Returns the text of the file. `texts` returns the texts about a case.
///
/// An unexpected result is a failure, and a missing one an error. A case that does not apply, or
/// whose extension the testee does not have, is skipped. Properties have the exact verdict, and the
/// property `reason` says what is not OK about a case that passes.
///
/// # Errors
///
/// Fails if the XML cannot be written.
pub fn to_xml(
    suites: &[Suite<'_>],
    texts: impl Fn(&Testee, CaseId) -> Texts,
) -> Result<String, SerializeError> {
    let mut report = Report::new("ws-conformance");
    report.add_test_suites(suites.iter().map(|suite| suite.test_suite(&texts)));
    report.to_string()
}

impl Suite<'_> {
    fn test_suite(&self, texts: &impl Fn(&Testee, CaseId) -> Texts) -> TestSuite {
        let Testee { agent, role } = self.testee;
        let mut suite = TestSuite::new(agent);
        let milliseconds = self.results.values().map(|entry| entry.duration).sum();
        suite.set_time(Duration::from_millis(milliseconds));
        suite.add_properties([
            Property::new("version", env!("CARGO_PKG_VERSION")),
            Property::new("agent", agent),
            Property::new("role", role.to_string()),
            Property::new("seed", self.seed.to_string()),
        ]);
        suite.add_test_cases(self.selected.iter().map(|case| self.case(*case, texts)));
        suite
    }

    fn case(&self, case: CaseId, texts: &impl Fn(&Testee, CaseId) -> Texts) -> TestCase {
        let Testee { agent, role } = self.testee;
        let entry = self.results.get(&case);
        let mut unexpected = self.assessment.unexpected.iter();
        let unexpected = unexpected.find(|unexpected| unexpected.case == case);
        let texts = texts(self.testee, case);
        let mut status = match unexpected {
            Some(unexpected) => failure(unexpected, &texts),
            None => entry.map_or_else(TestCaseStatus::success, expected),
        };
        add_first_run(&mut status, entry);
        let mut test = TestCase::new(case.to_string(), status);
        test.set_classname(format!("{agent}.{role}"));
        test.set_time(Duration::from_millis(
            entry.map_or(0, |entry| entry.duration),
        ));
        test.add_properties(properties(case, entry));
        if unexpected.is_none() && !texts.reason.is_empty() {
            test.add_property(Property::new("reason", &*texts.reason));
        }
        test
    }
}

fn failure(unexpected: &Unexpected, texts: &Texts) -> TestCaseStatus {
    let deviation = unexpected.deviation;
    let (kind, message) = match unexpected.verdict {
        None => (NonSuccessKind::Error, deviation.to_string()),
        Some(verdict) => (
            NonSuccessKind::Failure,
            match (&*texts.reason, deviation) {
                ("", _) => format!("{verdict}: {deviation}"),
                (reason, Deviation::Failed) => format!("{verdict}: {reason}"),
                (reason, _) => format!("{verdict} ({deviation}): {reason}"),
            },
        ),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(&*texts.detail);
    status
}

/// Returns the status of an expected result. A case that tested nothing did not pass.
fn expected(entry: &Entry) -> TestCaseStatus {
    match entry.verdict.overall() {
        Behavior::NotApplicable | Behavior::Unimplemented => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(entry.verdict.behavior.to_string());
            status
        }
        Behavior::Ok | Behavior::NonStrict | Behavior::Informational | Behavior::Failed => {
            TestCaseStatus::success()
        }
    }
}

fn add_first_run(status: &mut TestCaseStatus, entry: Option<&Entry>) {
    let Some(first) = entry.and_then(|entry| entry.first_run) else {
        return;
    };
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_message(format!("the first run: {first}"));
    status.set_rerun_kind(FlakyOrRerun::Rerun).add_rerun(rerun);
}

fn properties(case: CaseId, entry: Option<&Entry>) -> Vec<Property> {
    let case = cases::find(case);
    let sections: Vec<_> = case.into_iter().flat_map(Case::sections).collect();
    let mut properties = vec![
        Property::new("title", case.map_or("", Case::title)),
        Property::new("rfc", sections.join(", ")),
    ];
    if let Some(entry) = entry {
        properties.push(Property::new(
            "behavior",
            entry.verdict.behavior.to_string(),
        ));
        properties.push(Property::new(
            "behaviorClose",
            entry.verdict.close.to_string(),
        ));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::Standard;
    use crate::role::Role;
    use crate::verdict::{CloseBehavior, Verdict};

    fn entry(behavior: Behavior, close: CloseBehavior, first_run: Option<Verdict>) -> Entry {
        Entry {
            verdict: Verdict { behavior, close },
            duration: 1234,
            remote_close_code: None,
            reportfile: String::new(),
            first_run,
        }
    }

    fn written(standard: Standard<'_>) -> Report {
        let testee = Testee {
            agent: "a<b>&\"c\"".into(),
            role: Role::Server,
        };
        let unclean = Verdict {
            close: CloseBehavior::Unclean,
            ..Verdict::GOOD
        };
        let entries = [
            entry(Behavior::Ok, CloseBehavior::Ok, None),
            entry(Behavior::Ok, CloseBehavior::Unclean, None),
            entry(Behavior::NonStrict, CloseBehavior::Ok, None),
            entry(Behavior::Unimplemented, CloseBehavior::Ok, None),
            entry(Behavior::NotApplicable, CloseBehavior::Ok, None),
            entry(Behavior::Ok, CloseBehavior::Ok, Some(unclean)),
        ];
        let ids = ["2.1", "2.2", "2.3", "12.1.1", "23.5.1", "24.1.1", "24.1.2"];
        let ids = ids.map(|id| id.parse().unwrap());
        let results: Results = ids.into_iter().zip(entries).collect();
        let assessment = Assessment::new(&testee, &ids, &results, standard);
        let suite = Suite {
            testee: &testee,
            selected: &ids,
            results: &results,
            assessment: &assessment,
            seed: 7,
        };
        let texts = |_: &Testee, case: CaseId| Texts {
            reason: format!("the reason of <{case}>"),
            detail: format!("details of <{case}>\u{1}"),
        };
        let xml = to_xml(&[suite], texts).unwrap();
        Report::deserialize_from_str(&xml).unwrap()
    }

    fn statuses(report: &Report) -> String {
        let cases = report.test_suites[0].test_cases.iter();
        let letters = cases.map(|case| match &case.status {
            TestCaseStatus::Success { flaky_runs } if flaky_runs.is_empty() => 'o',
            TestCaseStatus::Success { .. } => 'u',
            TestCaseStatus::Skipped { .. } => 's',
            TestCaseStatus::NonSuccess { kind, .. } => match kind {
                NonSuccessKind::Failure => 'F',
                NonSuccessKind::Error => 'E',
            },
        });
        letters.collect()
    }

    #[test]
    fn each_verdict_is_shown_as_what_it_is() {
        assert_eq!(statuses(&written(Standard::Allowed)), "oFossuE");
        assert_eq!(statuses(&written(Standard::Strict)), "oFFFsFE");
    }

    #[test]
    fn a_failure_has_its_reason_and_a_case_its_properties() {
        let report = written(Standard::Allowed);
        assert_eq!((report.tests, report.failures, report.errors), (7, 1, 1));
        let suite = &report.test_suites[0];
        assert_eq!(suite.name.as_str(), "a<b>&\"c\"");
        let has = |properties: &[Property], name: &str, value: &str| {
            let property = Property::new(name, value);
            assert!(properties.contains(&property), "{property:?}");
        };
        has(&suite.properties, "seed", "7");
        has(&suite.properties, "version", env!("CARGO_PKG_VERSION"));
        has(&suite.test_cases[2].properties, "behavior", "NON-STRICT");
        let better = &suite.test_cases[2].properties;
        has(better, "reason", "the reason of <2.3>");
        has(
            &suite.test_cases[5].properties,
            "title",
            cases::find(CaseId::three(24, 1, 1)).unwrap().title(),
        );
        let TestCaseStatus::NonSuccess {
            message,
            description,
            ..
        } = &suite.test_cases[1].status
        else {
            panic!("{:?}", suite.test_cases[1]);
        };
        let message = message.as_ref().unwrap().as_str();
        assert_eq!(message, "OK, close UNCLEAN: the reason of <2.2>");
        let description = description.as_ref().unwrap().as_str();
        assert_eq!(description, "details of <2.2>");
    }
}
