//! `cargo xtask ci`: the checks and tests of CI, step by step.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;

use crate::{Outcome, features, no_std, packages, program, project, test, tidy};

/// Run all checks and tests of CI, and print a table at the end.
///
/// A failing step does not stop the rest. No step needs Python or a network. A step that needs a
/// program or a compiler that is missing is skipped, and the table names the reason.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave this step out (repeatable)
    #[arg(long, value_name = "STEP", value_parser = step_names())]
    skip: Vec<String>,

    /// Run this step only (repeatable)
    #[arg(long, value_name = "STEP", value_parser = step_names(), conflicts_with = "skip")]
    only: Vec<String>,

    /// List the steps and stop
    #[arg(long)]
    list: bool,
}

/// A step: its name, and its action.
struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    /// Calls cargo with these arguments, and an environment variable.
    Cargo(&'static str, Option<(&'static str, &'static str)>),
    /// Runs `cargo xtask autobahn` with these arguments on these cases, in a development build. The
    /// tests need most of it, too, and optimizing takes longer than it saves.
    Autobahn(&'static str, &'static str),
    /// Checks the licenses and sources of dependencies with cargo-deny, if it is installed.
    Deny,
    /// Runs `cargo xtask bench --instructions`, if this machine can compare the counts.
    Instructions,
    /// Checks the core without std, and the cores without an operating system.
    NoStd,
    /// Runs `cargo xtask test`.
    Test,
    /// Runs `cargo xtask tidy`.
    Tidy,
}

/// The steps in order. The cheapest come first, so that mistakes are found early.
const STEPS: &[Step] = &[
    step("fmt", Action::Cargo("fmt --all --check", None)),
    step("tidy", Action::Tidy),
    step("deny", Action::Deny),
    step("clippy", Action::Cargo(CLIPPY, None)),
    step(
        "doc",
        Action::Cargo(DOC, Some(("RUSTDOCFLAGS", "-D warnings"))),
    ),
    step("no-std", Action::NoStd),
    step("instructions", Action::Instructions),
    step(
        "loom",
        Action::Cargo(LOOM, Some(("RUSTFLAGS", "--cfg loom"))),
    ),
    step("test", Action::Test),
    // Both sets of cases, shortened. The runtimes share one implementation of the protocol, so the
    // others need only the cases that depend on their adapters.
    step(
        "autobahn",
        Action::Autobahn("--set all --quick --testee tokio", "*"),
    ),
    step(
        "autobahn-others",
        Action::Autobahn("--quick --testee async-std,smol", LOWER_LAYERS),
    ),
    step(
        "autobahn-tls",
        Action::Autobahn("--tls --quick --testee tokio", LOWER_LAYERS),
    ),
    step(
        "autobahn-http2",
        Action::Autobahn("--http2 --quick --set all --testee tokio", HTTP_2),
    ),
];

const fn step(name: &'static str, action: Action) -> Step {
    Step { name, action }
}

const CLIPPY: &str = "clippy --workspace --all-targets --all-features -- -D warnings";

/// Only the packages whose documentation has readers.
const DOC: &str = "doc --published --no-deps --all-features";

/// Other flags apply to everything. In the same directory, they would discard the builds of the
/// other steps. The feature adds the counters, which the registry sums while connections end.
const LOOM: &str = "test --package ws-driver --package ws-topics --features ws-driver/stats --lib \
                    --release --target-dir target/loom loom";

/// The cases of each kind that depend on the layers below WebSocket: fragments, bytes one by one,
/// each way to end a connection, long messages in both directions, compression.
const LOWER_LAYERS: &str = "1.*,2.*,5.*,7.*,9.1.*,9.2.*,10.*,12.1.*";

/// The cases of HTTP/2 itself, and some of each kind that depend on a stream as a transport.
const HTTP_2: &str = "1.*,2.*,5.*,7.1.*,9.2.1,24.*,28.*";

/// The part of cargo-deny that needs no network. Advisories are checked by a workflow.
const DENY: &str = "deny check bans licenses sources";

fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs the selected steps and prints their results and times.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let steps = chosen(args);
    if args.list {
        for step in steps {
            println!("{:12} {}", step.name, step.describe());
        }
        return Ok(Outcome::Passed);
    }
    if steps.is_empty() {
        bail!("no step is left to run; remove a --skip");
    }
    let results: Vec<_> = steps.into_iter().map(run_step).collect();
    println!("\n{}", table(&results));
    Ok(Outcome::passed_if(
        results.iter().all(|result| result.verdict.is_good()),
    ))
}

/// Returns the steps of the arguments, in their fixed order.
fn chosen(args: &Args) -> Vec<&'static Step> {
    let named = |list: &[String], step: &Step| list.iter().any(|name| name == step.name);
    STEPS
        .iter()
        .filter(|step| !named(&args.skip, step))
        .filter(|step| args.only.is_empty() || named(&args.only, step))
        .collect()
}

impl Step {
    fn describe(&self) -> String {
        match self.action {
            Action::Cargo(arguments, None) => format!("cargo {arguments}"),
            Action::Cargo(arguments, Some((name, value))) => {
                format!("{name}='{value}' cargo {arguments}")
            }
            Action::Deny => format!("cargo {DENY}"),
            Action::Instructions => "cargo xtask bench --instructions".into(),
            Action::NoStd => "the cores for targets without std or operating system".into(),
            Action::Autobahn(arguments, cases) => {
                format!("cargo xtask autobahn {arguments} --cases {cases}")
            }
            Action::Test | Action::Tidy => format!("cargo xtask {}", self.name),
        }
    }

    /// Returns the reason why this machine cannot perform the step, if there is one.
    fn obstacle(&self) -> Result<Option<String>> {
        match self.action {
            Action::Deny if !has_cargo_deny() => Ok(Some(
                "cargo-deny is not installed: `cargo install --locked cargo-deny`".into(),
            )),
            Action::Instructions => obstacle_to_counting(),
            _ => Ok(None),
        }
    }

    fn perform(&self) -> Result<Outcome> {
        match self.action {
            Action::Cargo(arguments, environment) => call_cargo(arguments, environment),
            Action::Autobahn(arguments, cases) => {
                let words = arguments.split(' ').chain(["--cases", cases]);
                let words: Vec<_> = words.map(OsString::from).collect();
                program::autobahn("dev", &words)
            }
            Action::Deny => call_cargo(DENY, None),
            Action::Instructions => program::measure("bench", &["--instructions".into()]),
            Action::NoStd => no_std::run(),
            Action::Test => test::run(&test::Args::default()),
            Action::Tidy => tidy::run(),
        }
    }
}

/// Calls cargo. `--all-features` are those that this machine can build, and `--published` are the
/// packages with users outside of this workspace.
fn call_cargo(arguments: &str, environment: Option<(&str, &str)>) -> Result<Outcome> {
    let metadata = project::metadata()?;
    let published = packages::published(&metadata).into_iter();
    let published = packages::arguments(published.map(|package| &package.name));
    let mut command = project::cargo();
    for argument in arguments.split(' ') {
        match argument {
            "--all-features" => command.args(features::all(&metadata, &[])),
            "--published" => command.args(&published),
            argument => command.arg(argument),
        };
    }
    let status = command.envs(environment).status()?;
    Ok(Outcome::passed_if(status.success()))
}

fn has_cargo_deny() -> bool {
    let output = project::cargo().args(["deny", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Returns the reason why this machine cannot compare counts of instructions, if there is one.
fn obstacle_to_counting() -> Result<Option<String>> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(Some("valgrind is not installed".into()));
    }
    let rustc = Command::new("rustc").arg("--version").output()?.stdout;
    let rustc = String::from_utf8_lossy(&rustc);
    let counts = fs::read_to_string(project::root().join("benches/instructions.toml"))?;
    let is_same = counts.contains(&format!("rustc = \"{}\"", rustc.trim()));
    Ok((!is_same).then(|| format!("the committed counts are not of {}", rustc.trim())))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    /// The step was not possible.
    Broken,
    /// This machine lacks a program for the step. The text is the reason.
    Skipped(String),
}

impl Verdict {
    fn is_good(&self) -> bool {
        matches!(self, Self::Passed | Self::Skipped(_))
    }
}

struct StepResult {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
}

fn run_step(step: &'static Step) -> StepResult {
    println!("\n--- {}: {}", step.name, step.describe());
    let started = Instant::now();
    let verdict = verdict(step).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Verdict::Broken
    });
    StepResult {
        name: step.name,
        verdict,
        took: started.elapsed(),
    }
}

fn verdict(step: &Step) -> Result<Verdict> {
    if let Some(reason) = step.obstacle()? {
        println!("skipped: {reason}");
        return Ok(Verdict::Skipped(reason));
    }
    Ok(match step.perform()? {
        Outcome::Passed => Verdict::Passed,
        Outcome::Failed => Verdict::Failed,
    })
}

fn table(results: &[StepResult]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_header(["step", "result", "time"]);
    for result in results {
        let verdict = match &result.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Broken => "COULD NOT RUN",
            Verdict::Skipped(reason) => &format!("skipped: {reason}"),
        };
        let took = format!("{:.1} s", result.took.as_secs_f64());
        table.add_row([result.name, verdict, &took]);
    }
    table
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn names(line: &[&str]) -> Vec<&'static str> {
        let line = Line::parse_from([&["ci"], line].concat());
        chosen(&line.args)
            .into_iter()
            .map(|step| step.name)
            .collect()
    }

    #[test]
    fn everything_is_the_default() {
        assert_eq!(
            names(&[]),
            [
                "fmt",
                "tidy",
                "deny",
                "clippy",
                "doc",
                "no-std",
                "instructions",
                "loom",
                "test",
                "autobahn",
                "autobahn-others",
                "autobahn-tls",
                "autobahn-http2"
            ]
        );
    }

    #[test]
    fn steps_can_be_chosen_and_left_out() {
        assert_eq!(names(&["--only", "tidy", "--only", "fmt"]), ["fmt", "tidy"]);
        assert_eq!(names(&["--only", "autobahn"]), ["autobahn"]);
        assert!(!names(&["--skip", "test"]).contains(&"test"));
    }

    #[test]
    fn an_unknown_step_is_refused() {
        assert!(Line::try_parse_from(["ci", "--skip", "tests"]).is_err());
    }

    #[test]
    fn the_table_names_each_step_and_its_result() {
        let result = |verdict: Verdict| StepResult {
            name: "doc",
            verdict,
            took: Duration::from_millis(90),
        };
        let skipped = Verdict::Skipped("no compiler".into());
        let results = [Verdict::Failed, Verdict::Broken, skipped].map(result);
        let shown = table(&results).to_string();
        for part in ["FAILED", "COULD NOT RUN", "skipped: no compiler", "0.1 s"] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn only_a_failed_or_an_impossible_step_is_a_failure() {
        let good = [Verdict::Passed, Verdict::Skipped(String::new())];
        assert!(good.iter().all(Verdict::is_good));
        let bad = [Verdict::Failed, Verdict::Broken];
        assert!(!bad.iter().any(Verdict::is_good));
    }
}
