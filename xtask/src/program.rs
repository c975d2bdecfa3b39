//! The commands that are programs of other packages: `bench`, `hostile`, `idle` and `interop`.

use std::env;
use std::ffi::OsString;
use std::process::ExitStatus;

use anyhow::{Context, Result, bail};

use crate::{Outcome, interrupt, project};

/// The arguments of another program, which has its own --help.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    pub(crate) rest: Vec<OsString>,
}

/// Builds and runs the measurements: `command` is `bench` or `idle`.
pub(crate) fn measure(command: &str, args: &[OsString]) -> Result<Outcome> {
    let command = [OsString::from(command)];
    run("ws-measure", &[&command, args].concat())
}

/// Builds and runs the program of `package`.
pub(crate) fn run(package: &str, args: &[OsString]) -> Result<Outcome> {
    // Ctrl-C reaches the program too. It ends what it has started, and then itself.
    interrupt::install();
    let mut program = project::cargo();
    // The arguments may contain a path relative to the current directory.
    program.current_dir(env::current_dir()?);
    program.args(["run", "--quiet", "--package", package, "--manifest-path"]);
    program.arg(project::root().join("Cargo.toml"));
    let status = program.arg("--").args(args).status();
    outcome(package, status.context("cannot start cargo")?)
}

/// Returns the outcome of a program of this workspace. All of them use the same exit statuses.
pub(crate) fn outcome(name: &str, status: ExitStatus) -> Result<Outcome> {
    match status.code() {
        Some(0) => Ok(Outcome::Passed),
        Some(1) => Ok(Outcome::Failed),
        _ => bail!("{name} could not do its work ({status})"),
    }
}
