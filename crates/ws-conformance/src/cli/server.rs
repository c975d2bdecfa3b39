//! `ws-conformance server`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use ws_conformance::case::CaseId;
use ws_conformance::cases;
use ws_conformance::expect::Testee;
use ws_conformance::pool::{self, Jobs};
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::servers::{self, ProbeError, Target};
use ws_conformance::settings::Settings;
use ws_conformance::tls::{HandshakeError, Trust};

use super::Finish;
use super::collector::Collector;
use super::conclusion::Conclusion;
use super::failure::quoted;
use super::options::{Options, Plan};

/// Test a server.
///
/// The server has to send every text and binary message back. Each case opens a connection of its
/// own. Before the first case, one text and one binary message have to come back: a server that
/// does nothing must not pass the cases that demand silence.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 the run was not possible.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The address of the server: ws://host:port/path, or wss:// for TLS
    #[arg(long, required_unless_present = "spec")]
    url: Option<String>,

    /// The name of the server in reports [default: its `Server` header]
    #[arg(long, value_name = "NAME", requires = "url")]
    agent: Option<String>,

    /// Connect to this Unix socket instead of the host in the URL
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", requires = "url")]
    unix_socket: Option<PathBuf>,

    /// For wss://: trust the certificates in this PEM file, and those that they have signed,
    /// instead of the authorities that browsers trust
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,

    /// For wss://: accept any certificate, also an invalid one. For servers under test only
    #[arg(long)]
    insecure: bool,

    /// The number of cases at a time. Of cases with much data, one runs for each core. With 1,
    /// cases run one after the other [default: 4 for each core]
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance server --url ws://127.0.0.1:9001
  ws-conformance server --url ws://127.0.0.1:9001 --cases '1.*,7.*' --exclude 7.1.6
  ws-conformance server --url ws://127.0.0.1:9001 --case 7.1.5 --trace
  ws-conformance server --url ws://127.0.0.1:9001 --expect expectations.toml --junit results.xml
  ws-conformance server --url wss://localhost:9001 --ca cert.pem
  ws-conformance server --spec fuzzingclient.json";

/// A server with its settings. The name in reports is present after the probe.
struct Testing {
    target: Target,
    settings: Settings,
    agent: String,
}

pub(super) fn run(args: &Args) -> Result<Finish> {
    let plan = args.options.plan(Role::Server)?;
    let targets = args.targets(&plan)?;
    plan.stop_on_signals();
    let collector = Collector::new(&plan, args.options.trace)?;
    let mut tested: Vec<Testing> = Vec::new();
    let mut errors = Vec::new();
    for (target, settings) in targets {
        let url = target.to_string();
        match probe(target, settings, &tested, &plan) {
            Ok(testing) => {
                args.test(&testing, &plan, &collector);
                tested.push(testing);
            }
            Err(error) => errors.push(format!("{url}: {error:#}")),
        }
        if plan.settings.stop.is_raised() {
            errors.push(format!(
                "interrupted; the reports so far are in {}",
                plan.outdir.display()
            ));
            break;
        }
    }
    let replay = |agent: &str, case| {
        let server = tested.iter().find(|testing| testing.agent == agent);
        args.replay(server.map(|testing| &testing.target), case)
    };
    let conclusion = Conclusion {
        role: Role::Server,
        options: &args.options,
        plan: &plan,
        replay: &replay,
    };
    let error = (!errors.is_empty()).then(|| errors.join("\n"));
    conclusion.print(collector.end(), error)
}

/// Probes a server. Agents get different names, because reports identify them by name.
fn probe(target: Target, settings: Settings, tested: &[Testing], plan: &Plan) -> Result<Testing> {
    let probed = servers::probe(&target, &settings).map_err(with_advice)?;
    let name = probed.agent;
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let is_free = |name: &String| tested.iter().all(|other| other.agent != *name);
    let agent = names.find(is_free).unwrap_or(name);
    plan.check_expectations(&Testee {
        agent: agent.clone(),
        role: Role::Server,
    })?;
    Ok(Testing {
        target: target.with_agent(&*agent),
        settings,
        agent,
    })
}

/// Adds the options that help to an error.
fn with_advice(error: ProbeError) -> anyhow::Error {
    match error {
        ProbeError::Tls(HandshakeError::Certificate(_)) => {
            anyhow!("{error}; use --ca FILE to trust its certificates, or --insecure to trust all")
        }
        error => error.into(),
    }
}

impl Args {
    fn test(&self, testing: &Testing, plan: &Plan, collector: &Collector) {
        let ids = plan.cases_for(&testing.agent);
        let cases: Vec<_> = ids.into_iter().filter_map(cases::find).collect();
        collector.expect(&testing.agent, cases.len());
        collector.print(&format!(
            "{}: {} case(s) against {}, seed {}",
            testing.agent,
            cases.len(),
            testing.target,
            testing.settings.seed
        ));
        let (target, settings) = (&testing.target, &testing.settings);
        let run = |case| {
            collector.started(case);
            servers::run_case(target, case, settings)
        };
        let finished = |mut record: Record| {
            record.replay = Some(self.replay(Some(target), record.id));
            collector.finished(record);
        };
        pool::run(&cases, self.jobs(), &settings.stop, run, finished);
    }

    /// Returns the servers, each with its settings.
    fn targets(&self, plan: &Plan) -> Result<Vec<(Target, Settings)>> {
        let mut targets = self.named_targets(plan)?;
        let Some(trust) = self.trust()? else {
            return Ok(targets);
        };
        if !targets.iter().any(|(target, _)| target.is_secure()) {
            bail!("--ca and --insecure are for TLS: write wss:// instead of ws://");
        }
        for (target, _) in &mut targets {
            *target = target.clone().with_trust(&trust);
        }
        Ok(targets)
    }

    /// Returns the trusted certificates, if the options name any.
    fn trust(&self) -> Result<Option<Trust>> {
        match &self.ca {
            Some(file) => Ok(Some(Trust::only(file).context("--ca")?)),
            None => Ok(self.insecure.then(Trust::anyone)),
        }
    }

    fn named_targets(&self, plan: &Plan) -> Result<Vec<(Target, Settings)>> {
        if let Some(url) = &self.url {
            let mut target = Target::new(url).with_context(|| format!("--url {url}"))?;
            if let Some(agent) = &self.agent {
                target = target.with_agent(agent);
            }
            #[cfg(unix)]
            if let Some(path) = &self.unix_socket {
                target = target.with_unix_socket(path);
            }
            return Ok(vec![(target, plan.settings.clone())]);
        }
        let servers = plan.spec.iter().flat_map(|spec| &spec.servers);
        let targets: Vec<_> = servers
            .map(|server| (server.target.clone(), server.apply(&plan.settings)))
            .collect();
        if targets.is_empty() {
            bail!("the settings file names no server; add one, or use --url");
        }
        Ok(targets)
    }

    fn jobs(&self) -> Jobs {
        self.jobs.map_or_else(Jobs::default, Jobs::new)
    }

    /// Returns the command line for one case.
    fn replay(&self, target: Option<&Target>, case: CaseId) -> String {
        let mut line = "ws-conformance server".to_owned();
        if let Some(spec) = &self.options.spec {
            line += &format!(" --spec {}", quoted(&spec.to_string_lossy()));
        }
        if let Some(target) = target {
            line += &format!(" --url {}", quoted(&target.to_string()));
        }
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            line += &format!(" --unix-socket {}", quoted(&path.to_string_lossy()));
        }
        if let Some(file) = &self.ca {
            line += &format!(" --ca {}", quoted(&file.to_string_lossy()));
        }
        if self.insecure {
            line += " --insecure";
        }
        line + &self.options.replay(case)
    }
}
