//! The results of the checks, and the table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::pairing::Pairing;

/// The results of a pairing so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Each check that was done, and the reason of its failure.
    checks: BTreeMap<String, Option<String>>,
    /// The times that checks have measured.
    times: BTreeMap<String, String>,
}

impl Report {
    /// Adds the line of a script: `ok CHECK`, `ok CHECK in TIME`, or `failed CHECK: REASON`.
    /// Ignores other lines.
    pub(crate) fn add_line(&mut self, line: &str) {
        if let Some(good) = line.strip_prefix("ok ") {
            let (check, time) = good.split_once(" in ").unzip();
            let check = check.unwrap_or(good);
            if let Some(time) = time {
                self.times.insert(check.to_owned(), time.to_owned());
            }
            self.add(check, Ok(()));
        } else if let Some(failed) = line.strip_prefix("failed ") {
            let (check, why) = failed
                .split_once(": ")
                .unwrap_or((failed, "no reason given"));
            self.add(check, Err(why.to_owned()));
        }
    }

    /// Adds the result of a check, and prints it.
    pub(crate) fn add(&mut self, check: &str, result: Result<(), String>) {
        match &result {
            Ok(()) => println!("    ok {check}"),
            Err(why) => println!("    FAILED {check}: {why}"),
        }
        self.checks.insert(check.to_owned(), result.err());
    }
}

/// A pairing that has ended.
pub(crate) struct Finished {
    pub(crate) pairing: Pairing,
    pub(crate) report: Report,
    pub(crate) took: Duration,
    /// The reason why it ended too early.
    pub(crate) error: Option<String>,
}

impl Finished {
    /// Returns `true` if the pairing could not be run.
    pub(crate) fn is_broken(&self) -> bool {
        self.error.is_some() && self.report.checks.is_empty()
    }

    /// Returns `true` if every check was done and none failed.
    pub(crate) fn is_good(&self) -> bool {
        self.complaints().next().is_none()
    }

    fn done(&self) -> usize {
        let checks = self.pairing.checks();
        let good = |check: &&str| self.report.checks.get(*check) == Some(&None);
        checks.iter().filter(|check| good(check)).count()
    }

    /// Returns a line for each fault. The details were printed before.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = String> {
        let failed = self.report.checks.iter().filter_map(|(check, why)| {
            let why = why.as_ref()?;
            Some(format!("{check}: {why}"))
        });
        let checks = self.pairing.checks().into_iter();
        let missing = checks
            .filter(|check| !self.report.checks.contains_key(*check))
            .map(|check| format!("{check}: was not done"));
        failed
            .chain(missing)
            .chain(self.error.clone())
            .map(|complaint| {
                let first_line = complaint.lines().next().unwrap_or_default();
                format!("{}: {first_line}", self.pairing)
            })
    }
}

/// Returns a table with a row for each pairing.
pub(crate) fn table(finished: &[Finished]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_header(["theirs", "ours", "over", "checks", "verdict", "time"]);
    for finished in finished {
        let pairing = &finished.pairing;
        table.add_row([
            pairing.theirs(),
            pairing.ours.to_string(),
            pairing.layers(),
            format!("{} of {}", finished.done(), pairing.checks().len()),
            if finished.is_good() { "ok" } else { "FAILED" }.to_owned(),
            format!("{:.1} s", finished.took.as_secs_f64()),
        ]);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Returns a table of the times that checks have measured, with a column for each of our
/// programs. `None` if no check has measured a time.
pub(crate) fn times(finished: &[Finished]) -> Option<Table> {
    let measured = |finished: &&Finished| !finished.report.times.is_empty();
    let finished: Vec<_> = finished.iter().filter(measured).collect();
    let first = finished.first()?;
    let mut table = Table::new();
    let runtimes = finished.iter().map(|one| one.pairing.ours.to_string());
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_header([first.pairing.theirs()].into_iter().chain(runtimes));
    for check in first.pairing.checks() {
        let times = finished.iter().map(|one| one.report.times.get(check));
        let times = times.map(|time| time.map_or("-", String::as_str));
        table.add_row([check].into_iter().chain(times));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use ws_test_programs::runtime::Runtime;

    use super::*;
    use crate::foreign::{Foreign, Http, Over, Role};
    use crate::ours::Ours;

    fn finished(lines: &[String], error: Option<&str>) -> Finished {
        let mut report = Report::default();
        lines.iter().for_each(|line| report.add_line(line));
        Finished {
            pairing: Pairing {
                foreign: Foreign::Chromium,
                role: Role::Client,
                http: Http::Http1,
                over: Over::Tls,
                ours: Ours::Peers(Runtime::Tokio),
            },
            report,
            took: Duration::ZERO,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn every_check_must_be_reported_and_good() {
        let checks = finished(&[], None).pairing.checks();
        let mut lines: Vec<_> = checks.iter().map(|check| format!("ok {check}")).collect();
        assert!(finished(&lines, None).is_good());
        assert!(!finished(&lines[1..], None).is_good());
        lines[2] = format!("failed {}: a: b", checks[2]);
        let complaints: Vec<_> = finished(&lines, None).complaints().collect();
        let expected = format!("Chromium client with tokio over TLS: {}: a: b", checks[2]);
        assert_eq!(complaints, [expected]);
    }

    #[test]
    fn times_are_shown_beside_the_checks() {
        assert!(times(&[finished(&["ok text".to_owned()], None)]).is_none());
        let timed = finished(&["ok text in 251 ms".to_owned()], None);
        assert_eq!(timed.report.checks["text"], None);
        let shown = times(&[timed]).unwrap().to_string();
        let is_shown = |line: &str| line.contains("text") && line.contains("251 ms");
        assert!(shown.lines().any(is_shown), "{shown}");
    }

    #[test]
    fn a_run_that_breaks_off_is_broken_only_before_its_first_check() {
        assert!(finished(&[], Some("it died")).is_broken());
        let late = finished(&["ok text".to_owned()], Some("it died"));
        assert!(!late.is_broken() && !late.is_good());
        assert!(table(&[late]).to_string().contains("FAILED"));
    }
}
