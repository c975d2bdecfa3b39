//! The suite of this workspace, as a library.

mod client_role;
mod collector;
mod server_role;
#[cfg(all(test, unix))]
mod tests;

use anyhow::{Context, Result};
use ws_conformance::case_id::CaseId;
use ws_conformance::cases::{self, Case};
use ws_conformance::pool::Jobs;
use ws_conformance::report::html;
use ws_conformance::role::Role;
use ws_conformance::settings::Settings;

use super::engine::{Engine, Job, Tuning};

/// The suite, ready.
pub(crate) struct Native {
    tuning: Tuning,
}

impl Native {
    pub(crate) fn new(tuning: Tuning) -> Self {
        Self { tuning }
    }

    /// Settings with a stop flag of their own: for one run.
    fn settings(&self) -> Settings {
        let settings = Settings::default().with_seed(self.tuning.seed);
        match self.tuning.is_quick {
            true => settings.quick(),
            false => settings,
        }
    }

    fn jobs(&self) -> Jobs {
        self.tuning.jobs.map_or_else(Jobs::default, Jobs::new)
    }
}

impl Engine for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn describe(&self) -> String {
        let (cases, seed) = (cases::all().len(), self.tuning.seed);
        format!("ws-conformance of this workspace, {cases} cases, seed {seed}")
    }

    fn has(&self, case: CaseId) -> bool {
        cases::find(case).is_some()
    }

    fn test(&self, job: &mut Job<'_>) -> Result<()> {
        match job.run.role {
            Role::Client => client_role::test(self, job)?,
            Role::Server => server_role::test(self, job)?,
        }
        html::write(job.dir).context("cannot write the pages")
    }
}

/// The cases of a job.
fn find(job: &Job<'_>) -> Result<Vec<&'static Case>> {
    let cases = job
        .cases
        .iter()
        .map(|id| cases::find(*id).with_context(|| format!("the native engine has no case {id}")));
    cases.collect()
}
