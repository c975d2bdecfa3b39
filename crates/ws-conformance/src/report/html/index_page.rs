//! The index page: the results of every agent, the findings, and a matrix of all cases.

use std::time::SystemTime;

use askama::Template;

use super::site::{Agent, CaseResult, Site};
use super::verdicts::{self, Mark, Tally};
use super::words::grouped;
use crate::case::CaseId;
use crate::cases;
use crate::timestamp;
use crate::verdict::Behavior;

/// The most findings. The matrix has the others.
const MOST_FINDINGS: usize = 500;
/// The most findings that are visible without unfolding.
const FINDINGS_IN_SIGHT: usize = 30;
/// The width of an agent's bar.
const BAR: usize = 1000;
/// The most agents of a matrix that does not scroll within its own frame.
const NARROW: usize = 3;

#[derive(Template)]
#[template(path = "index.html")]
pub(super) struct IndexPage {
    written: String,
    version: &'static str,
    cases: String,
    cards: Vec<Card>,
    /// The visible findings, and the folded ones.
    findings: (Vec<Finding>, Vec<Finding>),
    findings_cut: usize,
    groups: Vec<Group>,
    wide: bool,
}

/// The summary of an agent.
struct Card {
    name: String,
    role: &'static str,
    strict: usize,
    run: usize,
    badge: String,
    kinds: Vec<(&'static str, &'static str, usize)>,
    /// The number of cases of the original suite without a result.
    not_run: usize,
    bars: Vec<Bar>,
}

/// A part of the bar of an agent.
struct Bar {
    class: &'static str,
    start: usize,
    width: usize,
}

/// An unexpected result.
struct Finding {
    case: CaseId,
    agent: String,
    agent_number: usize,
    page: Option<String>,
    description: String,
    behavior: Mark,
    close: Mark,
    what: Vec<String>,
}

struct Group {
    number: u8,
    title: &'static str,
    /// The number of strict results for each agent.
    scores: Vec<(String, &'static str)>,
    rows: Vec<Row>,
}

struct Row {
    case: CaseId,
    /// The title of the family, for the search.
    title: &'static str,
    description: String,
    /// `true` if agents have different verdicts.
    differs: bool,
    cells: Vec<Cell>,
}

struct Cell {
    page: Option<String>,
    overall: &'static str,
    behavior: Mark,
    close: Option<Mark>,
    figures: Vec<String>,
}

impl IndexPage {
    pub(super) fn new(site: &Site) -> Self {
        let mut findings = findings(site);
        let findings_cut = findings.len().saturating_sub(MOST_FINDINGS);
        findings.truncate(MOST_FINDINGS);
        let rest = findings.split_off(findings.len().min(FINDINGS_IN_SIGHT));
        Self {
            written: now(),
            version: env!("CARGO_PKG_VERSION"),
            cases: grouped(site.cases.len() as u64),
            cards: site.agents.iter().map(Card::new).collect(),
            findings: (findings, rest),
            findings_cut,
            groups: groups(site),
            wide: site.agents.len() > NARROW,
        }
    }
}

/// Returns the time to the minute, for people.
fn now() -> String {
    let now = timestamp::to_text(SystemTime::now());
    now.get(..16).unwrap_or(&now).replace('T', " ") + " UTC"
}

impl Card {
    fn new(agent: &Agent) -> Self {
        let (tally, not_run) = (agent.tally(), agent.not_run());
        let kinds = tally.kinds().into_iter().filter(|(_, _, count)| *count > 0);
        Self {
            name: agent.name.clone(),
            // A name may mention the role, as in `echo (server)`.
            role: match agent.name.contains(agent.role()) {
                true => "",
                false => agent.role(),
            },
            strict: tally.strict(),
            run: tally.run(),
            badge: agent.badge.clone(),
            bars: bars(&tally, not_run),
            not_run,
            kinds: kinds.collect(),
        }
    }
}

/// Returns the parts of a bar. A part that is not empty is wide enough to be visible.
fn bars(tally: &Tally, not_run: usize) -> Vec<Bar> {
    let kinds = tally.kinds().into_iter();
    let kinds = kinds.chain([("not run", "missing", not_run)]);
    let all: usize = kinds.clone().map(|(_, _, count)| count).sum();
    let mut start = 0;
    let mut bars = Vec::new();
    for (_, class, count) in kinds {
        if count > 0 {
            let width = (count * BAR / all).max(BAR / 100);
            bars.push(Bar {
                class,
                start,
                width,
            });
            start += width;
        }
    }
    bars
}

fn findings(site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (agent_number, agent) in site.agents.iter().enumerate() {
        for (&case, result) in &agent.results {
            let overall = result.entry.verdict.overall();
            let bad = matches!(overall, Behavior::Failed | Behavior::NonStrict);
            if bad || result.entry.is_unstable() {
                let finding = Finding::new(case, agent, agent_number, result);
                findings.push((overall != Behavior::Failed, finding));
            }
        }
    }
    findings.sort_by_key(|(allowed, finding)| (*allowed, finding.case, finding.agent_number));
    findings.into_iter().map(|(_, finding)| finding).collect()
}

impl Finding {
    fn new(case: CaseId, agent: &Agent, agent_number: usize, result: &CaseResult) -> Self {
        let behavior = Mark::of_behavior(result.entry.verdict.behavior);
        let close = Mark::of_close(&result.entry);
        // A correct result needs no words.
        let sentences = [(&behavior, &result.result), (&close, &result.result_close)];
        let sentences = sentences
            .into_iter()
            .filter(|(mark, text)| mark.class != "pass" && !text.is_empty());
        let mut what: Vec<_> = sentences.map(|(_, text)| text.clone()).collect();
        let first = result.entry.first_run;
        if let Some(first) = first.filter(|_| result.entry.is_unstable()) {
            what.push(format!("Unstable: the first run was {first}."));
        }
        what.extend(
            result
                .violations
                .iter()
                .map(|it| format!("Violation: {it}.")),
        );
        Self {
            case,
            agent: agent.name.clone(),
            agent_number,
            page: result.page.clone(),
            description: result.description.clone(),
            behavior,
            close,
            what,
        }
    }
}

fn groups(site: &Site) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &case in &site.cases {
        if groups
            .last()
            .is_none_or(|group| group.number != case.group())
        {
            groups.push(Group::new(site, case.group()));
        }
        let rows = groups.last_mut().map(|group| &mut group.rows);
        rows.into_iter()
            .for_each(|rows| rows.push(Row::new(site, case)));
    }
    groups
}

impl Group {
    fn new(site: &Site, number: u8) -> Self {
        let score = |agent: &Agent| {
            let tally = agent.tally_of(number);
            let class = match tally.fail {
                0 if tally.strict() == tally.run() => "pass",
                0 => "nonstrict",
                _ => "fail",
            };
            match tally.run() {
                0 => ("–".to_owned(), "missing"),
                run => (format!("{} / {run}", tally.strict()), class),
            }
        };
        Self {
            number,
            title: cases::group_title(number).unwrap_or("More cases"),
            scores: site.agents.iter().map(score).collect(),
            rows: Vec::new(),
        }
    }
}

impl Row {
    fn new(site: &Site, case: CaseId) -> Self {
        let results: Vec<_> = site
            .agents
            .iter()
            .map(|agent| agent.results.get(&case))
            .collect();
        let mut there = results.iter().flatten();
        let described = there.next();
        let verdict = |result: &CaseResult| result.entry.verdict;
        let differs = there.any(|it| Some(verdict(it)) != described.map(|it| verdict(it)));
        Self {
            case,
            title: cases::find(case).map_or("", |case| case.title()),
            description: described.map_or_else(String::new, |it| it.description.clone()),
            differs,
            cells: results.into_iter().map(Cell::new).collect(),
        }
    }
}

impl Cell {
    fn new(result: Option<&CaseResult>) -> Self {
        let Some(result) = result else {
            return Self {
                page: None,
                overall: "missing",
                behavior: Mark::missing(),
                close: None,
                figures: Vec::new(),
            };
        };
        Self {
            page: result.page.clone(),
            overall: verdicts::overall(result.entry.verdict),
            behavior: Mark::of_behavior(result.entry.verdict.behavior),
            close: Some(Mark::of_close(&result.entry)),
            figures: result.figures.clone(),
        }
    }
}
