//! The comparison of two folders as a page that needs no other file.

use std::io;

use askama::Template;

use super::file;
use super::verdicts::Mark;
use super::words::visible;
use crate::case::CaseId;
use crate::cases;
use crate::compare::{Change, Comparison, Difference};
use crate::verdict::Verdict;

/// The most rows. Further differences are only counted.
const MOST_ROWS: usize = 2000;

#[derive(Template)]
#[template(path = "comparison.html")]
struct ComparisonPage {
    style: &'static str,
    first: String,
    second: String,
    compared: usize,
    differences: usize,
    only_first: usize,
    only_second: usize,
    better: usize,
    worse: usize,
    rows: Vec<Row>,
}

struct Row {
    agent: String,
    case: CaseId,
    description: &'static str,
    first: [Mark; 2],
    second: [Mark; 2],
    /// The class and the word.
    change: (&'static str, String),
}

/// Returns the page about a comparison of two folders with these names.
pub fn to_html(comparison: &Comparison, first: &str, second: &str) -> io::Result<String> {
    let rows: Vec<_> = comparison.differences.iter().map(Row::new).collect();
    let page = ComparisonPage {
        style: file::STYLE.1,
        first: visible(first, 200),
        second: visible(second, 200),
        compared: comparison.compared,
        differences: rows.len(),
        only_first: comparison.only_first,
        only_second: comparison.only_second,
        better: comparison.count(Change::Better),
        worse: comparison.count(Change::Worse),
        rows: rows.into_iter().take(MOST_ROWS).collect(),
    };
    page.render().map_err(io::Error::other)
}

impl Row {
    fn new(difference: &Difference) -> Self {
        let marks = |verdict: Verdict| {
            [
                Mark::of_behavior(verdict.behavior),
                Mark::of_close_in_words(verdict.close),
            ]
        };
        let change = difference.change();
        Self {
            agent: visible(&difference.agent, 80),
            case: difference.case,
            description: cases::find(difference.case).map_or("", |case| case.description()),
            first: marks(difference.first),
            second: marks(difference.second),
            change: (class(change), change.to_string()),
        }
    }
}

/// Returns the class of a change.
fn class(change: Change) -> &'static str {
    match change {
        Change::Worse => "fail",
        Change::Different => "info",
        Change::Better => "pass",
    }
}
