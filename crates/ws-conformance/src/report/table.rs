//! Tables for a terminal.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};

use crate::compare::{Change, Comparison};
use crate::expect::{Assessment, Counts};

/// Returns the number of verdicts of each kind: one row for each group, and one for all groups.
pub fn by_group(assessment: &Assessment, color: bool) -> String {
    let mut table = new(color);
    let titles = Counts::default().columns().map(|(title, _)| title);
    table.set_header(["group"].into_iter().chain(titles));
    for counts in &assessment.groups {
        table.add_row(row(counts));
    }
    table.add_row(row(&assessment.total()));
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Returns the differences of two reports, one row for each case.
pub fn of_differences(comparison: &Comparison, color: bool) -> String {
    let mut table = new(color);
    table.set_header(["testee", "case", "first", "second", "change"]);
    for difference in &comparison.differences {
        let change = difference.change();
        let color = match change {
            Change::Worse => Color::Red,
            Change::Different => Color::Reset,
            Change::Better => Color::Green,
        };
        table.add_row([
            Cell::new(difference.agent.replace(char::is_control, "\u{fffd}")),
            Cell::new(difference.case),
            Cell::new(difference.first),
            Cell::new(difference.second),
            Cell::new(change).fg(color),
        ]);
    }
    table.to_string()
}

fn new(color: bool) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    match color {
        true => table.enforce_styling(),
        false => table.force_no_tty(),
    };
    table
}

fn row(counts: &Counts) -> Vec<Cell> {
    let numbers = counts.columns().map(|(title, count)| match (title, count) {
        (_, 0) => Cell::new("-"),
        ("FAILED" | "unexpected", _) => Cell::new(count)
            .fg(Color::Red)
            .add_attribute(Attribute::Bold),
        _ => Cell::new(count),
    });
    [Cell::new(&counts.group)]
        .into_iter()
        .chain(numbers)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessment() -> Assessment {
        let counts = |group: &str, cases, ok| Counts {
            group: group.into(),
            cases,
            ok,
            failed: cases - ok,
            unexpected: cases - ok,
            ..Counts::default()
        };
        Assessment {
            groups: vec![counts("1", 2, 1), counts("2", 1, 1)],
            unexpected: Vec::new(),
            missing: 0,
        }
    }

    #[test]
    fn the_table_counts_groups_and_all() {
        let shown = by_group(&assessment(), false);
        let rows: Vec<Vec<_>> = shown
            .lines()
            .filter(|line| line.starts_with('│'))
            .map(|line| line.trim_matches('│').split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[1],
            ["1", "2", "1", "-", "-", "-", "-", "1", "1"],
            "{shown}"
        );
        assert_eq!(
            rows[2],
            ["2", "1", "1", "-", "-", "-", "-", "-", "-"],
            "{shown}"
        );
        assert_eq!(
            rows[3],
            ["all", "3", "2", "-", "-", "-", "-", "1", "1"],
            "{shown}"
        );
    }

    #[test]
    fn colors_are_only_there_if_asked_for() {
        assert!(!by_group(&assessment(), false).contains('\x1b'));
        assert!(by_group(&assessment(), true).contains('\x1b'));
    }
}
