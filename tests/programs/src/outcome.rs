//! The results of a command, and its exit status.

use std::process::ExitCode;

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
}

/// Prints the error of a command, and returns the exit status: 0 if nothing is wrong, 1 if
/// something is wrong with the project, 2 if the command could not do its work.
#[must_use]
pub fn report(result: &anyhow::Result<Outcome>) -> ExitCode {
    if let Err(error) = result {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(exit_status(result))
}

fn exit_status(result: &anyhow::Result<Outcome>) -> u8 {
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
