//! The comparison of two folders as a page that needs no other file.

use std::io;

use askama::Template;

use super::file;
use super::verdicts::Mark;
use super::words::visible;
use crate::case::CaseId;
use crate::cases;
use crate::compare::{Comparison, Difference};
use crate::verdict::{Behavior, Verdict};

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
    change: (&'static str, &'static str),
}

/// Returns the page about a comparison of two folders with these names.
pub fn to_html(comparison: &Comparison, first: &str, second: &str) -> io::Result<String> {
    let rows: Vec<_> = comparison.differences.iter().map(Row::new).collect();
    let count = |class: &str| rows.iter().filter(|row| row.change.0 == class).count();
    let page = ComparisonPage {
        style: file::STYLE.1,
        first: visible(first, 200),
        second: visible(second, 200),
        compared: comparison.compared,
        differences: rows.len(),
        only_first: comparison.only_first,
        only_second: comparison.only_second,
        better: count("pass"),
        worse: count("fail"),
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
        Self {
            agent: visible(&difference.agent, 80),
            case: difference.case,
            description: cases::find(difference.case).map_or("", |case| case.description()),
            first: marks(difference.first),
            second: marks(difference.second),
            change: change(difference.first, difference.second),
        }
    }
}

/// Returns the class and the word of a change.
fn change(first: Verdict, second: Verdict) -> (&'static str, &'static str) {
    match rank(second).cmp(&rank(first)) {
        std::cmp::Ordering::Less => ("fail", "worse"),
        std::cmp::Ordering::Equal => ("info", "different"),
        std::cmp::Ordering::Greater => ("pass", "better"),
    }
}

/// Returns the rank of a verdict. The best verdicts have the highest rank.
fn rank(verdict: Verdict) -> u8 {
    match verdict.overall() {
        Behavior::Failed => 0,
        Behavior::Unimplemented | Behavior::NotApplicable => 1,
        Behavior::NonStrict => 2,
        Behavior::Informational | Behavior::Ok => 3,
    }
}
