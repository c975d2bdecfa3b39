//! The continuation of an interrupted run.
//!
//! A report of that run counts if it has the same subject: testee, options and suite. The role is a
//! part of the testee's name, and thereby of the directory.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use ws_conformance::case::CaseId;
use ws_conformance::report::Results;

/// The file with the subject of the reports in its directory.
const FILE: &str = "subject.json";

/// The subject of reports.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Subject {
    /// The release of the suite.
    suite: String,
    /// The SHA-1 of the testee's executable. A build of the same source changes only the date of
    /// the file.
    testee: String,
    options: Vec<String>,
}

impl Subject {
    pub(super) fn new(suite: &str, testee: &Path, options: &[&str]) -> Result<Self> {
        let executable =
            fs::read(testee).with_context(|| format!("cannot read {}", testee.display()))?;
        let digest = Sha1::digest(executable);
        Ok(Self {
            suite: suite.to_owned(),
            testee: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            options: options.iter().map(ToString::to_string).collect(),
        })
    }

    /// Returns `true` if the reports in `dir` have this subject.
    pub(super) fn is_in(&self, dir: &Path) -> bool {
        let recorded = fs::read_to_string(dir.join(FILE)).ok();
        recorded
            .and_then(|text| serde_json::from_str::<Self>(&text).ok())
            .is_some_and(|recorded| recorded == *self)
    }

    /// Writes the subject of the reports into `dir`.
    pub(super) fn record_in(&self, dir: &Path) -> Result<()> {
        let file = dir.join(FILE);
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Returns those of `cases` that have no result yet, in the same order.
pub(super) fn left(cases: &[CaseId], results: &Results) -> Vec<CaseId> {
    let is_left = |case: &CaseId| !results.contains_key(case);
    cases.iter().copied().filter(is_left).collect()
}

#[cfg(test)]
mod tests {
    use ws_conformance::report::Entry;
    use ws_conformance::verdict::{Behavior, Verdict};

    use super::*;

    #[test]
    fn exactly_the_cases_without_a_result_are_left() {
        let cases = ["1.1.1", "1.1.2", "2.1", "12.1.1"].map(|case| case.parse().unwrap());
        let entry = |behavior| Entry {
            verdict: Verdict {
                behavior,
                ..Verdict::GOOD
            },
            duration: 0,
            remote_close_code: None,
            reportfile: "none.json".into(),
            first_run: None,
        };
        assert_eq!(left(&cases, &Results::new()), cases);
        // A failed case was run. Cases that are not selected do not count.
        let results = Results::from([
            (cases[1], entry(Behavior::Failed)),
            (cases[3], entry(Behavior::Ok)),
            ("9.1.1".parse().unwrap(), entry(Behavior::Ok)),
        ]);
        assert_eq!(left(&cases, &results), [cases[0], cases[2]]);
    }

    #[test]
    fn reports_count_only_for_the_same_suite_options_and_executable() {
        let dir = tempfile::tempdir().unwrap();
        let testee = dir.path().join("testee");
        fs::write(&testee, "one").unwrap();
        let subject = Subject::new("1", &testee, &["--deflate"]).unwrap();
        assert!(!subject.is_in(dir.path()), "nothing is recorded yet");
        subject.record_in(dir.path()).unwrap();
        fs::write(&testee, "one").unwrap();
        let same = Subject::new("1", &testee, &["--deflate"]).unwrap();
        assert!(same.is_in(dir.path()));
        assert!(
            !Subject::new("2", &testee, &["--deflate"])
                .unwrap()
                .is_in(dir.path())
        );
        assert!(!Subject::new("1", &testee, &[]).unwrap().is_in(dir.path()));
        fs::write(&testee, "two").unwrap();
        let other = Subject::new("1", &testee, &["--deflate"]).unwrap();
        assert!(!other.is_in(dir.path()));
    }
}
