//! The page of a case of an agent.

use askama::Template;

use super::closing::{self, Fact};
use super::events::{self, Comparison, Shown};
use super::rules::Section;
use super::site::{Agent, CaseResult, Site, milliseconds};
use super::statistics::{self, Table};
use super::stored::{FirstRun, Stored};
use super::verdicts::{self, Mark};
use super::wire::{self, Line};
use super::words::{prose, visible};
use crate::case::{Case, CaseId};
use crate::cases;
use crate::verdict::{Behavior, CloseBehavior, Verdict};

/// The most characters of a text of several lines.
const MOST_PROSE: usize = 4000;
/// The most characters of the head of a request or response.
const MOST_HEAD: usize = 16_000;
/// The most links to other agents.
const MOST_LINKS: usize = 50;
const MOST_VIOLATIONS: usize = 100;

#[derive(Template)]
#[template(path = "case.html")]
pub(super) struct CasePage<'a> {
    case: CaseId,
    title: &'static str,
    group: (u8, &'static str),
    agent: &'a str,
    role: &'static str,
    overall: &'static str,
    behavior: Mark,
    close: Mark,
    /// `true` if two runs of the case had different verdicts.
    unstable: bool,
    previous: Option<Neighbor>,
    next: Option<Neighbor>,
    others: Vec<Neighbor>,
    json: &'a str,
    details: Option<Details>,
}

/// A link to another page.
struct Neighbor {
    name: String,
    page: String,
    class: &'static str,
}

/// The contents of the case's file.
struct Details {
    description: String,
    expectation: String,
    level: Option<String>,
    rules: Vec<Section>,
    result: String,
    result_close: String,
    violations: Vec<String>,
    violations_cut: usize,
    comparisons: Vec<Comparison>,
    observed: (Vec<Shown>, usize),
    /// `true` if the case failed although the reported events are as expected.
    differs_unseen: bool,
    wanted_close: Option<String>,
    facts: Vec<Fact>,
    started: String,
    duration: Option<String>,
    seed: Option<u64>,
    replay: Option<String>,
    handshake: [(&'static str, String); 2],
    traffic: Vec<[String; 3]>,
    tables: Vec<Table>,
    log_was_off: bool,
    wirelog: Vec<Line>,
    first_run: Option<First>,
}

/// The first run of a case that ran twice.
struct First {
    behavior: Mark,
    close: Mark,
    /// The observations, one line for each fact.
    facts: Vec<String>,
    wirelog: Vec<Line>,
}

impl First {
    fn new(run: &FirstRun) -> Self {
        let violations = run.violations.iter().take(MOST_VIOLATIONS);
        let violations = violations.map(|it| format!("Violation: {}.", visible(it, MOST_PROSE)));
        let results = [&run.result, &run.result_close].map(|text| prose(text, MOST_PROSE));
        let facts = results.into_iter().chain(violations);
        Self {
            behavior: Mark::of_behavior(run.verdict.behavior),
            close: Mark::of_close_in_words(run.verdict.close),
            facts: facts.filter(|text| !text.is_empty()).collect(),
            wirelog: wire::lines(&run.wirelog, run.dropped_by_me),
        }
    }
}

impl<'a> CasePage<'a> {
    /// Creates the page. `stored` is `None` if the file of the case cannot be read.
    pub(super) fn new(
        site: &'a Site,
        agent: &'a Agent,
        case: CaseId,
        result: &'a CaseResult,
        stored: Option<&Stored>,
    ) -> Self {
        let verdict = result.entry.verdict;
        let (before, after) = (agent.results.range(..case), agent.results.range(case..));
        let client = stored.and_then(|stored| stored.is_server);
        Self {
            case,
            title: cases::find(case).map_or("", |case| case.title()),
            group: (
                case.group(),
                cases::group_title(case.group()).unwrap_or("More cases"),
            ),
            agent: &agent.name,
            role: match client {
                Some(true) => "client",
                Some(false) => "server",
                None => "",
            },
            overall: verdicts::overall(verdict),
            behavior: Mark::of_behavior(verdict.behavior),
            close: Mark::of_close_in_words(verdict.close),
            unstable: result.entry.is_unstable(),
            previous: before.rev().find_map(neighbor),
            next: after.skip(1).find_map(neighbor),
            others: others(site, agent, case),
            json: &result.entry.reportfile,
            details: stored.map(|stored| Details::new(stored, case, result)),
        }
    }
}

fn neighbor((case, result): (&CaseId, &CaseResult)) -> Option<Neighbor> {
    Some(Neighbor {
        name: case.to_string(),
        page: result.page.clone()?,
        class: verdicts::overall(result.entry.verdict),
    })
}

/// Returns links to the same case of other agents.
fn others(site: &Site, agent: &Agent, case: CaseId) -> Vec<Neighbor> {
    let others = site.agents.iter().filter(|other| other.key != agent.key);
    let links = others.filter_map(|other| {
        let result = other.results.get(&case)?;
        Some(Neighbor {
            name: other.name.clone(),
            ..neighbor((&case, result))?
        })
    });
    links.take(MOST_LINKS).collect()
}

impl Details {
    fn new(stored: &Stored, case: CaseId, result: &CaseResult) -> Self {
        let comparisons = events::comparisons(stored);
        // A wrong close code can be the reason why a case failed although its events are as
        // expected.
        let Verdict { behavior, close } = result.entry.verdict;
        let failed = behavior == Behavior::Failed && close == CloseBehavior::Ok;
        let seems_good = comparisons
            .iter()
            .any(|it| it.is_match && it.verdict == "OK");
        let violations = stored.violations.iter().take(MOST_VIOLATIONS);
        Self {
            description: prose(&stored.description, MOST_PROSE),
            expectation: prose(&stored.expectation, MOST_PROSE),
            level: stored.level.as_deref().map(|level| visible(level, 40)),
            rules: sections(stored, case),
            result: prose(&stored.result, MOST_PROSE),
            result_close: prose(&stored.result_close, MOST_PROSE),
            violations: violations.map(|it| visible(it, MOST_PROSE)).collect(),
            violations_cut: stored.violations.len().saturating_sub(MOST_VIOLATIONS),
            differs_unseen: failed && seems_good,
            comparisons,
            observed: events::observed(stored),
            wanted_close: closing::wanted(&stored.expected_close),
            facts: closing::facts(stored),
            started: visible(&stored.started, 40),
            duration: milliseconds(result.entry.duration),
            seed: stored.seed,
            replay: stored
                .replay
                .as_deref()
                .map(|line| visible(line, MOST_PROSE)),
            handshake: handshake(stored),
            traffic: statistics::traffic(stored),
            tables: statistics::tables(stored),
            log_was_off: stored.create_wirelog == Some(false),
            wirelog: wire::lines(&stored.wirelog, stored.dropped_by_me),
            first_run: stored.first_run.as_ref().map(First::new),
        }
    }
}

fn sections(stored: &Stored, case: CaseId) -> Vec<Section> {
    if stored.rfc.is_empty() {
        let case = cases::find(case).into_iter();
        return case.flat_map(Case::sections).map(Section::parse).collect();
    }
    let named = stored.rfc.iter().take(10);
    named
        .map(|name| Section::parse(&visible(name, 40)))
        .collect()
}

fn handshake(stored: &Stored) -> [(&'static str, String); 2] {
    let head = |text: &str| match text {
        "" | "?" => "There was none.".to_owned(),
        text => visible(text, MOST_HEAD).trim_end().to_owned(),
    };
    [
        ("Request", head(&stored.http_request)),
        ("Response", head(&stored.http_response)),
    ]
}
