//! The data of a folder's pages: the index, and the parts of each case's file that the index page
//! shows.

use std::collections::{BTreeMap, BTreeSet};

use super::file;
use super::statistics;
use super::stored::Stored;
use super::verdicts::Tally;
use super::words::{grouped, prose, visible};
use crate::case::{CaseId, Set};
use crate::cases;
use crate::report::{Entry, Index, Results};

/// The most characters of an agent's name, which comes from a header of the testee.
const MOST_NAME: usize = 80;
/// The most characters of a description or a result in a list.
const MOST_SHORT: usize = 200;

/// The folder.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) agents: Vec<Agent>,
    /// The cases that any agent has.
    pub(super) cases: BTreeSet<CaseId>,
}

/// The results of a testee.
#[derive(Debug)]
pub(super) struct Agent {
    /// The name in the index.
    pub(super) key: String,
    /// The name for pages.
    pub(super) name: String,
    /// `true` for a client; `None` if the files do not mention the role.
    pub(super) is_client: Option<bool>,
    pub(super) results: BTreeMap<CaseId, CaseResult>,
    pub(super) badge: String,
}

/// The result of a case.
#[derive(Debug)]
pub(super) struct CaseResult {
    pub(super) entry: Entry,
    pub(super) page: Option<String>,
    pub(super) description: String,
    pub(super) result: String,
    pub(super) result_close: String,
    pub(super) violations: Vec<String>,
    /// Remarks, such as the duration and the compression ratios, if the case measures them.
    pub(super) figures: Vec<String>,
}

impl Site {
    pub(super) fn new(index: &Index) -> Self {
        let agents = index
            .agents()
            .iter()
            .filter(|(_, results)| !results.is_empty());
        let agents: Vec<_> = agents
            .map(|(key, results)| Agent::new(key, results))
            .collect();
        let cases = agents.iter().flat_map(|agent| agent.results.keys());
        Self {
            cases: cases.copied().collect(),
            agents,
        }
    }
}

impl Agent {
    fn new(key: &str, results: &Results) -> Self {
        let result = |(&case, entry): (&CaseId, &Entry)| (case, CaseResult::new(case, entry));
        Self {
            key: key.to_owned(),
            name: visible(key, MOST_NAME).replace('\n', " "),
            is_client: None,
            results: results.iter().map(result).collect(),
            badge: file::badge(results),
        }
    }

    /// Returns the role for people.
    pub(super) fn role(&self) -> &'static str {
        match self.is_client {
            Some(true) => "client",
            Some(false) => "server",
            None => "",
        }
    }

    /// Returns the number of results of each kind.
    pub(super) fn tally(&self) -> Tally {
        Tally::of(self.results.values().map(|result| &result.entry))
    }

    /// Returns the number of results of each kind in a group.
    pub(super) fn tally_of(&self, group: u8) -> Tally {
        let results = self.results.iter();
        let results = results.filter(|(case, _)| case.group() == group);
        Tally::of(results.map(|(_, result)| &result.entry))
    }

    /// Returns the number of cases of the original suite without a result. Returns 0 if none of
    /// the set has a result.
    pub(super) fn not_run(&self) -> usize {
        let original = cases::of_set(Set::Original);
        let (run, not_run): (Vec<_>, Vec<_>) =
            original.partition(|case| self.results.contains_key(&case.id()));
        match run.is_empty() {
            true => 0,
            false => not_run.len(),
        }
    }

    /// Adds the contents of a case's file.
    pub(super) fn add_details(&mut self, case: CaseId, stored: &Stored) {
        self.is_client = self.is_client.or(stored.is_server);
        if let Some(result) = self.results.get_mut(&case) {
            result.add_details(stored);
        }
    }
}

impl CaseResult {
    fn new(case: CaseId, entry: &Entry) -> Self {
        let description = cases::find(case).map_or("", |case| case.description());
        Self {
            entry: entry.clone(),
            page: file::case_page(entry, case),
            description: prose(description, MOST_SHORT),
            result: String::new(),
            result_close: String::new(),
            violations: Vec::new(),
            figures: Vec::from_iter(entry.is_unstable().then(|| "unstable".to_owned())),
        }
    }

    fn add_details(&mut self, stored: &Stored) {
        if self.description.is_empty() {
            self.description = prose(&stored.description, MOST_SHORT);
        }
        self.result = prose(&stored.result, MOST_SHORT);
        self.result_close = prose(&stored.result_close, MOST_SHORT);
        let violations = stored.violations.iter().take(3);
        self.violations = violations.map(|it| visible(it, MOST_SHORT)).collect();
        let duration = milliseconds(self.entry.duration).filter(|_| stored.report_time);
        self.figures.extend(duration);
        if stored.report_compression_ratio {
            self.figures.extend(statistics::ratios(stored));
        }
    }
}

/// Returns a duration as text. The original stores the time since 1970 if a connection was never
/// open.
pub(super) fn milliseconds(duration: u64) -> Option<String> {
    const DAY: u64 = 86_400_000;
    (duration < DAY).then(|| format!("{} ms", grouped(duration)))
}
