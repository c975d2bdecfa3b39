//! The results of a command, and its exit status.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Result, bail};

/// The result of a command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong.
    Passed,
    /// Something is wrong with the project, and has been printed.
    Failed,
}

impl Outcome {
    /// Returns `Passed` if `good` is `true`, otherwise `Failed`.
    #[must_use]
    pub fn passed_if(good: bool) -> Self {
        if good { Self::Passed } else { Self::Failed }
    }

    /// Returns the outcome of another program of the workspace. All of them use the exit statuses
    /// of [`report`].
    ///
    /// # Errors
    ///
    /// If the program could not do its work.
    pub fn of(program: &str, status: ExitStatus) -> Result<Self> {
        match status.code() {
            Some(0) => Ok(Self::Passed),
            Some(1) => Ok(Self::Failed),
            _ => bail!("{program} could not do its work ({status})"),
        }
    }
}

/// Prints the error of a command, and returns the exit status: 0 if nothing is wrong, 1 if
/// something is wrong with the project, 2 if the command could not do its work.
#[must_use]
pub fn report(result: &Result<Outcome>) -> ExitCode {
    if let Err(error) = result {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(exit_status(result))
}

fn exit_status(result: &Result<Outcome>) -> u8 {
    match result {
        Ok(Outcome::Passed) => 0,
        Ok(Outcome::Failed) => 1,
        Err(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_status_tells_findings_from_failures_to_run() {
        assert_eq!(exit_status(&Ok(Outcome::Passed)), 0);
        assert_eq!(exit_status(&Ok(Outcome::Failed)), 1);
        assert_eq!(exit_status(&Err(anyhow::anyhow!("no engine"))), 2);
    }
}
