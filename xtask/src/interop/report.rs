//! What the programs print, and what a run says at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use super::pairing::Pairing;
use crate::programs::supervise::{Line, Source};

/// Stands after the report of a program that does not end by itself.
pub(super) const DONE: &str = "done";

/// What was reported so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Each check that was done, and why it failed, if it did.
    checks: BTreeMap<String, Option<String>>,
    /// What our client printed at its end: `done URL` or `failed URL: why`.
    ours: Option<String>,
}

impl Report {
    /// Takes in `ok CHECK` and `failed CHECK: why` of theirs, and the last word of our client.
    pub(super) fn add(&mut self, line: &Line) {
        if line.source == Source::Testee {
            self.ours = Some(line.text.clone());
        } else if let Some(check) = line.text.strip_prefix("ok ") {
            self.checks.insert(check.to_owned(), None);
        } else if let Some(failed) = line.text.strip_prefix("failed ") {
            let (check, why) = failed
                .split_once(": ")
                .unwrap_or((failed, "no reason given"));
            self.checks.insert(check.to_owned(), Some(why.to_owned()));
        }
    }

    pub(super) fn ours_has_ended(&self) -> bool {
        self.ours.is_some()
    }

    /// What our client has to say, unless all went well.
    pub(super) fn complaint_of_ours(&self) -> Option<&str> {
        self.ours
            .as_deref()
            .filter(|text| !text.starts_with("done "))
    }
}

/// A pairing that has ended, well or not.
pub(super) struct Finished {
    pub(super) pairing: Pairing,
    pub(super) report: Report,
    pub(super) took: Duration,
    /// Why it did not come to its end.
    pub(super) error: Option<String>,
}

impl Finished {
    /// Whether it could not be run.
    pub(super) fn is_broken(&self) -> bool {
        self.error.is_some() && self.report.checks.is_empty()
    }

    /// Whether every check was done and none failed.
    pub(super) fn is_good(&self) -> bool {
        self.complaints().next().is_none()
    }

    fn done(&self) -> usize {
        let checks = self.pairing.foreign.checks();
        let good = |check: &&str| self.report.checks.get(*check) == Some(&None);
        checks.iter().filter(|check| good(check)).count()
    }

    /// A line for each thing that is wrong.
    pub(super) fn complaints(&self) -> impl Iterator<Item = String> {
        let failed = self.report.checks.iter().filter_map(|(check, why)| {
            let why = why.as_ref()?;
            Some(format!("{check}: {why}"))
        });
        let checks = self.pairing.foreign.checks().into_iter();
        let missing = checks
            .filter(|check| !self.report.checks.contains_key(*check))
            .map(|check| format!("{check}: was not done"));
        failed
            .chain(missing)
            .chain(self.error.clone())
            .map(|complaint| format!("{}: {complaint}", self.pairing))
    }
}

/// A row for each pairing.
pub(super) fn table(finished: &[Finished]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_header(["theirs", "ours", "checks", "verdict", "time"]);
    for finished in finished {
        let Pairing {
            foreign,
            role,
            runtime,
        } = finished.pairing;
        table.add_row([
            format!("{foreign} {role}"),
            runtime.to_string(),
            format!("{} of {}", finished.done(), foreign.checks().len()),
            if finished.is_good() { "ok" } else { "FAILED" }.to_owned(),
            format!("{:.1} s", finished.took.as_secs_f64()),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use ws_conformance::role::Role;

    use super::super::foreign::Foreign;
    use super::*;
    use crate::runtime::Runtime;

    fn finished(lines: &[&str], error: Option<&str>) -> Finished {
        let mut report = Report::default();
        for text in lines {
            let (source, text) = (Source::Suite, (*text).to_owned());
            report.add(&Line { source, text });
        }
        Finished {
            pairing: Pairing {
                foreign: Foreign::Chromium,
                role: Role::Client,
                runtime: Runtime::Tokio,
            },
            report,
            took: Duration::ZERO,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn every_check_must_be_reported_and_good() {
        let checks = Foreign::Chromium.checks();
        let mut lines: Vec<_> = checks.iter().map(|check| format!("ok {check}")).collect();
        let texts =
            |lines: &[String]| finished(&lines.iter().map(|x| &**x).collect::<Vec<_>>(), None);
        assert!(texts(&lines).is_good());
        assert!(!texts(&lines[1..]).is_good());
        lines[2] = format!("failed {}: a: b", checks[2]);
        let complaints: Vec<_> = texts(&lines).complaints().collect();
        assert_eq!(
            complaints,
            [format!("Chromium client with tokio: {}: a: b", checks[2])]
        );
    }

    #[test]
    fn a_run_that_breaks_off_is_broken_only_before_its_first_check() {
        assert!(finished(&[], Some("it died")).is_broken());
        let late = finished(&["ok text"], Some("it died"));
        assert!(!late.is_broken() && !late.is_good());
        assert!(table(&[late]).to_string().contains("FAILED"));
    }

    #[test]
    fn our_client_has_the_last_word() {
        let mut report = Report::default();
        assert!(!report.ours_has_ended());
        let mut say = |text: &str| {
            let (source, text) = (Source::Testee, text.to_owned());
            report.add(&Line { source, text });
            report.complaint_of_ours().map(str::to_owned)
        };
        assert_eq!(say("done ws://a"), None);
        assert_eq!(say("failed ws://a: reset").unwrap(), "failed ws://a: reset");
    }
}
