//! The end of a run: tables, failures, JUnit, the summary for programs, the exit status.

use std::fs;

use anyhow::{Context, Result, bail};
use ws_conformance::case::CaseId;
use ws_conformance::expect::{Assessment, Deviation, Testee, Unexpected};
use ws_conformance::report::junit::{self, Suite};
use ws_conformance::report::{Entry, ReportError, Results, html, table};
use ws_conformance::role::Role;

use super::Finish;
use super::collector::Collected;
use super::failure::{self, Facts};
use super::github;
use super::options::{Options, Plan};
use super::summary::Summary;

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
            let probed = self.role == Role::Server || agent.results.is_empty();
            if !probed && !echoing.contains(&agent.testee.agent) {
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
        for (case, entry) in judged.unstable() {
            if let Some(first) = entry.first_run {
                let second = entry.verdict;
                output.line(format!(
                    "unstable: case {case} was {first}; again: {second}"
                ));
            }
        }
        for unexpected in &judged.assessment.unexpected {
            if unexpected.deviation != Deviation::Missing {
                output.line(self.describe(judged, unexpected));
            }
        }
    }

    fn annotate(&self, judged: &[Judged]) {
        let lines = github::annotations(judged, |agent, number| {
            self.describe(agent, &agent.assessment.unexpected[number])
        });
        for line in lines {
            self.plan.output.line(line);
        }
    }

    /// Describes an unexpected result.
    fn describe(&self, judged: &Judged, unexpected: &Unexpected) -> String {
        let case = unexpected.case;
        let facts = Facts::read(&self.plan.outdir, &judged.results, case);
        let replay = (self.replay)(&judged.testee.agent, case);
        failure::describe(unexpected, facts.as_ref(), Some(&replay))
    }

    fn write_pages(&self, judged: &[Judged]) -> Result<(), ReportError> {
        let agents: Vec<_> = judged.iter().map(|it| &*it.testee.agent).collect();
        match &*agents {
            [] => Ok(()),
            agents => html::update(&self.plan.outdir, agents),
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
            let of_testee = judged.iter().filter(|agent| agent.testee == *testee);
            let mut unexpected = of_testee.flat_map(|agent| {
                agent
                    .assessment
                    .unexpected
                    .iter()
                    .map(move |it| (agent, it))
            });
            let unexpected = unexpected.find(|(_, unexpected)| unexpected.case == case);
            unexpected.map_or(String::new(), |(agent, it)| self.describe(agent, it))
        })?;
        fs::write(file, xml).with_context(|| format!("cannot write {}", file.display()))
    }
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
