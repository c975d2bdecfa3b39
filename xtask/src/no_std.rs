//! That the core builds where there is no std, and both cores where there is no operating system.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{Outcome, project};

/// What is checked: a package with its features, for a target.
struct Check {
    target: &'static str,
    package: &'static str,
    features: &'static [&'static str],
}

const CHECKS: &[Check] = &[
    Check {
        // No std exists for it.
        target: "thumbv7em-none-eabi",
        package: "ws-proto",
        features: &["--no-default-features"],
    },
    Check {
        target: "wasm32-unknown-unknown",
        package: "ws-proto",
        features: &["--no-default-features"],
    },
    Check {
        target: "wasm32-unknown-unknown",
        package: "ws-handshake",
        features: &[],
    },
];

/// Checks every target that the toolchain has. Where it lacks one, the package is checked for this machine instead: that
/// finds what its own code takes from std, but not what its dependencies do.
pub(crate) fn run() -> Result<Outcome> {
    let mut good = true;
    for check in CHECKS {
        good &= check.run()?;
    }
    Ok(Outcome::passed_if(good))
}

impl Check {
    fn run(&self) -> Result<bool> {
        let mut cargo = project::cargo();
        cargo.args(["check", "--quiet", "--package", self.package]);
        cargo.args(self.features);
        if has_target(self.target)? {
            println!("{} for {}", self.package, self.target);
            cargo.args(["--target", self.target]);
        } else {
            println!(
                "{} for this machine: the toolchain lacks {} (`rustup target add {}`)",
                self.package, self.target, self.target
            );
        }
        Ok(cargo.status()?.success())
    }
}

/// Whether the libraries of `target` are installed.
fn has_target(target: &str) -> Result<bool> {
    let output = std::process::Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("cannot run rustc")?;
    let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(output.status.success() && dir.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_looked_for() {
        assert!(!has_target("no-such-target").unwrap());
        for check in CHECKS {
            // Installed or not, the question has an answer.
            has_target(check.target).unwrap();
        }
    }
}
