//! The comparison of counts with the committed ones.

use comfy_table::Table;
use ws_test_programs::Outcome;

use super::counts;
use super::messages::{Row, is_committed};
use crate::table::{align, new_table};

/// The most by which a count may exceed the committed one, as a part of it.
const TOLERANCE: f64 = 0.03;

/// Returns the table of functions.
pub(super) fn functions(committed: &counts::Table, now: &counts::Table) -> Table {
    let mut table = new_table(vec!["function", "committed", "now", "change"]);
    for (name, &count) in now {
        let [before, change] = comparison(committed.get(name).copied(), count);
        table.add_row([name.clone(), before, count.to_string(), change]);
    }
    align(&mut table, 1);
    table
}

/// Returns the table of programs. Rows that were not counted are left out. The last column has the
/// count divided by that of the floor. The floor may be from this run or from the committed file.
pub(super) fn messages(rows: &[Row], committed: &counts::Table, now: &counts::Table) -> Table {
    let header = [
        "program",
        "scenario",
        "committed",
        "now",
        "change",
        "times floor",
    ];
    let mut table = new_table(header.to_vec());
    for row in rows {
        let name = row.name();
        let Some(&count) = now.get(&name) else {
            continue;
        };
        let [before, change] = match is_committed(&name) {
            true => comparison(committed.get(&name).copied(), count),
            false => Default::default(),
        };
        let floor = row.floor().filter(|floor| *floor != name);
        let floor = floor.and_then(|floor| now.get(&floor).or_else(|| committed.get(&floor)));
        let times_floor = floor.map(|&floor| format!("{:.2}", count as f64 / floor.max(1) as f64));
        table.add_row([
            row.contestant.name.to_string(),
            row.scenario.name.to_owned(),
            before,
            count.to_string(),
            change,
            times_floor.unwrap_or_default(),
        ]);
    }
    align(&mut table, 2);
    table
}

/// Returns the committed count and the change since then.
fn comparison(committed: Option<u64>, now: u64) -> [String; 2] {
    match committed {
        Some(before) => [
            before.to_string(),
            format!("{:+.1} %", 100.0 * change(before, now)),
        ],
        None => ["none".to_owned(), String::new()],
    }
}

/// Returns the increase from `before` to `now`, as a part of `before`.
fn change(before: u64, now: u64) -> f64 {
    (now as f64 - before as f64) / before.max(1) as f64
}

/// Prints the names with too many instructions, and those whose committed count is too high.
pub(super) fn verdict(committed: &counts::Table, now: &counts::Table) -> Outcome {
    let mut outcome = Outcome::Passed;
    for (name, &count) in now {
        let Some(&before) = committed.get(name) else {
            println!("{name} has no committed count: --bless adds it");
            outcome = Outcome::Failed;
            continue;
        };
        let change = change(before, count);
        if change > TOLERANCE {
            println!("{name} takes {:.1} % more instructions", 100.0 * change);
            outcome = Outcome::Failed;
        } else if change < -TOLERANCE {
            println!("{name} has become cheaper: --bless keeps it so");
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::super::messages::rows;
    use super::*;

    fn counts(name: &str, count: u64) -> counts::Table {
        counts::Table::from([(name.to_owned(), count)])
    }

    #[test]
    fn only_more_instructions_than_tolerated_fail() {
        let committed = counts("decode-20", 100);
        let verdict = |now| verdict(&committed, &counts("decode-20", now));
        assert_eq!(verdict(103), Outcome::Passed);
        assert_eq!(verdict(104), Outcome::Failed);
        assert_eq!(verdict(50), Outcome::Passed);
    }

    #[test]
    fn a_name_without_a_committed_count_fails() {
        let now = counts("echo-tokio small", 1);
        assert_eq!(verdict(&counts::Table::new(), &now), Outcome::Failed);
        assert_eq!(
            verdict(&counts("echo-tokio medium", 1), &now),
            Outcome::Failed
        );
    }

    #[test]
    fn a_program_is_compared_with_its_floor_of_this_run_or_else_the_committed_one() {
        let names = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let only = names(&["floor-tokio", "echo-tokio"]);
        let rows = rows(&only, &names(&["ping-pong"]), &[]);
        let cells = |committed: &counts::Table, now: &counts::Table| -> Vec<_> {
            let table = messages(&rows, committed, now);
            let row = table.row_iter().last().unwrap();
            row.cell_iter().map(|cell| cell.content()).collect()
        };
        let mut now = counts("echo-tokio ping-pong", 300);
        let committed = counts("floor-tokio ping-pong", 200);
        let row = ["echo-tokio", "ping-pong", "none", "300", "", "1.50"];
        assert_eq!(cells(&committed, &now), row);
        now.insert("floor-tokio ping-pong".to_owned(), 100);
        let row = ["echo-tokio", "ping-pong", "300", "300", "+0.0 %", "3.00"];
        assert_eq!(cells(&counts("echo-tokio ping-pong", 300), &now), row);
    }
}
