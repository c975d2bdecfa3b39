//! `ws-conformance server`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ArgGroup;
use ws_conformance::case::{Case, CaseId, Http};
use ws_conformance::cases;
use ws_conformance::expect::Testee;
use ws_conformance::pool::{self, Jobs};
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::servers::{self, Target};
use ws_conformance::settings::Settings;
use ws_conformance::tls::Trust;

use super::Finish;
use super::collector::{Attempt, Collector};
use super::conclusion::Conclusion;
use super::options::{Options, Plan, seconds};
use super::probing;
use super::program::{Program, free_port};
use super::replay::{Replay, quoted};
use super::requests::Requests;

/// The URL of a program whose port the suite selects.
const URL_OF_PROGRAM: &str = "ws://127.0.0.1:{port}";
/// The time for a program to end after a run with a failed case.
const LAST_LOOK: Duration = Duration::from_millis(200);
/// The time for a program to answer.
const WAIT_FOR_PROGRAM: Duration = Duration::from_secs(30);

/// Test a server.
///
/// The server has to send every text and binary message back. Each case opens a connection of its
/// own. Before the first case, one text and one binary message have to come back: a server that
/// does nothing must not pass the cases that demand silence.
///
/// With a COMMAND, the suite starts the server, waits until it answers, and ends it after the run.
/// In the command, `{port}` stands for a free port and `{url}` for the address.
///
/// More than 700 cases that the original suite does not have, groups 20 and up, are selected with
/// --set extra, or together with the original ones with --set all.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 the run was not possible.
#[derive(clap::Args)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("address").args(["url", "command"]).multiple(true)
)]
pub(super) struct Args {
    /// The address of the server: ws://host:port/path, or wss:// for TLS. With a COMMAND, the port
    /// may be `{port}` [default with a COMMAND: ws://127.0.0.1:{port}]
    #[arg(long, required_unless_present_any = ["spec", "command"])]
    url: Option<String>,

    /// The name of the server in reports [default: its `Server` header]
    #[arg(long, value_name = "NAME", requires = "address")]
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

    /// The time for the server to start. Until then, a server that does not answer is no error
    /// [default: 0, or 30 with a COMMAND]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<Duration>,

    #[command(flatten)]
    requests: Requests,

    #[command(flatten)]
    options: Options,

    /// A command that starts the server, after `--`. `{port}` and `{url}` are replaced
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance server -- ./my-server --port {port}
  ws-conformance server --quick -- python server.py {port}
  ws-conformance server --url ws://127.0.0.1:9001/chat -- node server.js
  ws-conformance server --url ws://127.0.0.1:9001 --wait 30
  ws-conformance server --url ws://127.0.0.1:9001 --cases '1.*,7.*' --exclude 7.1.6
  ws-conformance server --url ws://127.0.0.1:9001 --case 7.1.5 --trace
  ws-conformance server --url ws://127.0.0.1:9001 --expect expectations.toml --junit results.xml
  ws-conformance server --url wss://localhost:9001 --ca cert.pem
  ws-conformance server --url ws://127.0.0.1:9001 --header 'Cookie: id=1' --protocol chat
  ws-conformance server --spec fuzzingclient.json";

/// A server with its settings. The name in reports is present after the probe.
struct Testing {
    target: Target,
    settings: Settings,
    agent: String,
}

impl Testing {
    fn testee(&self) -> Testee {
        Testee {
            agent: self.agent.clone(),
            role: Role::Server,
        }
    }
}

pub(super) fn run(args: &Args, replay: &Replay) -> Result<Finish> {
    let plan = args.options.plan(Role::Server)?;
    let program = Program::new(&args.command, &plan.outdir);
    let targets = args.targets(&plan)?;
    plan.stop_on_signals(program.clone());
    let collector = Collector::new(&plan, args.options.trace)?;
    let run = Run {
        args,
        plan: &plan,
        collector: &collector,
        program: program.as_deref(),
        replay,
    };
    let running = run.program.zip(targets.first());
    let running = running.map(|(program, (it, _))| program.start(&it.to_string(), it.port()));
    let _running = running.transpose()?;
    let (tested, errors) = run.test_all(targets);
    let replay = |agent: &str, case| {
        let tested = tested.iter().find(|testing| testing.agent == agent);
        run.replay(tested.map(|testing| &testing.target), case)
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

/// A run of servers, one after the other.
struct Run<'a> {
    args: &'a Args,
    plan: &'a Plan,
    collector: &'a Collector,
    program: Option<&'a Program>,
    replay: &'a Replay,
}

impl Run<'_> {
    /// Tests the servers. Returns those that were tested, and the reasons why others were not.
    fn test_all(&self, targets: Vec<(Target, Settings)>) -> (Vec<Testing>, Vec<String>) {
        let stop = &self.plan.settings.stop;
        let (mut tested, mut errors) = (Vec::new(), Vec::new());
        for (target, settings) in targets {
            let url = target.to_string();
            let result = self.probe(target, settings, &tested).and_then(|testing| {
                let result = self.watch(&testing.agent, || self.test(&testing));
                tested.push(testing);
                result
            });
            let dead = result.is_err();
            errors.extend(result.err().map(|error| format!("{url}: {error:#}")));
            if stop.is_raised() {
                let outdir = self.plan.outdir.display();
                let kept = || format!("interrupted; the reports so far are in {outdir}");
                errors.extend((!dead).then(kept));
                break;
            }
        }
        (tested, errors)
    }

    /// Probes a server. Agents get different names, because reports identify them by name.
    fn probe(&self, target: Target, settings: Settings, tested: &[Testing]) -> Result<Testing> {
        let wait = self.args.wait.unwrap_or(match self.program {
            Some(_) => WAIT_FOR_PROGRAM,
            None => Duration::ZERO,
        });
        let name = probing::probe(&target, &settings, wait, self.program)?.agent;
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let is_free = |name: &String| tested.iter().all(|other| other.agent != *name);
        let agent = names.find(is_free).unwrap_or(name);
        let testing = Testing {
            target: target.with_agent(&*agent),
            settings,
            agent,
        };
        self.plan.check_expectations(&testing.testee())?;
        Ok(testing)
    }

    /// Runs `test` of this agent, and stops it if the program ends.
    fn watch(&self, agent: &str, test: impl FnOnce()) -> Result<()> {
        let Some(program) = self.program else {
            test();
            return Ok(());
        };
        let over = AtomicBool::new(false);
        let early_end = thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let status = program.wait(|| over.load(Ordering::Relaxed));
                status.inspect(|_| self.plan.settings.stop.raise())
            });
            test();
            if self.collector.has_failed(agent) {
                // The failed case may have ended the program, which takes a moment.
                let tested = Instant::now();
                program.wait(|| tested.elapsed() > LAST_LOOK);
            }
            over.store(true, Ordering::Relaxed);
            watcher.join().ok().flatten()
        });
        let Some(status) = early_end else {
            return Ok(());
        };
        let running = self.collector.running();
        let running = match &*running {
            [] => String::new(),
            cases => format!(", while these cases ran: {}", cases.join(", ")),
        };
        let words = program.last_words();
        bail!("the program ended ({status}) during the run{running}; {words}")
    }

    fn test(&self, testing: &Testing) {
        let ids = self.plan.cases_for(&testing.agent);
        let cases: Vec<_> = ids.into_iter().filter_map(cases::find).collect();
        self.collector.expect(&testing.agent, cases.len());
        self.collector.print(&format!(
            "{}: {} case(s) against {}, seed {}",
            testing.agent,
            cases.len(),
            testing.target,
            testing.settings.seed
        ));
        self.play(testing, &cases, Attempt::First);
        let again = match self.args.options.no_retry || testing.settings.stop.is_raised() {
            true => Vec::new(),
            false => self.collector.to_retry(&testing.testee(), self.plan),
        };
        if !again.is_empty() {
            let (agent, count) = (&testing.agent, again.len());
            let line = format!("{agent}: {count} case(s) again, because of unexpected results");
            self.collector.print(&line);
        }
        self.play(testing, &again, Attempt::Second);
    }

    fn play(&self, testing: &Testing, cases: &[&'static Case], attempt: Attempt) {
        let (target, settings) = (&testing.target, &testing.settings);
        let run = |case| {
            self.collector.started(case);
            servers::run_case(target, case, settings)
        };
        let finished = |mut record: Record| {
            record.replay = Some(self.replay(Some(target), record.id));
            self.collector.finished(record, attempt);
        };
        pool::run(cases, self.args.jobs(), &settings.stop, run, finished);
    }

    /// Returns the command line for one case of a server.
    fn replay(&self, target: Option<&Target>, case: CaseId) -> String {
        let is_of_spec = self.args.url.is_none() && !self.replay.has_program();
        let target = target.filter(|_| is_of_spec);
        let url = target.map(|target| format!(" --url {}", quoted(&target.to_string())));
        let seed = self.plan.settings.seed;
        self.replay.line(&url.unwrap_or_default(), case, seed)
    }
}

impl Args {
    /// Returns the servers, each with its settings.
    fn targets(&self, plan: &Plan) -> Result<Vec<(Target, Settings)>> {
        let mut targets = self.named_targets(plan)?;
        for (target, _) in &mut targets {
            *target = self.requests.apply(target.clone())?;
            if self.options.http() == Http::Two {
                *target = target.clone().with_http2();
            }
        }
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

    /// Returns the URL of the options, with a free port in place of `{port}`.
    fn address(&self) -> Result<Option<String>> {
        if self.command.is_empty() {
            return Ok(self.url.clone());
        }
        if self.url.is_none() && !Program::mentions(&self.command, &["{port}", "{url}"]) {
            bail!(
                "write {{port}} where the command has the port, or add --url with the address of \
                 the server"
            );
        }
        let url = self.url.as_deref().unwrap_or(URL_OF_PROGRAM);
        if !url.contains("{port}") {
            return Ok(Some(url.to_owned()));
        }
        let port = free_port().context("there is no free port")?;
        Ok(Some(url.replace("{port}", &port.to_string())))
    }

    fn named_targets(&self, plan: &Plan) -> Result<Vec<(Target, Settings)>> {
        if let Some(url) = self.address()? {
            let mut target = Target::new(&url).with_context(|| format!("--url {url}"))?;
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
}
