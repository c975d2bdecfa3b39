//! The end of a run: tables, failures, JUnit, the summary for programs, the exit status.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases;
use ws_conformance::expect::{Assessment, Deviation, Testee, Unexpected};
use ws_conformance::report::junit::{self, Suite, Texts};
use ws_conformance::report::{Entry, ReportError, Results, html, table};
use ws_conformance::role::Role;
use ws_conformance::script::Script;
use ws_conformance::verdict::{Behavior, Verdict};

use super::Finish;
use super::collector::Collected;
use super::failure::{self, Facts};
use super::github;
use super::options::{Options, Plan};
use super::summary::Summary;

/// The most lines about cases that are NON-STRICT. The pages have all of them.
const MOST_NON_STRICT: usize = 20;

/// The report at the end of a run.
pub(super) struct Conclusion<'a> {
    pub(super) role: Role,
    pub(super) options: &'a Options,
    pub(super) plan: &'a Plan,
    /// Returns the command line that runs one case of an agent again.
    pub(super) replay: &'a dyn Fn(&str, CaseId) -> String,
}

/// The assessment of one testee.
pub(super) struct Judged {
    pub(super) testee: Testee,
    pub(super) selected: Vec<CaseId>,
    pub(super) results: Results,
    pub(super) assessment: Assessment,
}

impl Judged {
    /// Returns `true` if a case that ran expects a message of the testee. Only scripts count: a
    /// dialogue itself fails a testee that does not echo.
    fn was_to_echo(&self) -> bool {
        let cases = self.results.keys().filter_map(|case| cases::find(*case));
        let mut scripts = cases.filter_map(Case::script);
        scripts.any(Script::expects_echo)
    }

    fn unexpected(&self, case: CaseId) -> Option<&Unexpected> {
        let mut unexpected = self.assessment.unexpected.iter();
        unexpected.find(|unexpected| unexpected.case == case)
    }

    /// Returns the cases with an allowed result that could be better. Those that are described as
    /// unexpected are left out.
    fn non_strict(&self) -> impl Iterator<Item = CaseId> {
        let is_non_strict = |case: &CaseId| {
            let verdict = self.results.get(case).map(|entry| entry.verdict.overall());
            verdict == Some(Behavior::NonStrict) && self.unexpected(*case).is_none()
        };
        self.selected.iter().copied().filter(is_non_strict)
    }

    /// Returns the selected cases that ran twice, with different verdicts.
    pub(super) fn unstable(&self) -> impl Iterator<Item = (CaseId, &Entry)> {
        let entries = self.selected.iter();
        let entries = entries.filter_map(|case| Some((*case, self.results.get(case)?)));
        entries.filter(|(_, entry)| entry.is_unstable())
    }
}

impl Conclusion<'_> {
    /// Prints all results. `error` is the reason why the run did not complete.
    pub(super) fn print(&self, collected: Collected, error: Option<String>) -> Result<Finish> {
        let Collected {
            results,
            echoing,
            error: unwritten,
            took,
        } = collected;
        let judged: Vec<_> = results.into_iter().map(|agent| self.judge(agent)).collect();
        for agent in &judged {
            self.print_testee(agent);
            // The probe refuses a server that does not echo.
            let is_probed = self.role == Role::Server;
            let echoed = echoing.contains(&agent.testee.agent);
            if !is_probed && !echoed && agent.was_to_echo() {
                self.plan.output.line(format!(
                    "{} echoed nothing, so a verdict on silence may be right by accident",
                    agent.testee.agent
                ));
            }
        }
        self.write_junit(&judged)?;
        if github::is_active() {
            self.annotate(&judged);
            github::write_summary(&judged);
        }
        let unwritten = unwritten.or_else(|| self.write_pages(&judged).err());
        let unwritten = unwritten.map(|error| error.to_string());
        let error = unwritten.or(error).or_else(|| incomplete(&judged));
        if !judged.is_empty() {
            let index = self.plan.outdir.join(html::PAGE);
            self.plan.output.line(format!(
                "\nreports: {}; {:.1} s, seed {}",
                index.display(),
                took.as_secs_f64(),
                self.options.seed
            ));
        }
        if self.options.json {
            let (seed, outdir) = (self.options.seed, &*self.plan.outdir);
            let summary = Summary::new(self.role, seed, took, outdir, error.clone(), &judged);
            println!("{}", serde_json::to_string_pretty(&summary)?);
        }
        if let Some(error) = error {
            bail!("{error}");
        }
        let good = judged.iter().all(|agent| agent.assessment.is_as_expected());
        self.plan.output.line(match good {
            true => "all as expected",
            false => "some verdicts are not as expected",
        });
        Ok(Finish::expected_if(good))
    }

    fn judge(&self, (agent, results): (String, Results)) -> Judged {
        let role = self.role;
        let testee = Testee { agent, role };
        let selected = self.plan.cases_for(&testee.agent);
        let standard = self.plan.standard();
        Judged {
            assessment: Assessment::new(&testee, &selected, &results, standard),
            testee,
            selected,
            results,
        }
    }

    fn print_testee(&self, judged: &Judged) {
        let output = self.plan.output;
        let agent = &judged.testee.agent;
        output.line(format!("\n{agent}"));
        output.line(table::by_group(&judged.assessment, self.plan.colors));
        self.print_non_strict(judged);
        for (case, entry) in judged.unstable() {
            if let Some(first) = entry.first_run {
                let second = entry.verdict;
                output.line(format!(
                    "unstable: case {case} was {first}; again: {second}"
                ));
            }
        }
        let mut quoted = BTreeMap::new();
        for unexpected in &judged.assessment.unexpected {
            if unexpected.deviation != Deviation::Missing {
                let case = unexpected.case;
                // Cases that are about the same rule have the same long sentence.
                let rule = cases::find(case).and_then(Case::rule);
                let earlier = rule.and_then(|rule| quoted.get(rule.sentence).copied());
                let facts = self.facts(judged, case);
                output.line(self.describe(judged, unexpected, facts.as_ref(), earlier));
                if let Some(rule) = rule {
                    quoted.entry(rule.sentence).or_insert(case);
                }
            }
        }
    }

    fn print_non_strict(&self, judged: &Judged) {
        let output = self.plan.output;
        let mut cases = judged.non_strict();
        for case in cases.by_ref().take(MOST_NON_STRICT) {
            let reason = reason(judged, case, self.facts(judged, case).as_ref());
            output.line(format!("non-strict: case {case}: {reason}"));
        }
        if let more @ 1.. = cases.count() {
            output.line(format!("non-strict: {more} more are in the reports"));
        }
    }

    fn annotate(&self, judged: &[Judged]) {
        let lines = github::annotations(judged, |agent, number| {
            let unexpected = &agent.assessment.unexpected[number];
            let facts = self.facts(agent, unexpected.case);
            self.describe(agent, unexpected, facts.as_ref(), None)
        });
        for line in lines {
            self.plan.output.line(line);
        }
    }

    fn facts(&self, judged: &Judged, case: CaseId) -> Option<Facts> {
        Facts::read(&self.plan.outdir, &judged.results, case)
    }

    /// Describes an unexpected result. `quoted` is an earlier case about the same rule.
    fn describe(
        &self,
        judged: &Judged,
        unexpected: &Unexpected,
        facts: Option<&Facts>,
        quoted: Option<CaseId>,
    ) -> String {
        let replay = (self.replay)(&judged.testee.agent, unexpected.case);
        failure::describe(unexpected, facts, Some(&replay), quoted)
    }

    fn write_pages(&self, judged: &[Judged]) -> Result<(), ReportError> {
        let agents: Vec<_> = judged.iter().map(|it| &*it.testee.agent).collect();
        match &*agents {
            [] => Ok(()),
            agents => html::update(&self.plan.outdir, agents),
        }
    }

    /// Returns the texts about a case for the file of JUnit.
    fn texts(&self, judged: &Judged, case: CaseId) -> Texts {
        let unexpected = judged.unexpected(case);
        let verdict = judged.results.get(&case).map(|entry| entry.verdict);
        if unexpected.is_none() && verdict == Some(Verdict::GOOD) {
            return Texts::default();
        }
        let facts = self.facts(judged, case);
        let facts = facts.as_ref();
        let describe = |unexpected| self.describe(judged, unexpected, facts, None);
        Texts {
            reason: reason(judged, case, facts),
            detail: unexpected.map_or_else(String::new, describe),
        }
    }

    fn write_junit(&self, judged: &[Judged]) -> Result<()> {
        let Some(file) = &self.options.junit else {
            return Ok(());
        };
        let suites: Vec<_> = judged
            .iter()
            .map(|agent| Suite {
                testee: &agent.testee,
                selected: &agent.selected,
                results: &agent.results,
                assessment: &agent.assessment,
                seed: self.plan.settings.seed,
            })
            .collect();
        let xml = junit::to_xml(&suites, |testee, case| {
            let agent = judged.iter().find(|agent| agent.testee == *testee);
            agent.map_or_else(Texts::default, |agent| self.texts(agent, case))
        })?;
        fs::write(file, xml).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Returns the reason of a verdict that is not OK, in one line.
fn reason(judged: &Judged, case: CaseId, facts: Option<&Facts>) -> String {
    let entry = judged.results.get(&case);
    let known = facts.zip(entry);
    known.map_or_else(String::new, |(facts, entry)| facts.reason(entry.verdict))
}

/// Returns an error if the run left cases out.
fn incomplete(judged: &[Judged]) -> Option<String> {
    let short: Vec<_> = judged
        .iter()
        .filter(|agent| agent.assessment.missing > 0)
        .map(|agent| {
            let (missing, all) = (agent.assessment.missing, agent.selected.len());
            format!("{}: {missing} of {all} cases not run", agent.testee.agent)
        })
        .collect();
    (!short.is_empty()).then(|| short.join("; "))
}
