//! All that the pages of a folder are made from: the index and, of each case's file, what the index
//! page shows.

use std::collections::{BTreeMap, BTreeSet};

use super::file;
use super::statistics;
use super::stored::Stored;
use super::verdicts::Tally;
use super::words::{grouped, prose, visible};
use crate::case::CaseId;
use crate::cases;
use crate::report::{Entry, Index, Results};

/// Characters of an agent's name. It comes from a header of the testee.
const MOST_NAME: usize = 80;
/// Characters of a description or a result where many stand in a list.
const MOST_SHORT: usize = 200;

/// The folder.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) agents: Vec<Agent>,
    /// Every case that any agent has.
    pub(super) cases: BTreeSet<CaseId>,
}

/// What a testee did.
#[derive(Debug)]
pub(super) struct Agent {
    /// As the index has it.
    pub(super) key: String,
    /// Fit for a page.
    pub(super) name: String,
    /// The part that the testee played, where its files say it.
    pub(super) is_client: Option<bool>,
    pub(super) results: BTreeMap<CaseId, CaseResult>,
    pub(super) badge: String,
}

/// What came of one case.
#[derive(Debug)]
pub(super) struct CaseResult {
    pub(super) entry: Entry,
    pub(super) page: Option<String>,
    pub(super) description: String,
    pub(super) result: String,
    pub(super) result_close: String,
    pub(super) violations: Vec<String>,
    /// Duration and compression ratios, if the case is about them.
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

    /// The results that each agent has of the cases that any agent has.
    pub(super) fn tally(&self, agent: &Agent, group: Option<u8>) -> Tally {
        let cases = self.cases.iter();
        let cases = cases.filter(|case| group.is_none_or(|group| case.group() == group));
        Tally::of(cases.map(|case| agent.results.get(case).map(|result| result.entry.verdict)))
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

    /// What it is, for people.
    pub(super) fn role(&self) -> &'static str {
        match self.is_client {
            Some(true) => "client",
            Some(false) => "server",
            None => "",
        }
    }

    pub(super) fn tally(&self) -> Tally {
        let verdicts = self.results.values().map(|result| result.entry.verdict);
        Tally::of(verdicts.map(Some))
    }

    /// How many cases of the original suite it did not get, if it got any.
    pub(super) fn left_out(&self) -> usize {
        let all = cases::all();
        let missing = all
            .iter()
            .filter(|case| !self.results.contains_key(&case.id()));
        Some(missing.count())
            .filter(|count| *count < all.len())
            .unwrap_or(0)
    }

    /// Takes in what the file of a case says.
    pub(super) fn learn(&mut self, case: CaseId, stored: &Stored) {
        self.is_client = self.is_client.or(stored.is_server);
        if let Some(result) = self.results.get_mut(&case) {
            result.learn(stored);
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
            figures: Vec::new(),
        }
    }

    fn learn(&mut self, stored: &Stored) {
        if self.description.is_empty() {
            self.description = prose(&stored.description, MOST_SHORT);
        }
        self.result = prose(&stored.result, MOST_SHORT);
        self.result_close = prose(&stored.result_close, MOST_SHORT);
        let violations = stored.violations.iter().take(3);
        self.violations = violations.map(|it| visible(it, MOST_SHORT)).collect();
        let duration = milliseconds(self.entry.duration).filter(|_| stored.report_time);
        self.figures = duration.into_iter().collect();
        if stored.report_compression_ratio {
            self.figures.extend(statistics::ratios(stored));
        }
    }
}

/// A duration. The original has the time since 1970 there if a connection was never open.
pub(super) fn milliseconds(duration: u64) -> Option<String> {
    const DAY: u64 = 86_400_000;
    (duration < DAY).then(|| format!("{} ms", grouped(duration)))
}
