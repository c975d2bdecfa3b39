//! The report of the attacks.

use std::env;
use std::fmt;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};

use super::finding::{Finding, Verdict};

/// The result of one attack.
pub(crate) struct Report {
    pub(crate) server: String,
    pub(crate) attack: &'static str,
    pub(crate) findings: Vec<Finding>,
    pub(crate) took: Duration,
}

impl Report {
    /// Returns `true` if all figures are within their bounds.
    pub(crate) fn holds(&self) -> bool {
        let mut findings = self.findings.iter();
        !findings.any(|finding| finding.verdict == Verdict::Breach)
    }

    /// Returns the reason why the attack was not possible.
    pub(crate) fn error(&self) -> Option<&str> {
        self.findings
            .iter()
            .find_map(|finding| match &finding.verdict {
                Verdict::NotDone(error) => Some(&**error),
                Verdict::Note | Verdict::Ok | Verdict::Breach => None,
            })
    }

    /// Returns a row for each finding. The first row names server and attack.
    fn rows(&self) -> impl Iterator<Item = [Cell; 7]> {
        self.findings.iter().enumerate().map(|(at, finding)| {
            let took = format!("{:.1} s", self.took.as_secs_f64());
            let (server, attack, took) = match at {
                0 => (self.server.clone(), self.attack, took),
                _ => Default::default(),
            };
            [
                Cell::new(server),
                Cell::new(attack),
                Cell::new(&finding.what),
                Cell::new(&finding.figure),
                Cell::new(&finding.bound),
                cell(&finding.verdict),
                Cell::new(took),
            ]
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.attack, self.server)
    }
}

fn cell(verdict: &Verdict) -> Cell {
    let alarming = |word| {
        let cell = Cell::new(word).fg(Color::Red);
        cell.add_attribute(Attribute::Bold)
    };
    match verdict {
        Verdict::Note => Cell::new(""),
        Verdict::Ok => Cell::new("ok"),
        Verdict::Breach => alarming("BREACH"),
        Verdict::NotDone(_) => alarming("NOT DONE"),
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
    for at in [3, 4, 6] {
        let column = table.column_mut(at).expect("the header has 7 columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: Vec<Finding>) -> Report {
        Report {
            server: "echo-smol".into(),
            attack: "announced",
            findings,
            took: Duration::from_millis(1500),
        }
    }

    fn rows(report: Report) -> Vec<String> {
        let shown = table(&[report]).to_string();
        let rows = shown.lines().filter(|line| line.starts_with('│'));
        let words =
            |line: &str| Vec::from_iter(line.trim_matches('│').split_whitespace()).join(" ");
        rows.skip(1).map(words).collect()
    }

    #[test]
    fn the_table_shows_figures_against_bounds() {
        let findings = vec![
            Finding::bytes("growth", 3, 2),
            Finding::note("taken", "5 B"),
        ];
        let report = report(findings);
        assert!(!report.holds());
        let rows = rows(report);
        assert_eq!(rows[0], "echo-smol announced growth 3 B ≤ 2 B BREACH 1.5 s");
        assert_eq!(rows[1], "taken 5 B");
    }

    #[test]
    fn an_attack_that_broke_off_is_no_breach_by_itself() {
        let error = anyhow::anyhow!("no descriptors").context("cannot connect");
        let broken = Finding::broken(&error);
        assert!(!broken.is_good());
        let report = report(vec![broken, Finding::bytes("growth", 1, 2)]);
        assert!(report.holds());
        assert_eq!(report.error(), Some("cannot connect: no descriptors"));
        assert_eq!(report.to_string(), "announced on echo-smol");
        let rows = rows(report);
        assert_eq!(
            rows[0],
            "echo-smol announced attack broke off NOT DONE 1.5 s"
        );
        assert_eq!(rows[1], "growth 1 B ≤ 2 B ok");
    }
}
