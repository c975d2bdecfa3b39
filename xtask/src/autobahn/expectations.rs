//! `autobahn/expectations.toml`: which cases may have another verdict than OK, and why.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

use super::cases::{self, CaseId, Pattern};
use super::plan::{Role, Run};
use super::verdict::{Behavior, CloseBehavior, Verdict};

/// All lines of the file.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    lines: Vec<Expectation>,
}

/// One entry: these cases have this verdict, for this reason.
#[derive(Debug)]
pub(crate) struct Expectation {
    /// Where the entry names its cases, counted from 1.
    pub(crate) line: usize,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    cases: Pattern,
    role: Option<Role>,
    agent: Option<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expect: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    cases: Spanned<String>,
    role: Option<Role>,
    agent: Option<String>,
    behavior: Behavior,
    close: CloseBehavior,
    #[serde(default)]
    reason: String,
}

impl Expectations {
    /// Reads the file.
    pub(crate) fn load(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file);
        text.map_err(anyhow::Error::from)
            .and_then(|text| Self::parse(&text))
            .with_context(|| format!("expectations in {}", file.display()))
    }

    /// Reads the text of the file. Every entry needs a reason, a verdict that differs from OK,
    /// and at least one case that exists.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let lines = file
            .expect
            .into_iter()
            .map(|entry| Expectation::new(entry, text));
        Ok(Self {
            lines: lines.collect::<Result<_>>()?,
        })
    }

    /// The entry for a case of a run, if there is one.
    pub(crate) fn find(&self, case: CaseId, run: &Run) -> Option<&Expectation> {
        self.lines.iter().find(|line| line.applies(case, run))
    }

    /// Refuses two entries for the same case of the same run: one would hide the other. Called
    /// before a run, so that a long one does not end in a mistake in this file.
    pub(crate) fn check_unambiguous(&self, cases: &[CaseId], runs: &[Run]) -> Result<()> {
        for run in runs {
            for case in cases {
                let mut applying = self.lines.iter().filter(|line| line.applies(case, run));
                if let (Some(first), Some(second)) = (applying.next(), applying.next()) {
                    bail!(
                        "expectations: lines {} and {} both speak of case {case} of {}",
                        first.line,
                        second.line,
                        run.agent,
                    );
                }
            }
        }
        Ok(())
    }
}

impl Expectation {
    fn new(entry: Entry, text: &str) -> Result<Self> {
        let line = 1 + text[..entry.cases.span().start].matches('\n').count();
        let expectation = Self {
            line,
            verdict: Verdict {
                behavior: entry.behavior,
                close: entry.close,
            },
            reason: entry.reason.trim().to_owned(),
            cases: Pattern::new(entry.cases.get_ref()),
            role: entry.role,
            agent: entry.agent.as_deref().map(Pattern::new),
        };
        if expectation.reason.is_empty() {
            bail!("line {line}: `reason` is missing");
        }
        if expectation.verdict == Verdict::GOOD {
            bail!("line {line}: OK needs no entry");
        }
        if !cases::all().any(|case| expectation.cases.matches(case)) {
            bail!("line {line}: no case matches `{}`", entry.cases.get_ref());
        }
        Ok(expectation)
    }

    fn applies(&self, case: &str, run: &Run) -> bool {
        self.cases.matches(case)
            && self.role.is_none_or(|role| role == run.role)
            && self
                .agent
                .as_ref()
                .is_none_or(|agent| agent.matches(&run.agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Runtime;

    fn run(role: Role) -> Run {
        Run::new(Runtime::Tokio, role)
    }

    fn parse(entry: &str) -> Result<Expectations> {
        Expectations::parse(&format!("# comment\n[[expect]]\n{entry}\n"))
    }

    const VERDICT: &str = "behavior = 'UNIMPLEMENTED'\nclose = 'OK'\n";

    #[test]
    fn an_entry_is_found_by_case_role_and_agent() {
        let by = |more: &str| parse(&format!("cases='12.*'\n{VERDICT}reason='later'\n{more}"));
        let plain = by("").unwrap();
        let found = plain.find("12.1.1", &run(Role::Server)).unwrap();
        assert_eq!((found.line, found.reason.as_str()), (3, "later"));
        assert!(plain.find("13.1.1", &run(Role::Server)).is_none());

        let server = by("role='server'").unwrap();
        assert!(server.find("12.1.1", &run(Role::Server)).is_some());
        assert!(server.find("12.1.1", &run(Role::Client)).is_none());

        let agent = by("agent='ws-tokio-*'").unwrap();
        assert!(agent.find("12.1.1", &run(Role::Client)).is_some());
        assert!(
            by("agent='tokio'")
                .unwrap()
                .find("12.1.1", &run(Role::Client))
                .is_none()
        );
    }

    #[test]
    fn mistakes_are_refused_with_their_line() {
        let refusal = |entry: &str| parse(entry).unwrap_err().to_string();
        let missing = refusal(&format!("cases='12.*'\n{VERDICT}"));
        assert_eq!(missing, "line 3: `reason` is missing");
        let blank = refusal(&format!("cases='12.*'\n{VERDICT}reason=' '"));
        assert_eq!(blank, missing);
        let good = "cases='1.1.1'\nbehavior='OK'\nclose='OK'\nreason='r'";
        assert_eq!(refusal(good), "line 3: OK needs no entry");
        let unknown = refusal(&format!("{VERDICT}cases='8.*'\nreason='r'"));
        assert_eq!(unknown, "line 5: no case matches `8.*`");
        assert!(refusal("cases='1.1.1'\nbehaviour='OK'").contains("behaviour"));
        assert!(refusal("cases='1.1.1'\nbehavior='GOOD'").contains("GOOD"));
    }

    #[test]
    fn two_entries_for_one_case_are_refused() {
        let entry = |cases| format!("[[expect]]\ncases='{cases}'\n{VERDICT}reason='r'\n");
        let both = Expectations::parse(&(entry("12.*") + &entry("12.1.1"))).unwrap();
        let runs = [run(Role::Server)];
        assert!(both.check_unambiguous(&["12.1.2"], &runs).is_ok());
        let refusal = both
            .check_unambiguous(&["12.1.2", "12.1.1"], &runs)
            .unwrap_err();
        assert!(refusal.to_string().contains("lines 2 and 7"), "{refusal}");
    }

    #[test]
    fn the_file_of_this_project_is_sound() {
        let file = crate::project::root().join("autobahn/expectations.toml");
        let expectations = Expectations::load(&file).unwrap();
        let cases: Vec<_> = cases::all().collect();
        let runs = [run(Role::Server), run(Role::Client)];
        expectations.check_unambiguous(&cases, &runs).unwrap();
        for always in ["7.1.6", "7.13.1", "7.13.2"] {
            let expectation = expectations.find(always, &runs[0]).unwrap();
            assert_eq!(expectation.verdict.behavior, Behavior::Informational);
        }
    }
}
