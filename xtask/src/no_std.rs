//! The builds of the core without std, and of both cores without an operating system.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::{Outcome, project};

/// A check: a package with its features, for a target.
struct Check {
    target: &'static str,
    package: &'static str,
    features: &'static [&'static str],
}

const CHECKS: &[Check] = &[
    Check {
        // The target has no std.
        target: "thumbv7em-none-eabi",
        package: "ws-proto",
        features: &["--no-default-features"],
    },
    Check {
        target: "thumbv7em-none-eabi",
        package: "ws-proto",
        features: &["--no-default-features", "--features", "stats"],
    },
    Check {
        target: "thumbv7em-none-eabi",
        package: "ws-proto",
        features: &["--no-default-features", "--features", "serde"],
    },
    Check {
        target: "wasm32-unknown-unknown",
        package: "ws-proto",
        features: &["--no-default-features"],
    },
    Check {
        target: "wasm32-unknown-unknown",
        package: "ws-proto",
        features: &[],
    },
    Check {
        // It needs std, because http does.
        target: "wasm32-unknown-unknown",
        package: "ws-handshake",
        features: &[],
    },
];

/// Checks every target that the toolchain has, and prints them. If a target is missing, checks the
/// package for this machine instead, which finds less. A package without std is also checked for
/// dependencies that are built with std.
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
            println!("{} for {}", self.shown(), self.target);
            cargo.args(["--target", self.target]);
            return Ok(cargo.status()?.success());
        }
        println!(
            "{} for this machine: the target {} is missing (`rustup target add {}`)",
            self.shown(),
            self.target,
            self.target
        );
        let mut good = cargo.status()?.success();
        if self.features.contains(&"--no-default-features") {
            println!("{} and its tree by their attributes", self.shown());
            for package in with_std(self.package, self.features)? {
                eprintln!("error: {package} is built with std");
                good = false;
            }
        }
        Ok(good)
    }

    fn shown(&self) -> String {
        [&[self.package], self.features].concat().join(" ")
    }
}

/// Returns the packages in the tree of `package`, itself included, whose root is not `no_std` with
/// these features.
fn with_std(package: &str, features: &[&str]) -> Result<Vec<String>> {
    let output = project::cargo()
        .args(["tree", "--package", package])
        // Procedural macros run in the compiler.
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{f}"])
        .args(features)
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata = MetadataCommand::new()
        .manifest_path(project::root().join("Cargo.toml"))
        .exec()
        .context("cannot read the workspace by `cargo metadata`")?;
    let mut found = BTreeSet::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (name, features) = line.split_once('|').context("a line of `cargo tree`")?;
        let mut words = name.split(' ');
        let (name, version) = (words.next(), words.next());
        let package = metadata
            .packages
            .iter()
            .find(|package| {
                Some(package.name.as_str()) == name
                    && Some(package.version.to_string().as_str())
                        == version.map(|version| version.trim_start_matches('v'))
            })
            .with_context(|| format!("no package for {line}"))?;
        let has_std = features.split(',').any(|feature| feature == "std");
        let root = package.targets.iter().find(|target| target.is_lib());
        let root = root.with_context(|| format!("no library in {line}"))?;
        if has_std || !declares_no_std(&fs::read_to_string(&root.src_path)?) {
            found.insert(package.name.to_string());
        }
    }
    Ok(found.into_iter().collect())
}

/// Returns `true` if the root of a crate has `#![no_std]`, also under a condition.
fn declares_no_std(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line.trim();
        line == "#![no_std]" || (line.starts_with("#![cfg_attr(") && line.ends_with(", no_std)]"))
    })
}

/// Returns `true` if the libraries of `target` are installed.
fn has_target(target: &str) -> Result<bool> {
    let output = Command::new("rustc")
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
            // The question has an answer in both cases.
            has_target(check.target).unwrap();
        }
    }

    #[test]
    fn the_fallback_tells_trees_with_std_from_those_without() {
        let without = with_std("ws-proto", &["--no-default-features"]);
        assert_eq!(without.unwrap(), Vec::<String>::new());
        let with = with_std("ws-handshake", &[]).unwrap();
        for name in ["bytes", "http", "ws-handshake"] {
            assert!(with.iter().any(|found| found == name), "{with:?}");
        }
    }

    #[test]
    fn attributes_are_recognized() {
        assert!(declares_no_std("//! Doc\n#![no_std]\nmod a;"));
        assert!(declares_no_std(
            "#![cfg_attr(not(feature = \"std\"), no_std)]"
        ));
        assert!(!declares_no_std("// #![no_std]\nmod a;"));
        assert!(!declares_no_std("#![forbid(unsafe_code)]"));
    }
}
