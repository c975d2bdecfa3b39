//! The report of the attacks.

use std::env;
use std::fmt;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

use anyhow::Error;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};

use super::finding::Finding;
use ws_test_programs::runtime::Runtime;

/// The findings of an attack, also if it broke off.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) findings: Vec<Finding>,
    /// The reason why it was not possible.
    error: Option<String>,
}

impl Shown {
    /// Creates the findings of a complete attack.
    pub(crate) fn all(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            error: None,
        }
    }

    /// Creates the findings of an attack with a single finding.
    pub(crate) fn only(finding: Finding) -> Self {
        Self::all(vec![finding])
    }

    /// Creates the findings of an attack that broke off.
    pub(crate) fn broken(error: &Error) -> Self {
        Self {
            findings: Vec::new(),
            error: Some(format!("{error:#}")),
        }
    }

    /// Returns `true` if the attack was complete, and all figures are within bounds.
    pub(crate) fn is_whole(&self) -> bool {
        self.error.is_none() && self.holds()
    }

    fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.holds)
    }
}

/// The result of one attack.
pub(crate) struct Report {
    runtime: Runtime,
    attack: &'static str,
    shown: Shown,
    took: Duration,
}

impl Report {
    pub(crate) fn new(
        runtime: Runtime,
        attack: &'static str,
        shown: Shown,
        took: Duration,
    ) -> Self {
        Self {
            runtime,
            attack,
            shown,
            took,
        }
    }

    /// Returns `true` if all figures are within their bounds.
    pub(crate) fn holds(&self) -> bool {
        self.shown.holds()
    }

    /// Returns the reason why the attack was not possible.
    pub(crate) fn error(&self) -> Option<&str> {
        self.shown.error.as_deref()
    }

    /// Returns a row for each finding. The first row names server and attack.
    fn rows(&self) -> Vec<[Cell; 7]> {
        let broken = self.error().map(|_| Row {
            what: "attack",
            figure: "broke off",
            bound: "",
            verdict: Some(Verdict::NotDone),
        });
        let findings = self.shown.findings.iter().map(Row::from);
        let took = format!("{:.1} s", self.took.as_secs_f64());
        let mut head = Some((self.runtime.echo_server(), self.attack, took));
        broken
            .into_iter()
            .chain(findings)
            .map(|row| {
                let (server, attack, took) = head.take().unwrap_or_default();
                [
                    Cell::new(server),
                    Cell::new(attack),
                    Cell::new(row.what),
                    Cell::new(row.figure),
                    Cell::new(row.bound),
                    row.verdict.map_or(Cell::new(""), Verdict::cell),
                    Cell::new(took),
                ]
            })
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.attack, self.runtime.echo_server())
    }
}

/// One figure.
struct Row<'a> {
    what: &'a str,
    figure: &'a str,
    bound: &'a str,
    verdict: Option<Verdict>,
}

impl<'a> From<&'a Finding> for Row<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            what: &finding.what,
            figure: &finding.figure,
            bound: &finding.bound,
            verdict: match (finding.holds, finding.bound.is_empty()) {
                (false, _) => Some(Verdict::Breach),
                (true, false) => Some(Verdict::Ok),
                (true, true) => None,
            },
        }
    }
}

#[derive(Clone, Copy)]
enum Verdict {
    Ok,
    Breach,
    /// The figure is unknown.
    NotDone,
}

impl Verdict {
    fn cell(self) -> Cell {
        let alarming = |word| {
            Cell::new(word)
                .fg(Color::Red)
                .add_attribute(Attribute::Bold)
        };
        match self {
            Self::Ok => Cell::new("ok"),
            Self::Breach => alarming("BREACH"),
            Self::NotDone => alarming("NOT DONE"),
        }
    }
}

/// Returns all figures of all attacks on all servers.
pub(crate) fn table(reports: &[Report]) -> Table {
    let color = env::var_os("NO_COLOR").is_none() && stdout().is_terminal();
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header([
        "server", "attack", "what", "figure", "bound", "verdict", "time",
    ]);
    if !color {
        table.force_no_tty();
    }
    for row in reports.iter().flat_map(Report::rows) {
        table.add_row(row);
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        if matches!(at, 3 | 4 | 6) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(shown: Shown) -> Report {
        Report::new(
            Runtime::Smol,
            "announced",
            shown,
            Duration::from_millis(1500),
        )
    }

    fn rows(report: Report) -> Vec<Vec<String>> {
        let shown = table(&[report]).to_string();
        let rows = shown.lines().filter(|line| line.starts_with('│'));
        let words = |line: &str| {
            line.trim_matches('│')
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        };
        rows.skip(1).map(words).collect()
    }

    #[test]
    fn the_table_shows_figures_against_bounds() {
        let findings = vec![
            Finding::bytes("growth", 3, 2),
            Finding::note("taken", "5 B"),
        ];
        let report = report(Shown::all(findings));
        assert!(!report.holds());
        let rows = rows(report);
        let first = [
            "echo-smol",
            "announced",
            "growth",
            "3",
            "B",
            "≤",
            "2",
            "B",
            "BREACH",
            "1.5",
            "s",
        ];
        assert_eq!(rows[0], first);
        assert_eq!(rows[1], ["taken", "5", "B"]);
    }

    #[test]
    fn an_attack_that_broke_off_is_no_breach_by_itself() {
        let error = anyhow::anyhow!("no descriptors").context("cannot connect");
        let mut shown = Shown::broken(&error);
        shown.findings.push(Finding::bytes("growth", 1, 2));
        assert!(!shown.is_whole());
        let report = report(shown);
        assert!(report.holds());
        assert_eq!(report.error(), Some("cannot connect: no descriptors"));
        assert_eq!(report.to_string(), "announced on echo-smol");
        let rows = rows(report);
        let first = [
            "echo-smol",
            "announced",
            "attack",
            "broke",
            "off",
            "NOT",
            "DONE",
            "1.5",
            "s",
        ];
        assert_eq!(rows[0], first);
        assert_eq!(rows[1], ["growth", "1", "B", "≤", "2", "B", "ok"]);
    }

    #[test]
    fn within_bounds_to_its_end_is_whole() {
        assert!(Shown::only(Finding::bytes("growth", 2, 2)).is_whole());
        assert!(!Shown::only(Finding::bytes("growth", 3, 2)).is_whole());
    }
}
