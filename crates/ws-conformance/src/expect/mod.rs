//! Expected verdicts: a file of the cases that may have another verdict than OK, each with a
//! reason.
//!
//! ```toml
//! [[expect]]
//! cases = "7.13.*"             # an id, or a pattern in which * is any text
//! behavior = "INFORMATIONAL"   # OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED,
//!                              # NOT APPLICABLE, FAILED
//! close = "INFORMATIONAL"      # OK, INFORMATIONAL, FAILED, UNCLEAN, WRONG CODE, FAILED BY CLIENT
//! reason = "why this is so"    # required
//! role = "server"              # optional: only where the testee is the server (or the client)
//! agent = "my-server*"         # optional: only for these testees
//! ```

mod assess;

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::case::CaseId;
use crate::case::pattern::{self, Pattern};
use crate::role::Role;
use crate::verdict::{Behavior, CloseBehavior, Verdict};

pub use assess::{Assessment, Counts, Deviation, Standard, Unexpected};

/// A name in reports and the part that the testee plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testee {
    /// The name in reports.
    pub agent: String,
    /// The role of the testee.
    pub role: Role,
}

/// The entries of a file.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    file: PathBuf,
    entries: Vec<Expectation>,
}

/// An entry: these cases have this verdict, for this reason.
#[derive(Clone, Debug)]
pub struct Expectation {
    line: usize,
    verdict: Verdict,
    reason: String,
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
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, and as [`parse`](Self::parse) does.
    pub fn load(file: &Path) -> Result<Self, ExpectError> {
        let text = fs::read_to_string(file).map_err(Fault::Unreadable);
        text.and_then(|text| parse_entries(&text))
            .map(|entries| Self {
                file: file.to_owned(),
                entries,
            })
            .map_err(|fault| ExpectError::new(file, fault))
    }

    /// Reads the text of a file with the name `file`.
    ///
    /// # Errors
    ///
    /// Fails if an entry has no reason, expects only OK, or names no existing case.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ExpectError> {
        let entries = parse_entries(text).map_err(|fault| ExpectError::new(file, fault))?;
        Ok(Self {
            file: file.to_owned(),
            entries,
        })
    }

    /// Returns the name of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The entry for a case of a testee, if there is one.
    pub fn find(&self, case: CaseId, testee: &Testee) -> Option<&Expectation> {
        self.entries
            .iter()
            .find(|entry| entry.applies(case, testee))
    }

    /// Refuses two entries for the same case of the same testee, because one would hide the other.
    /// Call it before a run, so that a mistake in the file does not waste a long run.
    ///
    /// # Errors
    ///
    /// Fails if there are two such entries.
    pub fn check_unambiguous(&self, cases: &[CaseId], testee: &Testee) -> Result<(), ExpectError> {
        for &case in cases {
            let mut applying = self.entries.iter().filter(|e| e.applies(case, testee));
            if let (Some(first), Some(second)) = (applying.next(), applying.next()) {
                let fault = Fault::Ambiguous {
                    lines: [first.line, second.line],
                    case,
                    agent: testee.agent.clone(),
                };
                return Err(ExpectError::new(&self.file, fault));
            }
        }
        Ok(())
    }
}

fn parse_entries(text: &str) -> Result<Vec<Expectation>, Fault> {
    let file: File = toml::from_str(text).map_err(|error| Fault::Syntax(error.into()))?;
    let entries = file.expect.into_iter();
    entries.map(|entry| Expectation::new(entry, text)).collect()
}

impl Expectation {
    fn new(entry: Entry, text: &str) -> Result<Self, Fault> {
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
            return Err(Fault::NoReason { line });
        }
        if expectation.verdict == Verdict::GOOD {
            return Err(Fault::Needless { line });
        }
        match pattern::check_known(&expectation.cases) {
            Ok(()) => Ok(expectation),
            Err(error) => Err(Fault::NoCase { line, error }),
        }
    }

    /// Returns the line of the entry's cases, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the expected verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn applies(&self, case: CaseId, testee: &Testee) -> bool {
        let agent = self.agent.as_ref();
        self.cases.matches(&case.to_string())
            && self.role.is_none_or(|role| role == testee.role)
            && agent.is_none_or(|agent| agent.matches(&testee.agent))
    }
}

/// A file of expectations that cannot be used.
#[derive(Debug)]
pub struct ExpectError {
    file: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    Unreadable(io::Error),
    Syntax(Box<toml::de::Error>),
    NoReason {
        line: usize,
    },
    Needless {
        line: usize,
    },
    NoCase {
        line: usize,
        error: pattern::SelectError,
    },
    Ambiguous {
        lines: [usize; 2],
        case: CaseId,
        agent: String,
    },
}

impl ExpectError {
    fn new(file: &Path, fault: Fault) -> Self {
        let file = file.to_owned();
        Self { file, fault }
    }
}

impl fmt::Display for ExpectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expectations in {}: ", self.file.display())?;
        match &self.fault {
            Fault::Unreadable(error) => write!(f, "{error}"),
            Fault::Syntax(error) => write!(f, "{}", error.to_string().trim_end()),
            Fault::NoReason { line } => write!(f, "line {line}: `reason` is missing"),
            Fault::Needless { line } => write!(f, "line {line}: OK needs no entry"),
            Fault::NoCase { line, error } => write!(f, "line {line}: {error}"),
            Fault::Ambiguous { lines, case, agent } => write!(
                f,
                "lines {} and {} are both about case {case} of {agent}; remove one",
                lines[0], lines[1]
            ),
        }
    }
}

impl Error for ExpectError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn testee(role: Role) -> Testee {
        let agent = format!("ws-tokio-{role}");
        Testee { agent, role }
    }

    fn id(text: &str) -> CaseId {
        text.parse().unwrap()
    }

    fn parse(entry: &str) -> Result<Expectations, ExpectError> {
        let text = format!("# comment\n[[expect]]\n{entry}\n");
        Expectations::parse(&text, Path::new("x.toml"))
    }

    const VERDICT: &str = "behavior = 'UNIMPLEMENTED'\nclose = 'OK'\n";

    #[test]
    fn an_entry_is_found_by_case_role_and_agent() {
        let by =
            |more: &str| parse(&format!("cases='12.*'\n{VERDICT}reason='later'\n{more}")).unwrap();
        let finds =
            |entry: &Expectations, case, role| entry.find(id(case), &testee(role)).is_some();
        let plain = by("");
        let found = plain.find(id("12.1.1"), &testee(Role::Server)).unwrap();
        assert_eq!((found.line(), found.reason()), (3, "later"));
        assert!(!finds(&plain, "13.1.1", Role::Server));

        let server = by("role='server'");
        assert!(finds(&server, "12.1.1", Role::Server));
        assert!(!finds(&server, "12.1.1", Role::Client));
        assert!(finds(&by("agent='ws-tokio-*'"), "12.1.1", Role::Client));
        assert!(!finds(&by("agent='tokio'"), "12.1.1", Role::Client));
    }

    #[test]
    fn mistakes_are_refused_with_their_line() {
        let refusal = |entry: &str| parse(entry).unwrap_err().to_string();
        let missing = refusal(&format!("cases='12.*'\n{VERDICT}"));
        assert_eq!(
            missing,
            "expectations in x.toml: line 3: `reason` is missing"
        );
        let blank = refusal(&format!("cases='12.*'\n{VERDICT}reason=' '"));
        assert_eq!(blank, missing);
        let good = "cases='1.1.1'\nbehavior='OK'\nclose='OK'\nreason='r'";
        assert!(refusal(good).ends_with("line 3: OK needs no entry"));
        let unknown = refusal(&format!("{VERDICT}cases='8.*'\nreason='r'"));
        assert!(
            unknown.contains("line 5: no case matches `8.*`"),
            "{unknown}"
        );
        assert!(refusal("cases='1.1.1'\nbehaviour='OK'").contains("behaviour"));
        assert!(refusal("cases='1.1.1'\nbehavior='GOOD'").contains("GOOD"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Expectations::load(Path::new("no/such.toml")).unwrap_err();
        assert!(error.to_string().contains("no/such.toml"), "{error}");
    }

    #[test]
    fn two_entries_for_one_case_are_refused() {
        let entry = |cases| format!("[[expect]]\ncases='{cases}'\n{VERDICT}reason='r'\n");
        let text = entry("12.*") + &entry("12.1.1");
        let both = Expectations::parse(&text, Path::new("x")).unwrap();
        let server = testee(Role::Server);
        assert!(both.check_unambiguous(&[id("12.1.2")], &server).is_ok());
        let refusal = both.check_unambiguous(&[id("12.1.2"), id("12.1.1")], &server);
        let refusal = refusal.unwrap_err().to_string();
        assert!(refusal.contains("lines 2 and 7"), "{refusal}");
    }
}
