//! The suite of this workspace: its command, run as a user would run it.

use std::process::Command;

use anyhow::Result;
use ws_conformance::case::{CaseId, Http};
use ws_conformance::cases;
use ws_conformance::role::Role;

use super::engine::{Engine, Finished, Setup, Tuning, fresh_dir};
use super::plan::Run;
use super::suite::list;
use ws_test_programs::interrupt;

/// The suite, ready to run.
pub(crate) struct Native {
    pub(super) tuning: Tuning,
}

impl Engine for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn describe(&self) -> String {
        format!(
            "ws-conformance of this workspace, seed {}",
            self.tuning.seed
        )
    }

    fn has(&self, case: CaseId) -> bool {
        cases::find(case).is_some()
    }

    fn run_all(&self, runs: &[Run], setup: &Setup<'_>) -> Result<Vec<Finished>> {
        let runs = runs.iter().take_while(|_| !interrupt::requested());
        runs.map(|run| self.run_one(run, setup)).collect()
    }
}

impl Native {
    fn run_one(&self, run: &Run, setup: &Setup<'_>) -> Result<Finished> {
        let dir = fresh_dir(&setup.output.join(&run.agent))?;
        let testee = setup.peers.find(&run.testee_name())?;
        let outcome = setup.suite.run(|command| {
            command.arg(run.role.to_string());
            match run.role {
                Role::Server => add_server(command, setup),
                Role::Client => add_client(command, setup),
            }
            if setup.http == Http::Two {
                command.arg("--http2");
            }
            command.args(["--agent", &run.agent]);
            command.args(["--set", "all", "--cases", &list(&run.cases(setup.selected))]);
            command.arg("--outdir").arg(&dir);
            self.add_tuning(command);
            setup.suite.add_common(command, run);
            command.arg("--").arg(testee);
            command.args(setup.testee_options(run.role));
            command.args(match run.role {
                Role::Server => &["--port", "{port}"][..],
                Role::Client => &["{case}"],
            });
        });
        Ok(Finished {
            run: run.clone(),
            dir,
            outcome: outcome.map(|outcome| run.excused(outcome)),
        })
    }

    fn add_tuning(&self, command: &mut Command) {
        // A case that passes only the second time is a fault of our testees or of the suite.
        command.arg("--no-retry");
        command.args(["--seed", &self.tuning.seed.to_string()]);
        if let Some(jobs) = self.tuning.jobs {
            command.args(["--jobs", &jobs.to_string()]);
        }
        if self.tuning.is_quick {
            command.arg("--quick");
        }
    }
}

fn add_server(command: &mut Command, setup: &Setup<'_>) {
    if let Some(certificates) = setup.certificates {
        command.args(["--url", "wss://127.0.0.1:{port}"]);
        command.arg("--ca").arg(certificates.authority());
    }
}

fn add_client(command: &mut Command, setup: &Setup<'_>) {
    if let Some(certificates) = setup.certificates {
        let (certificate, key) = certificates.server();
        command.args(["--listen", "wss://127.0.0.1:0"]);
        command.arg("--cert").arg(certificate).arg("--key").arg(key);
    }
}
