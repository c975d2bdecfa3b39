//! Namespaces of Linux: a file system or a network that only one program uses.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::install::is_root;

/// Returns a call of `unshare` with these namespaces. The caller adds the program.
pub(crate) fn unshare(unshare: &Command, namespaces: &[&str]) -> Command {
    let mut command = Command::new(unshare.get_program());
    command.args(namespaces);
    if !is_root() {
        // The program has the rights of root in a namespace of users.
        command.arg("--map-root-user");
    }
    command
}

/// Runs a program to its end.
///
/// # Errors
///
/// If it fails, with the first line of its standard error.
pub(crate) fn succeed(mut command: Command) -> Result<()> {
    let output = command.output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        bail!("{}", printed.lines().next().unwrap_or("no reason given"));
    }
    Ok(())
}
