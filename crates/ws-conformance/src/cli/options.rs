//! The common options of the commands `server` and `client`.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use ws_conformance::case::pattern::{self, Pattern};
use ws_conformance::case::{Case, CaseId, Http};
use ws_conformance::cases::{self, Sets};
use ws_conformance::expect::{Expectations, Standard, Testee};
use ws_conformance::role::Role;
use ws_conformance::settings::Settings;
use ws_conformance::spec::{self, Spec};

use super::output::Output;
use super::program::Program;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Cases to run, comma-separated: ids, or patterns in which `*` is any text, as in `7.1.*`
    /// [default: all]
    #[arg(
        long,
        visible_alias = "case",
        value_name = "PATTERNS",
        value_delimiter = ','
    )]
    pub(super) cases: Vec<String>,

    /// The set from which cases are selected [default: original, and those of the others that
    /// --cases names]
    #[arg(long, value_name = "SET", value_enum)]
    set: Option<Sets>,

    /// Cases to leave out, in the form of --cases
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    exclude: Vec<String>,

    /// Use HTTP/2 (RFC 8441) instead of HTTP/1.1: with prior knowledge, or with ALPN for wss://.
    /// Group 28 is available only then, and the opening handshakes of HTTP/1.1, groups 20 and 22,
    /// are NOT APPLICABLE
    #[arg(long)]
    http2: bool,

    /// Send 100 messages instead of 1,000 in 9.7.*, 9.8.*, 12.* and 13.*. Reports mention it
    #[arg(long)]
    quick: bool,

    /// The seed of the masking keys. The same seed sends the same bytes
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,

    /// Multiply all time limits and waits. Use 2 or more for slow machines
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = time_scale)]
    pub(super) time_scale: f64,

    /// The folder for reports: index.json and a file for each case. Results of other cases and
    /// agents stay in the folder [default: reports/servers or reports/clients]
    #[arg(long, value_name = "DIR")]
    outdir: Option<PathBuf>,

    /// A settings file of the original suite: fuzzingclient.json for servers, fuzzingserver.json
    /// for clients. Options of the command line take precedence; --cases replaces the selection of
    /// cases
    #[arg(long, value_name = "FILE")]
    pub(super) spec: Option<PathBuf>,

    /// Print a summary for programs on standard output, and everything else on standard error
    #[arg(long)]
    pub(super) json: bool,

    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,

    /// A file of verdicts that may differ from OK, each with its reason. A different verdict
    /// without an entry is unexpected, and an entry that is no longer needed, too
    #[arg(long, value_name = "FILE", conflicts_with = "strict")]
    expect: Option<PathBuf>,

    /// Treat NON-STRICT, UNIMPLEMENTED and unstable results as unexpected, not only failures
    #[arg(long)]
    strict: bool,

    /// Do not run cases with an unexpected result a second time. Without this option, the second
    /// run counts, and a case with different verdicts is reported as unstable
    #[arg(long)]
    pub(super) no_retry: bool,

    /// Print the dialogue of each case: the opening handshake, frames and bytes, in both
    /// directions, and the verdict with its reasons. Long frames and pieces are cut to 64 bytes,
    /// after their lengths. The reasons name the first byte of a message that is wrong
    #[arg(long)]
    pub(super) trace: bool,

    /// Print without colors [default: colors on a terminal, unless NO_COLOR is set]
    #[arg(long)]
    no_color: bool,
}

/// The checked options. All mistakes in them are reported before the run.
pub(super) struct Plan {
    pub(super) spec: Option<Spec>,
    pub(super) cases: Vec<&'static Case>,
    pub(super) settings: Settings,
    pub(super) outdir: PathBuf,
    pub(super) output: Output,
    pub(super) colors: bool,
    expectations: Option<Expectations>,
    strict: bool,
}

impl Options {
    /// Returns the version of HTTP.
    pub(super) fn http(&self) -> Http {
        match self.http2 {
            true => Http::Two,
            false => Http::One,
        }
    }

    pub(super) fn plan(&self, role: Role) -> Result<Plan> {
        let spec = self.spec.as_ref().map(|file| Spec::load(file, role));
        let spec = spec.transpose()?;
        let output = Output::beside_json(self.json);
        for ignored in spec.iter().flat_map(|spec| &spec.ignored) {
            eprintln!("warning: settings file: {ignored}; it is ignored");
        }
        let settings = Settings::default()
            .with_seed(self.seed)
            .with_time_scale(self.time_scale);
        let settings = match self.quick {
            true => settings.quick(),
            false => settings,
        };
        let settings = match &spec {
            Some(spec) => spec.apply(&settings),
            None => settings,
        };
        let outdir = spec.as_ref().map(|spec| spec.outdir.clone());
        let outdir = self.outdir.clone().or(outdir);
        let expectations = self.expect.as_deref().map(Expectations::load);
        Ok(Plan {
            cases: self.select(spec.as_ref(), role)?,
            spec,
            settings,
            outdir: outdir.unwrap_or_else(|| spec::default_outdir(role)),
            output,
            colors: !self.no_color && output.has_colors(),
            expectations: expectations.transpose()?,
            strict: self.strict,
        })
    }

    /// Returns the cases from which --cases selects. Without --set, a pattern that matches no case
    /// of the original suite is about the extra ones.
    fn available(&self, role: Role) -> Vec<CaseId> {
        let of = |set: Sets| {
            let is_for_it = |case: &&Case| {
                // With HTTP/2, the cases of HTTP/1.1 remain, and name their counterparts.
                let is_available = self.http2 || case.runs_over(Http::One);
                case.roles().include(role) && is_available
            };
            let cases = set.cases().filter(is_for_it);
            cases.map(Case::id).collect::<Vec<_>>()
        };
        if let Some(set) = self.set {
            return of(set);
        }
        let matches = |pattern: &Pattern, case: &CaseId| pattern.matches(&case.to_string());
        let mut available = of(Sets::Original);
        let mut beyond = patterns(&self.cases);
        beyond.retain(|pattern| !available.iter().any(|case| matches(pattern, case)));
        let named = |case: &CaseId| beyond.iter().any(|pattern| matches(pattern, case));
        available.extend(of(Sets::Extra).into_iter().filter(named));
        available
    }

    /// Refuses patterns of which only HTTP/2 has cases.
    fn check_http(&self, available: &[CaseId]) -> Result<()> {
        let of_http2 = cases::all()
            .iter()
            .filter(|case| !case.runs_over(Http::One));
        let of_http2: Vec<_> = of_http2.map(Case::id).collect();
        for text in self.cases.iter().filter(|_| !self.http2) {
            let pattern = Pattern::new(text);
            let matches = |case: &CaseId| pattern.matches(&case.to_string());
            if !available.iter().any(matches) && of_http2.iter().any(matches) {
                bail!("{text} is about HTTP/2: add --http2");
            }
        }
        Ok(())
    }

    fn select(&self, spec: Option<&Spec>, role: Role) -> Result<Vec<&'static Case>> {
        let mut available = self.available(role);
        self.check_http(&available)?;
        if let (Some(spec), true) = (spec, self.cases.is_empty()) {
            available = spec.select(&available)?;
        }
        let chosen = match &*self.cases {
            [] => vec![Pattern::new("*")],
            texts => patterns(texts),
        };
        let excluded = patterns(&self.exclude);
        let selected = pattern::select(&available, &chosen, &excluded)?;
        Ok(selected.into_iter().filter_map(cases::find).collect())
    }
}

impl Plan {
    /// Returns the ids of the cases for this agent.
    pub(super) fn cases_for(&self, agent: &str) -> Vec<CaseId> {
        let excluded = |case: &CaseId| {
            let spec = self.spec.as_ref();
            spec.is_some_and(|spec| spec.excludes(agent, *case))
        };
        let ids = self.cases.iter().map(|case| case.id());
        ids.filter(|case| !excluded(case)).collect()
    }

    /// Returns the expectations on the testees.
    pub(super) fn standard(&self) -> Standard<'_> {
        standard(self.expectations.as_ref(), self.strict)
    }

    /// Refuses contradictory expectations for this testee.
    pub(super) fn check_expectations(&self, testee: &Testee) -> Result<()> {
        if let Some(expectations) = &self.expectations {
            expectations.check_unambiguous(&self.cases_for(&testee.agent), testee)?;
        }
        Ok(())
    }

    /// Stops the run at Ctrl-C and at a termination signal. A second signal ends the process at
    /// once, and all processes of the program under test.
    pub(super) fn stop_on_signals(&self, program: Option<Arc<Program>>) {
        let stop = self.settings.stop.clone();
        let installed = ctrlc::set_handler(move || {
            if stop.is_raised() {
                program.iter().for_each(|program| program.kill_all());
                process::exit(2);
            }
            stop.raise();
        });
        if let Err(error) = installed {
            eprintln!("warning: Ctrl-C ends the run without a summary: {error}");
        }
    }
}

/// Returns the expectations of the options --expect and --strict.
pub(super) fn standard(expectations: Option<&Expectations>, strict: bool) -> Standard<'_> {
    match expectations {
        Some(expectations) => Standard::Listed(expectations),
        None if strict => Standard::Strict,
        None => Standard::Allowed,
    }
}

/// Returns the patterns of --cases and --exclude.
pub(super) fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

/// Parses a duration in seconds, of a day at most.
pub(super) fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse()?;
    if !(0.0..=86_400.0).contains(&seconds) {
        bail!("write a number of seconds from 0 to 86400");
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn time_scale(text: &str) -> Result<f64> {
    let factor: f64 = text.parse()?;
    if !(0.01..=1000.0).contains(&factor) {
        bail!("write a factor from 0.01 to 1000");
    }
    Ok(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds() {
        assert_eq!(seconds("0.5").unwrap(), Duration::from_millis(500));
        for text in ["-1", "NaN", "inf", "1e9", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_scales_are_factors() {
        assert_eq!(time_scale("2.5").unwrap(), 2.5);
        for text in ["0", "-1", "NaN", "inf", "x"] {
            assert!(time_scale(text).is_err(), "{text}");
        }
    }
}
