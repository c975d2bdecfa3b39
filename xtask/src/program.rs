//! The commands that are programs of other packages: `autobahn`, `bench`, `hostile`, `idle` and
//! `interop`.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};
use ws_test_programs::peers::Peers;

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

/// Builds the conformance suite, its testees and the program that runs one over the others. Runs
/// that program.
///
/// One build with `profile` shares all that they depend on.
pub(crate) fn autobahn(profile: &str, args: &[OsString]) -> Result<Outcome> {
    const PROGRAM: &str = "ws-autobahn";
    interrupt::install();
    let packages = [PROGRAM, "ws-conformance", "ws-peers"];
    let built = Peers::build_with_profile(profile, &packages)?;
    let status = Command::new(built.find(PROGRAM)?).args(args).status();
    Outcome::of(PROGRAM, status.context("cannot start ws-autobahn")?)
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
    Outcome::of(package, status.context("cannot start cargo")?)
}
