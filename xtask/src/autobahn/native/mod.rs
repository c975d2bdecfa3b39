//! The suite of this workspace, as a library.

mod client_role;
mod collector;
mod server_role;
#[cfg(all(test, unix))]
mod tests;

use anyhow::{Context, Result};
use ws_conformance::case::Case;
use ws_conformance::case::CaseId;
use ws_conformance::cases;
use ws_conformance::pool::Jobs;
use ws_conformance::report::html;
use ws_conformance::role::Role;
use ws_conformance::settings::Settings;
use ws_conformance::tls::{Identity, Trust};

use super::engine::{Engine, Job, Tuning};
use crate::certificates::Certificates;

/// The suite, ready to run.
pub(crate) struct Native {
    tuning: Tuning,
    /// The settings for TLS, if all connections are over TLS.
    tls: Option<Tls>,
}

/// The settings of the suite for TLS, in both roles.
struct Tls {
    /// The trust in the certificates of servers under test.
    trust: Trust,
    /// The certificate for clients under test.
    identity: Identity,
}

impl Native {
    /// Reads the certificates, if there are any. All connections are over TLS then.
    pub(crate) fn prepare(tuning: Tuning, certificates: Option<&Certificates>) -> Result<Self> {
        let tls = certificates.map(Tls::load).transpose()?;
        Ok(Self { tuning, tls })
    }

    /// Returns settings with a stop flag of their own, for one run.
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

impl Tls {
    fn load(certificates: &Certificates) -> Result<Self> {
        let (certificate, key) = certificates.server();
        Ok(Self {
            trust: Trust::only(certificates.authority())?,
            identity: Identity::load(certificate, key)?,
        })
    }
}

impl Engine for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn describe(&self) -> String {
        let over = match self.tls {
            Some(_) => ", over TLS",
            None => "",
        };
        let seed = self.tuning.seed;
        format!("ws-conformance of this workspace, seed {seed}{over}")
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

/// Returns the cases of a job.
fn find(job: &Job<'_>) -> Result<Vec<&'static Case>> {
    let found = |id: &CaseId| {
        cases::find(*id).with_context(|| format!("the native engine has no case {id}"))
    };
    job.cases.iter().map(found).collect()
}
