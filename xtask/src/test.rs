//! `cargo xtask test`: every test of the workspace.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write, stdout};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, Package};

use crate::{Outcome, features, project};

/// Run every test: unit, integration and documentation tests.
///
/// Runs `cargo test` twice: for the workspace with all features, and for each published package
/// that declares features of its own with its default ones, as its users build it. A failing test
/// does not stop the rest.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Test these packages only (repeatable)
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,

    /// Arguments for `cargo test`, for example `-- some_test` or `-- --test suite`
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<String>,
}

/// The variable with the number of tests that a test program runs at a time.
const THREADS: &str = "RUST_TEST_THREADS";

/// Returns the value that the user has set, or six tests for each core: most tests mostly wait.
fn threads() -> OsString {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    env::var_os(THREADS).unwrap_or_else(|| (6 * cores).to_string().into())
}

/// Runs every pass, and prints the sum of all results.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let passes = passes(&project::metadata()?, args);
    let mut tally = Tally::default();
    let mut good = true;
    println!("{} pass(es):", passes.len());
    for pass in &passes {
        println!("    cargo {}", pass.join(" "));
    }
    for pass in &passes {
        println!("\n=== cargo {}", pass.join(" "));
        let mut command = project::cargo();
        command.args(pass).env(THREADS, threads());
        good &= run_pass(command, &mut tally)?;
    }
    tally.recall_failures();
    println!("\n{tally}");
    Ok(Outcome::passed_if(good && tally.failed == 0))
}

/// Returns the arguments of each `cargo` call.
fn passes(metadata: &Metadata, args: &Args) -> Vec<Vec<String>> {
    let chosen = |package: &&&Package| {
        args.package.is_empty() || args.package.iter().any(|name| *name == *package.name)
    };
    let packages = metadata.workspace_packages();
    let featured: Vec<_> = packages
        .iter()
        .filter(chosen)
        .filter(|package| is_published(package) && has_optional_features(&package.features))
        .map(|package| package.name.to_string())
        .collect();

    let mut all_features = selection(&args.package);
    all_features.extend(features::all(metadata, &args.package));
    let mut passes = vec![all_features];
    if !featured.is_empty() {
        passes.push(selection(&featured));
    }
    for pass in &mut passes {
        pass.extend(args.rest.iter().cloned());
    }
    passes
}

/// Selects these packages, or the workspace if there are none.
fn selection(packages: &[String]) -> Vec<String> {
    let mut pass: Vec<String> = vec!["test".into(), "--no-fail-fast".into()];
    if packages.is_empty() {
        pass.push("--workspace".into());
    }
    for package in packages {
        pass.extend(["--package".into(), package.clone()]);
    }
    pass
}

/// Returns `true` if the package has users outside of this workspace.
fn is_published(package: &Package) -> bool {
    package.publish.as_deref() != Some(&[])
}

/// Returns `true` if the default features leave anything out. Otherwise the first pass has tested
/// them.
fn has_optional_features(features: &BTreeMap<String, Vec<String>>) -> bool {
    let default = features.get("default").map_or(&[][..], Vec::as_slice);
    features
        .keys()
        .any(|name| name != "default" && !default.contains(name))
}

/// Runs one pass, shows its output, and adds its results to `tally`.
fn run_pass(mut command: Command, tally: &mut Tally) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
    for line in output.split(b'\n') {
        let line = line.context("cannot read the output of cargo")?;
        tally.add(&String::from_utf8_lossy(&line));
        let mut out = stdout().lock();
        out.write_all(&line)?;
        out.write_all(b"\n")?;
    }
    Ok(child.wait()?.success())
}

/// The results of the test programs: the sum over their result lines, and their failures.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// The lines from the first `failures:` of a test program to its result line.
    failures: Vec<String>,
    in_failures: bool,
}

impl Tally {
    /// Adds the figures of `line` if it is a result line: `test result: ok. 3 passed; 0 failed; 1
    /// ignored; 0 measured; ...`.
    fn add(&mut self, line: &str) {
        self.in_failures |= line == "failures:";
        if self.in_failures {
            self.failures.push(line.to_owned());
        }
        let Some((_, figures)) = line
            .trim()
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.in_failures = false;
        for figure in figures.split("; ") {
            match figure.split_once(' ') {
                Some((count, "passed")) => self.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => self.failed += count.parse().unwrap_or(0),
                Some((count, "ignored")) => self.skipped += count.parse().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// Prints the failures of all passes again, at the end of the log.
    fn recall_failures(&self) {
        if !self.failures.is_empty() {
            println!("\n=== failures, once more");
        }
        for line in &self.failures {
            println!("{line}");
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        list.iter()
            .map(|(name, on)| ((*name).into(), on.iter().map(|s| (*s).into()).collect()))
            .collect()
    }

    #[test]
    fn result_lines_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; x");
        tally.add("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.add("test some_test ... ok");
        assert_eq!(
            tally,
            Tally {
                passed: 5,
                failed: 4,
                skipped: 1,
                ..Tally::default()
            }
        );
        assert_eq!(tally.to_string(), "5 passed, 4 failed, 1 skipped");
    }

    #[test]
    fn failures_are_kept_with_what_they_said() {
        let mut tally = Tally::default();
        let failed = [
            "failures:",
            "---- some_test stdout ----",
            "thread panicked: why",
            "failures:",
            "    some_test",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        ];
        tally.add("test some_test ... FAILED");
        failed.iter().for_each(|line| tally.add(line));
        tally.add("test other_test ... ok");
        assert_eq!(tally.failures, failed);
    }

    #[test]
    fn packages_whose_default_is_everything_need_one_pass() {
        assert!(!has_optional_features(&features(&[])));
        assert!(!has_optional_features(&features(&[
            ("default", &["std"]),
            ("std", &[])
        ])));
        assert!(has_optional_features(&features(&[
            ("default", &[]),
            ("fast-masks", &[])
        ])));
    }

    #[test]
    fn chosen_packages_replace_the_workspace() {
        assert_eq!(selection(&[]).join(" "), "test --no-fail-fast --workspace");
        assert_eq!(
            selection(&["xtask".into()]).join(" "),
            "test --no-fail-fast --package xtask"
        );
    }
}
