//! `cargo xtask test`: every test of the workspace.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write, stdout};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result, bail};
use cargo_metadata::Metadata;

use crate::{Outcome, features, packages, project};

/// Run every test: unit, integration and documentation tests.
///
/// Runs `cargo test` for the workspace with all features. A failing test does not stop the rest.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Test these packages only (repeatable)
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,

    /// Run the tests that the default features leave, of each published package that declares
    /// optional features. Its users build it so
    #[arg(long)]
    default_features: bool,

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

/// Runs the tests, and prints the sum of all results.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let call = call(&project::metadata()?, args)?;
    let mut tally = Tally::default();
    println!("cargo {}", call.join(" "));
    let mut command = project::cargo();
    command.args(call).env(THREADS, threads());
    let good = run_cargo(command, &mut tally)?;
    tally.recall_failures();
    println!("\n{tally}");
    Ok(Outcome::passed_if(good && tally.failed == 0))
}

/// Returns the arguments of `cargo`.
fn call(metadata: &Metadata, args: &Args) -> Result<Vec<String>> {
    let mut call = if args.default_features {
        let packages = with_optional_features(metadata, &args.package);
        if packages.is_empty() {
            bail!("none of these packages is published and has optional features");
        }
        selection(&packages)
    } else {
        let mut all = selection(&args.package);
        all.extend(features::all(metadata, &args.package));
        all
    };
    call.extend(args.rest.iter().cloned());
    Ok(call)
}

/// Returns the published packages among `chosen` that have optional features. No choice means all.
fn with_optional_features(metadata: &Metadata, chosen: &[String]) -> Vec<String> {
    let published = packages::published(metadata).into_iter();
    let featured = published.filter(|package| has_optional_features(&package.features));
    let names = featured.map(|package| package.name.to_string());
    names
        .filter(|name| packages::is_chosen(chosen, name))
        .collect()
}

/// Selects these packages, or the workspace if there are none.
fn selection(packages: &[String]) -> Vec<String> {
    let mut call: Vec<String> = vec!["test".into(), "--no-fail-fast".into()];
    match packages {
        [] => call.push("--workspace".into()),
        packages => call.extend(packages::arguments(packages)),
    }
    call
}

/// Returns `true` if the default features leave anything out.
fn has_optional_features(features: &BTreeMap<String, Vec<String>>) -> bool {
    let default = features.get("default").map_or(&[][..], Vec::as_slice);
    features
        .keys()
        .any(|name| name != "default" && !default.contains(name))
}

/// Runs cargo, shows its output, and adds its results to `tally`.
fn run_cargo(mut command: Command, tally: &mut Tally) -> Result<bool> {
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

    /// Prints all failures again, at the end of the log.
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
    fn features_that_are_not_in_the_default_are_optional() {
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
