//! The original suite, run through its command `wstest`.
//!
//! Its exit status does not depend on verdicts. It can wait without end: none of its timers covers
//! a server that sends a Close first and then leaves TCP open. Therefore every step here has a
//! deadline.

mod client_role;
mod client_testee;
mod container;
mod install;
mod parts;
mod patience;
mod python;
mod quick;
mod resume;
mod server_role;
mod session;
#[cfg(all(test, unix))]
mod tests;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use ws_conformance::case::{CaseId, Set};
use ws_conformance::cases;
use ws_conformance::role::Role;

use super::engine::{Engine, Finished, Setup, Tuning};
use super::plan::Run;
use container::Container;
use install::Surroundings;
use patience::Patience;
use session::Session;
use ws_test_programs::progress::Progress;
use ws_test_programs::supervise::{Line, Source, Supervised};

/// The last release of the suite.
const VERSION: &str = "25.10.1";

/// The name of the settings file in the report directory.
const SPEC: &str = "wstest.json";

/// The installed suite.
pub(crate) struct Wstest {
    installation: Installation,
    at_a_time: NonZeroUsize,
    patience: Patience,
    resume: bool,
}

/// One run of the suite.
struct Job<'a> {
    run: &'a Run,
    cases: &'a [CaseId],
    /// The program under test.
    testee: &'a Path,
    /// The options of the program, besides those of its role.
    options: &'a [&'a str],
    /// The directory for reports. It contains only reports of this suite about other cases.
    dir: &'a Path,
    patience: Patience,
    progress: &'a mut Progress,
}

/// The place of the command `wstest`.
#[derive(Debug)]
enum Installation {
    /// In a container image.
    Container(Container),
    /// A module of this Python. It is called by name, not as the script `wstest`, whose first line
    /// must contain the path of its interpreter. Systems limit the length of that line.
    Python(PathBuf),
}

impl Wstest {
    /// Finds or installs the suite.
    pub(crate) fn prepare(tuning: Tuning, home: &Path) -> Result<Self> {
        Ok(Self {
            installation: install::prepare(&Surroundings::from_environment(), home)?,
            at_a_time: tuning.jobs.unwrap_or(NonZeroUsize::MIN),
            patience: Patience::new(Duration::from_secs(tuning.timeout)),
            resume: tuning.resume,
        })
    }

    /// Runs the cases of `job`. The reports are in its directory afterwards, also after an error.
    fn test(&self, job: &mut Job<'_>) -> Result<()> {
        parts::test(self, job)
    }

    /// Runs the cases of `job` in one call of the suite.
    fn test_part(&self, job: &mut Job<'_>) -> Result<()> {
        match job.run.role {
            Role::Client => client_role::test(self, job),
            Role::Server => server_role::test(self, job),
        }
    }

    /// Starts the suite in `mode`. It works in the report directory of the job.
    fn start(&self, job: &Job<'_>, mode: &str, lines: &Sender<Line>) -> Result<Supervised> {
        let mut arguments = vec!["-m", mode, "-s", SPEC];
        if mode == "fuzzingserver" {
            // There is no status page on port 8080.
            arguments.extend(["-u", "0"]);
        }
        let (mut command, cleanup) = match &self.installation {
            Installation::Container(container) => {
                let (command, cleanup) = container.command(job.dir, &job.run.agent)?;
                (command, Some(cleanup))
            }
            Installation::Python(python) => {
                let mut command = Command::new(python);
                command.args(["-m", "autobahntestsuite.wstest"]);
                command.current_dir(job.dir).env("PYTHONUNBUFFERED", "1");
                command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
                (command, None)
            }
        };
        command.args(arguments);
        let log = job.dir.join("wstest.log");
        let mut suite = Supervised::spawn(command, &log, Stdio::null(), Source::Suite, lines)?;
        suite.set_cleanup(cleanup);
        Ok(suite)
    }
}

impl Engine for Wstest {
    fn name(&self) -> &'static str {
        "wstest"
    }

    fn describe(&self) -> String {
        match &self.installation {
            Installation::Container(container) => {
                format!("Autobahn test suite {VERSION} in a container ({container})")
            }
            Installation::Python(python) => {
                format!("Autobahn test suite {VERSION} ({})", python.display())
            }
        }
    }

    fn has(&self, case: CaseId) -> bool {
        cases::find(case).is_some() && case.set() == Set::Original
    }

    fn is_quick(&self, case: CaseId) -> bool {
        quick::has(case)
    }

    fn run_all(&self, runs: &[Run], setup: &Setup<'_>) -> Result<Vec<Finished>> {
        let wstest = self;
        Session { wstest, setup }.run_all(runs)
    }
}

/// Writes the suite's settings file: the common settings of both modes, and `mode_settings`.
fn write_spec(job: &Job<'_>, mode_settings: Value) -> Result<()> {
    let mut spec = json!({
        "outdir": ".",
        "options": { "failByDrop": false },
        "cases": job.cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), mode_settings) {
        spec.extend(more);
    }
    let file = job.dir.join(SPEC);
    fs::write(&file, serde_json::to_string_pretty(&spec)?)
        .with_context(|| format!("cannot write {}", file.display()))
}
