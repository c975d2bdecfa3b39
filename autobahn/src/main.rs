//! `cargo xtask autobahn`: the conformance suite against the echo peers of every runtime, or
//! against other echo programs.
//!
//! An [`engine`] runs the cases and writes reports in the form of Autobahn: the command
//! `ws-conformance` of this workspace, or the original suite. The command also judges the reports
//! of the original, and compares those of both.

#![forbid(unsafe_code)]

mod engine;
mod native;
mod plan;
mod suite;
mod wstest;

use std::env;
use std::io::{IsTerminal, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use ws_conformance::case::pattern::{self, Pattern};
use ws_conformance::case::{Case, CaseId, Http};
use ws_conformance::cases::Sets;
use ws_conformance::role::Role;
use ws_test_certificates::options::Certificates;
use ws_test_programs::peers::Peers;
use ws_test_programs::{Outcome, interrupt, project};

use engine::{Engine, EngineKind, Finished, Setup, Tuning};
use plan::Run;
use suite::Suite;

/// Run a conformance suite against the echo peers, and compare with the expectations.
///
/// The peers are optimized. The native engine is `ws-conformance`, a part of this workspace. The
/// original suite, `wstest`, is a Python 2.7 program. It is installed once below the target
/// directory, from a Python 2.7 on PATH or of pyenv, or taken from a container image if docker or
/// podman has a working engine. `both` runs both, and lists each case on which they disagree.
///
/// Every verdict must be OK unless a line of autobahn/expectations.toml allows another one.
/// Nothing is expected of testees on other libraries: every case must have a result, and with
/// `both` the same verdict.
///
/// With --http2, all connections are over HTTP/2 (RFC 8441), also together with --tls. The echo
/// servers of the runtimes do not serve HTTP/2. The one on axum does: name it with --testee.
///
/// With --tls, all connections are over TLS, with certificates that are made for the run. The
/// expectations are the same. Only the native engine supports TLS.
///
/// Exit status: 0 all as expected; 1 unexpected verdicts, or engines that disagree; 2 a run was not
/// completed.
#[derive(Parser)]
#[command(
    name = "cargo xtask autobahn",
    bin_name = "cargo xtask autobahn",
    max_term_width = 100
)]
struct Args {
    /// The engine that runs the cases
    #[arg(long, value_enum, default_value = "native")]
    engine: EngineKind,

    /// The set from which cases are selected; wstest has the original cases only
    #[arg(long, value_name = "SET", value_enum, default_value_t = Sets::Original)]
    set: Sets,

    /// Cases to run, comma-separated: ids, or patterns in which `*` is any text
    #[arg(
        long,
        value_name = "PATTERNS",
        value_delimiter = ',',
        default_value = "*"
    )]
    cases: Vec<String>,

    /// Test this role only [default: both]
    #[arg(long, value_enum)]
    role: Option<Role>,

    /// Test the executables `echo-NAME` and `echo-client-NAME`, names comma-separated: tokio,
    /// async-std, smol, or with --testee-dir axum and others [default: these three]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    testee: Vec<String>,

    /// Run the cases over wss:// instead of ws://, with the native engine
    #[arg(long)]
    tls: bool,

    /// Run the cases over HTTP/2 instead of HTTP/1.1, with the native engine
    #[arg(long)]
    http2: bool,

    /// Take less time for groups 12 and 13. Native engine: 100 messages in the cases of 1,000.
    /// wstest, which needs seven minutes and more for them with each testee and role: a sample of
    /// every data set and every set of parameters
    #[arg(long)]
    quick: bool,

    /// Continue an interrupted run of wstest: run only the cases without a report about the same
    /// executable. The part that was interrupted runs again
    #[arg(long)]
    resume: bool,

    /// The number of parallel cases or testees. Native engine: cases [default: 4 for each core].
    /// wstest: testees and roles [default: 1]; on a machine with too few cores,
    /// cases with a time limit fail, and durations are meaningless
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,

    /// The seed of the native engine's masking keys
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// The folder for reports: `DIR/ENGINE/AGENT/`, emptied first unless --resume is given. With
    /// --tls, it is `DIR/native-wss/`, beside the runs without TLS. With --http2, `-http2` is added
    /// [default: autobahn in the target directory]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Stop a run of wstest after this many seconds without progress, in addition to the suite's
    /// own timer for the current case
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,

    /// Test executables in this directory instead of ws-peers
    #[arg(long, value_name = "DIR")]
    testee_dir: Option<PathBuf>,

    /// Print without colors [default: colors on a terminal, unless NO_COLOR is set]
    #[arg(long)]
    no_color: bool,
}

fn main() -> ExitCode {
    ws_test_programs::report(&run(&Args::parse()))
}

/// Runs the engines and testees of the arguments.
fn run(args: &Args) -> Result<Outcome> {
    interrupt::install();
    args.check_native()?;
    let http = args.http();
    let selected = select(args.set, &args.cases, http)?;
    let mut runs = plan::plan(&args.testee, args.role);
    runs.retain(|run| run.supports(http) && !run.cases(&selected).is_empty());
    if runs.is_empty() {
        bail!("no testee has this role, these cases and {http}");
    }
    args.check_directory(&runs)?;
    let home = project::metadata()?
        .target_directory
        .join("autobahn")
        .into_std_path_buf();
    let output = args.output.as_ref().unwrap_or(&home);
    let certificates = args.certificates(&output.join("certificates"))?;
    let engines = engine::prepare(args.engine, args.tuning(), &home)?;
    let mut selected = common(&engines, selected)?;
    if args.quick {
        selected.retain(|case| engines.iter().all(|engine| engine.is_quick(*case)));
        if selected.is_empty() {
            bail!("a quick run has none of these cases");
        }
    }
    let (suite, peers) = args.programs()?;
    for run in &runs {
        peers.find(&run.testee_name())?;
    }
    let mut finished = Vec::new();
    for engine in &engines {
        println!("engine: {}", engine.describe());
        let setup = Setup {
            suite: &suite,
            peers: &peers,
            options: args.testee_options(),
            http,
            certificates: certificates.as_ref(),
            selected: &selected,
            output: output.join(args.report_dir(&**engine)),
        };
        finished.push(engine.run_all(&runs, &setup)?);
    }
    conclude(&suite, &finished)
}

impl Args {
    /// Finds the suite and the testees. Those of the workspace are built together with this
    /// program, into one directory.
    fn programs(&self) -> Result<(Suite, Peers)> {
        let this = env::current_exe().context("cannot find this program")?;
        let built = Peers::in_dir(this.parent().context("this program has no directory")?)?;
        let suite = Suite {
            executable: built.find("ws-conformance")?.to_owned(),
            has_colors: self.colors(),
        };
        let peers = match &self.testee_dir {
            Some(dir) => Peers::in_dir(dir)?,
            None => built,
        };
        Ok((suite, peers))
    }

    /// Returns the options of the testees. Our testees compress only with an option, and groups 12
    /// and 13 are about compression. The cases measure no lengths, so the fastest profile serves.
    fn testee_options(&self) -> &'static [&'static str] {
        match self.testee_dir {
            Some(_) => &[],
            None => &["--deflate=fast"],
        }
    }

    /// Refuses testees that are not built with this program, unless their directory is named.
    fn check_directory(&self, runs: &[Run]) -> Result<()> {
        if let (None, Some(run)) = (&self.testee_dir, runs.iter().find(|run| !run.is_peer())) {
            bail!(
                "{} is not a runtime: name the directory of `{}` with --testee-dir",
                run.name,
                run.testee_name()
            );
        }
        Ok(())
    }

    /// Refuses TLS with the original suite, which would need the TLS library of a Python 2.7, and
    /// HTTP/2, which it does not support.
    fn check_native(&self) -> Result<()> {
        if (self.tls || self.http2) && self.engine != EngineKind::Native {
            bail!("only the native engine supports TLS and HTTP/2: leave out --engine");
        }
        Ok(())
    }

    fn http(&self) -> Http {
        match self.http2 {
            true => Http::Two,
            false => Http::One,
        }
    }

    /// Makes the certificates of this call.
    fn certificates(&self, dir: &Path) -> Result<Option<Certificates>> {
        Ok(self.tls.then(|| Certificates::make(dir)).transpose()?)
    }

    /// Returns the name of the directory for the reports of `engine`. Reports over other
    /// protocols have the same file names.
    fn report_dir(&self, engine: &dyn Engine) -> String {
        let over = |is_used: bool, suffix| if is_used { suffix } else { "" };
        let (tls, http2) = (over(self.tls, "-wss"), over(self.http2, "-http2"));
        format!("{}{tls}{http2}", engine.name())
    }

    fn tuning(&self) -> Tuning {
        Tuning {
            jobs: self.jobs,
            seed: self.seed,
            is_quick: self.quick,
            resume: self.resume,
            timeout: self.timeout,
        }
    }

    fn colors(&self) -> bool {
        !self.no_color && env::var_os("NO_COLOR").is_none() && stdout().is_terminal()
    }
}

/// Returns the cases of the set that match any of the patterns, in order. With HTTP/2, the cases of
/// HTTP/1.1 are left out, because they would all be NOT APPLICABLE.
fn select(set: Sets, patterns: &[String], http: Http) -> Result<Vec<CaseId>> {
    let cases = set.cases().filter(|case| case.runs_over(http));
    let all: Vec<_> = cases.map(Case::id).collect();
    let patterns: Vec<_> = patterns.iter().map(|text| Pattern::new(text)).collect();
    Ok(pattern::select(&all, &patterns, &[])?)
}

/// Returns the selected cases that every engine has. Prints a note if some are missing.
fn common(engines: &[Box<dyn Engine>], selected: Vec<CaseId>) -> Result<Vec<CaseId>> {
    let mut common = selected;
    for engine in engines {
        let before = common.len();
        common.retain(|case| engine.has(*case));
        let (name, left) = (engine.name(), common.len());
        if left == 0 {
            bail!("the engine {name} has none of these cases");
        }
        if left < before {
            println!("{left} of {before} cases: the engine {name} does not have the others");
        }
    }
    Ok(common)
}

/// Lists each case on which two engines disagree, for each run.
fn agreement(suite: &Suite, finished: &[Vec<Finished>]) -> Result<Outcome> {
    let [ours, theirs] = finished else {
        return Ok(Outcome::Passed);
    };
    let mut agreed = true;
    for (one, other) in ours.iter().zip(theirs) {
        println!("\n{}: both engines compared", one.run.agent);
        agreed &= suite.compare(&one.dir, &other.dir)? == Outcome::Passed;
    }
    Ok(Outcome::passed_if(agreed))
}

/// Returns the outcome of the whole call.
fn conclude(suite: &Suite, finished: &[Vec<Finished>]) -> Result<Outcome> {
    if interrupt::requested() {
        bail!("interrupted");
    }
    let all = || finished.iter().flatten();
    let incomplete: Vec<_> = all()
        .filter(|finished| finished.outcome.is_err())
        .map(|finished| finished.run.agent.as_str())
        .collect();
    if !incomplete.is_empty() {
        bail!("not completed: {}", incomplete.join(", "));
    }
    let agreed = agreement(suite, finished)?;
    let good = all().all(|finished| matches!(finished.outcome, Ok(Outcome::Passed)));
    println!(
        "{}",
        match (good, agreed) {
            (true, Outcome::Passed) => "all as expected",
            (true, Outcome::Failed) => "all as expected, but the engines disagree",
            (false, _) => "some verdicts are unexpected",
        }
    );
    Ok(Outcome::passed_if(good && agreed == Outcome::Passed))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use ws_conformance::expect::Expectations;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_expectations_of_this_project_are_sound() {
        let expectations = Expectations::load(&suite::expectations()).unwrap();
        let cases: Vec<_> = Sets::All.cases().map(Case::id).collect();
        let axum = Run::new("axum", Role::Server);
        for run in plan::plan(&[], None).into_iter().chain([axum]) {
            let testee = run.testee();
            expectations.check_unambiguous(&cases, &testee).unwrap();
            for always in ["7.1.6", "7.13.1", "7.13.2"] {
                let entry = expectations.find(always.parse().unwrap(), &testee).unwrap();
                assert_eq!(entry.verdict().behavior.to_string(), "INFORMATIONAL");
            }
        }
    }

    #[test]
    fn cases_of_both_engines_can_be_selected() {
        let select = |text: &str| super::select(Sets::Original, &[text.to_owned()], Http::One);
        assert_eq!(select("*").unwrap().len(), 517);
        assert_eq!(select("12.1.1").unwrap().len(), 1);
        assert!(select("8.*").is_err());
    }

    #[test]
    fn extra_cases_are_there_when_they_are_asked_for() {
        let select = |set, text: &str| super::select(set, &[text.to_owned()], Http::One);
        assert!(select(Sets::Original, "20.*").is_err());
        assert!(select(Sets::Extra, "1.1.1").is_err());
        let extra = select(Sets::Extra, "*").unwrap();
        assert!(extra.iter().all(|case| case.group() >= 20));
        assert_eq!(select(Sets::All, "*").unwrap().len(), 517 + extra.len());
    }

    #[test]
    fn each_version_of_http_has_its_own_cases() {
        let select = |text: &str, http| super::select(Sets::All, &[text.to_owned()], http);
        for (group, only) in [
            ("20.*", Http::One),
            ("22.*", Http::One),
            ("28.*", Http::Two),
        ] {
            for http in [Http::One, Http::Two] {
                assert_eq!(select(group, http).is_ok(), http == only, "{group} {http}");
            }
        }
        assert_eq!(
            select("23.*", Http::One).unwrap(),
            select("23.*", Http::Two).unwrap()
        );
    }
}
