//! `cargo xtask interop`: builds and runs the package `ws-interop` in `tests/interop`.

use std::env;
use std::ffi::OsString;

use anyhow::{Context, Result, bail};

use crate::{Outcome, interrupt, project};

const PACKAGE: &str = "ws-interop";

/// Check our peers against programs of others: a browser, TLS libraries, proxies.
///
/// The arguments go to the package ws-interop, which has its own --help.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    rest: Vec<OsString>,
}

/// Runs the checks with these arguments.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    // Ctrl-C reaches the checks too. They end their programs and then themselves.
    interrupt::install();
    let mut checks = project::cargo();
    // The arguments may contain a directory relative to the current one.
    checks.current_dir(env::current_dir()?);
    checks.args(["run", "--quiet", "--package", PACKAGE, "--manifest-path"]);
    checks.arg(project::root().join("Cargo.toml"));
    let status = checks.arg("--").args(&args.rest).status();
    match status.context("cannot start cargo")?.code() {
        Some(0) => Ok(Outcome::Passed),
        Some(1) => Ok(Outcome::Failed),
        _ => bail!("{PACKAGE} could not do its work"),
    }
}
