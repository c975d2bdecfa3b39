//! `ws-conformance client`.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ws_conformance::case::{Case, CaseId, Http};
use ws_conformance::clients::{Ended, Listener, Observer};
use ws_conformance::expect::Testee;
use ws_conformance::pool::Jobs;
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::tls::HandshakeError;

use super::Finish;
use super::collector::{Attempt, Collector};
use super::conclusion::Conclusion;
use super::each_case::{self, EachCase};
use super::options::{Options, Plan};
use super::place::{Files, Place};
use super::program::Program;
use super::replay::Replay;

/// The advice on a program that connects to the address of the suite as if it were that of a case.
const ADVICE: &str = "did you mean {case} in place of {url}?";
/// The time for a client to end after its last request.
const TIME_TO_END: Duration = Duration::from_secs(2);

/// Test clients.
///
/// Listens for clients. The path of a request selects what happens on its connection:
///
///   /getCaseCount                   sends the number of cases as a text message
///   /runCase?case=N&agent=NAME      runs case number N, from 1. The client echoes until the
///                                   connection ends. `casetuple=7.1.5` selects a case by name
///   /getCaseInfo?case=N             sends name and description
///   /getCaseStatus?case=N&agent=NAME    sends the verdict
///   /updateReports?agent=NAME       writes the reports of the client. With
///                                   `&shutdownOnComplete=true`, also ends this program
///   /stopServer                     ends this program
///
/// A browser that opens the address with http:// instead of ws:// gets a page that runs all cases.
/// With ?run, the page starts at once; ?agent=NAME names the browser, and ?shutdown ends this
/// program.
///
/// Several clients can be tested at a time. Ctrl-C ends the program with a summary.
///
/// With a COMMAND, the suite starts the client, and the run ends with it. In the command, `{url}`
/// stands for the address, such as ws://127.0.0.1:9001, and `{port}` for its port.
///
/// The simplest client connects to one address and echoes. If the COMMAND has `{case}`, the suite
/// starts it once for each case, with the address of the case. Several cases run at a time. A
/// COMMAND has either `{case}` or `{url}`, because its program runs one case or all.
///
/// More than 700 cases that the original suite does not have, groups 20 and up, are selected with
/// --set extra, or together with the original ones with --set all.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 the run was not possible, no client
/// ran a case, or a client did not run all cases.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The address to listen on: ws://address:port, or wss:// for TLS. Port 0 selects a free port
    /// [default with a COMMAND: ws://127.0.0.1:0]
    #[arg(long, value_name = "URL", required_unless_present_any = ["spec", "command"])]
    listen: Option<String>,

    #[command(flatten)]
    files: Files,

    /// The name of the client in reports, if the COMMAND has `{case}` [default: that of the
    /// program]. Other clients name themselves
    #[arg(long, value_name = "NAME", requires = "command")]
    pub(super) agent: Option<String>,

    /// The number of cases at a time, if the COMMAND has `{case}`. Of cases with much data, one
    /// runs for each core [default: 4 for each core]
    #[arg(long, value_name = "NUMBER", requires = "command")]
    jobs: Option<NonZeroUsize>,

    /// End when a client has requested its reports
    #[arg(long)]
    exit_after_reports: bool,

    #[command(flatten)]
    options: Options,

    /// A command that starts the client, after `--`. `{url}` and `{port}`, or `{case}`, are
    /// replaced
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance client -- ./my-client {case}
  ws-conformance client -- ./my-client-of-all-cases {url}
  ws-conformance client --quick -- node client.js {url}
  ws-conformance client --listen ws://127.0.0.1:9001
  ws-conformance client --listen ws://127.0.0.1:9001 --exit-after-reports --exclude '9.*'
  ws-conformance client --listen ws://127.0.0.1:9001 --case 7.1.5 --trace
  ws-conformance client --listen wss://127.0.0.1:9001 --cert cert.pem --key key.pem
  ws-conformance client --spec fuzzingserver.json";

pub(super) fn run(args: &Args, replay: &Replay) -> Result<Finish> {
    let plan = args.options.plan(Role::Client)?;
    args.check_command()?;
    let program = Program::new(&args.command, &plan.outdir);
    let url = args.url(&plan);
    let cannot = || format!("cannot listen on `{url}`");
    let place = Place::new(url).with_context(cannot)?;
    let files = args.files(&plan, &place)?;
    let identity = place.identity(&files).with_context(cannot)?;
    let listen = |cases: Vec<&'static Case>| {
        let listener = Listener::bind(&*place.authority, cases, plan.settings.clone());
        let mut listener = listener.with_context(cannot)?;
        if args.options.http() == Http::Two {
            listener = listener.with_http2();
        }
        Ok::<_, anyhow::Error>(match &identity {
            Some(identity) => listener.with_identity(identity.clone()),
            None => listener,
        })
    };
    let listener = listen(plan.cases.clone())?;
    plan.stop_on_signals(program.clone());
    let collector = Collector::new(&plan, args.options.trace)?;
    let replay = |_: &str, case| {
        let line = replay.line("", case, plan.settings.seed);
        match &*args.command {
            [] => line + ", then start the client",
            _ => line,
        }
    };
    let run = Run {
        args,
        plan: &plan,
        place: &place,
        collector: &collector,
        program: program.as_deref().filter(|_| !args.is_for_each_case()),
        program_for_each_case: program.as_deref().filter(|_| args.is_for_each_case()),
        replay: &replay,
    };
    let mut error = run.serve(listener, &plan.cases, Attempt::First)?;
    let stopped = error.is_some() || plan.settings.stop.is_raised();
    let again = match stopped || args.command.is_empty() || args.options.no_retry {
        true => Vec::new(),
        false => run.to_retry(),
    };
    if !again.is_empty() {
        error = run.serve(listen(again.clone())?, &again, Attempt::Second)?;
    }
    let conclusion = Conclusion {
        role: Role::Client,
        options: &args.options,
        plan: &plan,
        replay: &replay,
    };
    conclusion.print(collector.end(), error)
}

/// A run of clients.
struct Run<'a> {
    args: &'a Args,
    plan: &'a Plan,
    place: &'a Place,
    collector: &'a Collector,
    /// The program that requests all cases.
    program: Option<&'a Program>,
    /// The program that is started once for each case.
    program_for_each_case: Option<&'a Program>,
    replay: &'a (dyn Fn(&str, CaseId) -> String + Sync),
}

impl Run<'_> {
    /// Serves clients. Returns the reason why the run did not complete.
    fn serve(
        &self,
        listener: Listener,
        cases: &[&'static Case],
        attempt: Attempt,
    ) -> Result<Option<String>> {
        let address = listener.local_addr()?;
        let again = match attempt {
            Attempt::First => "",
            Attempt::Second => " again",
        };
        self.collector.print(&format!(
            "{} case(s){again} for clients of {}://{address}, seed {}",
            cases.len(),
            self.place.scheme(),
            self.plan.settings.seed
        ));
        // Browsers use HTTP/2 for WebSockets only if an earlier request opened the connection.
        if self.args.command.is_empty() && self.args.options.http() == Http::One {
            let page = self.place.url(address.port()).replacen("ws", "http", 1);
            self.collector.print(&format!("browsers: open {page}/"));
        }
        let url = self.place.url(address.port());
        let each_case = self.program_for_each_case.map(|program| {
            EachCase::new(program, self.args, url.clone(), self.plan, self.collector)
        });
        let watcher = Watcher {
            run: self,
            each_case: each_case.as_ref(),
            attempt,
            refusal: Mutex::default(),
            stray_path: Mutex::default(),
            tls_failure: Mutex::default(),
        };
        let running = self
            .program
            .map(|program| program.start(&url, address.port()));
        let _running = running.transpose()?;
        let ended = thread::scope(|scope| {
            if let Some(each_case) = &each_case {
                scope.spawn(|| each_case.run(cases, self.args.jobs()));
            }
            listener.serve(&watcher)
        });
        let refusal = watcher.into_error(ended);
        Ok(each_case.and_then(EachCase::into_error).or(refusal))
    }

    /// Returns the cases with unexpected results.
    fn to_retry(&self) -> Vec<&'static Case> {
        let agents = self.collector.finished_cases().into_iter();
        let again = agents.flat_map(|(agent, _)| {
            let role = Role::Client;
            self.collector.to_retry(&Testee { agent, role }, self.plan)
        });
        let mut again: Vec<_> = again.collect();
        again.sort_by_key(|case| case.id());
        again.dedup_by_key(|case| case.id());
        again
    }
}

impl Args {
    /// Returns `true` if the command is started once for each case.
    fn is_for_each_case(&self) -> bool {
        Program::mentions(&self.command, &[each_case::PLACEHOLDER])
    }

    /// Refuses a command without an address, or with two, and options that need another command.
    fn check_command(&self) -> Result<()> {
        let has_url = Program::mentions(&self.command, &["{url}", "{port}"]);
        let is_fixed = self.listen.is_some() || self.options.spec.is_some();
        match self.is_for_each_case() {
            true if has_url => bail!(
                "the command has {{case}}, and also {{url}} or {{port}}: write {{case}} alone if \
                 the program runs one case, or {{url}} alone if it requests all cases"
            ),
            false if self.agent.is_some() || self.jobs.is_some() => bail!(
                "--agent and --jobs need a command with {{case}}: other clients request the cases"
            ),
            false if !self.command.is_empty() && !has_url && !is_fixed => bail!(
                "write {{case}} where the command has the address of a case, or {{url}} where it \
                 has that of the suite"
            ),
            _ => Ok(()),
        }
    }

    fn jobs(&self) -> Jobs {
        self.jobs.map_or_else(Jobs::default, Jobs::new)
    }

    /// Returns the address to listen on.
    fn url<'a>(&'a self, plan: &'a Plan) -> &'a str {
        let of_spec = plan.spec.as_ref().and_then(|spec| spec.url.as_deref());
        let url = self.listen.as_deref().or(of_spec);
        url.unwrap_or("ws://127.0.0.1:0")
    }

    /// Returns the files of the certificate: those of the options, else those of the settings file.
    fn files(&self, plan: &Plan, place: &Place) -> Result<Files> {
        place.check_needs(&self.files)?;
        let spec = plan.spec.as_ref();
        let cert = spec.and_then(|spec| spec.cert.as_deref());
        let key = spec.and_then(|spec| spec.key.as_deref());
        Ok(self.files.or(cert, key))
    }
}

/// Receives the events of the connections.
struct Watcher<'a> {
    run: &'a Run<'a>,
    each_case: Option<&'a EachCase<'a>>,
    attempt: Attempt,
    /// The reason why the run was ended early.
    refusal: Mutex<Option<String>>,
    /// The first path that is not about cases.
    stray_path: Mutex<Option<String>>,
    /// The first failure of a TLS handshake.
    tls_failure: Mutex<Option<HandshakeError>>,
}

impl Watcher<'_> {
    /// Returns the reason why the run did not complete. First waits a little for the program.
    fn into_error(self, ended: Ended) -> Option<String> {
        let interrupted = ended == Ended::Interrupted;
        let since = Instant::now();
        let over = || interrupted || since.elapsed() >= TIME_TO_END;
        let status = self.run.program.and_then(|program| program.wait(over));
        let refusal = self.refusal.into_inner();
        if let Some(refusal) = refusal.unwrap_or_else(PoisonError::into_inner) {
            return Some(refusal);
        }
        let finished = self.run.collector.finished_cases();
        let left_out =
            |(agent, count): &(String, usize)| *count < self.run.plan.cases_for(agent).len();
        if let (Some(program), Some(status)) = (self.run.program, status)
            && (finished.is_empty() || finished.iter().any(left_out))
        {
            let when = match &*finished {
                [] => "before it ran a case",
                _ => "before it had run all cases",
            };
            let stray_path = self.stray_path.into_inner();
            let stray_path = stray_path.unwrap_or_else(PoisonError::into_inner);
            let stray = stray_path.map(|path| format!(": it requested `{path}` ({ADVICE})"));
            let (stray, words) = (stray.unwrap_or_default(), program.last_words());
            return Some(format!(
                "the program ended ({status}) {when}{stray}; {words}"
            ));
        }
        let failure = self.tls_failure.into_inner();
        let failure = failure.unwrap_or_else(PoisonError::into_inner);
        finished.is_empty().then(|| no_client(ended, failure))
    }
}

fn no_client(ended: Ended, tls_failure: Option<HandshakeError>) -> String {
    let nobody = match ended {
        Ended::Interrupted => "interrupted before any client ran a case",
        _ => "no client ran a case",
    };
    let why = tls_failure.map(|error| format!(": {error}"));
    nobody.to_owned() + &why.unwrap_or_default()
}

impl Observer for Watcher<'_> {
    fn started(&self, agent: &str, case: &'static Case) {
        let testee = Testee {
            agent: agent.to_owned(),
            role: Role::Client,
        };
        if let Err(error) = self.run.plan.check_expectations(&testee) {
            let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = Some(error.to_string());
            self.run.plan.settings.stop.raise();
        }
        self.run
            .collector
            .expect(agent, self.run.plan.cases_for(agent).len());
        self.run.collector.started(case);
    }

    /// The suite itself starts no program that sends commands. A client that only echoes would
    /// wait for the first message forever.
    fn takes_commands(&self, path: &str) -> bool {
        let mut first = self
            .stray_path
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            let advice = match (self.run.program, self.each_case) {
                (Some(_), _) => ADVICE,
                (None, Some(_)) => "the address of a case has a path and a query",
                (None, None) => "`ws-conformance client --help` lists the paths",
            };
            let line =
                format!("warning: a client requested `{path}`, which runs no case; {advice}");
            self.run.collector.print(&line);
            *first = Some(path.to_owned());
        }
        self.run.args.command.is_empty()
    }

    fn tls_failed(&self, error: &HandshakeError) {
        let failure = self.tls_failure.lock();
        let mut failure = failure.unwrap_or_else(PoisonError::into_inner);
        if failure.is_none() {
            self.run.collector.print(&format!("a client: {error}"));
            *failure = Some(error.clone());
        }
    }

    fn finished(&self, mut record: Record) {
        record.replay = Some((self.run.replay)(&record.agent, record.id));
        self.run.collector.finished(record, self.attempt);
    }

    fn skips(&self, agent: &str, case: &'static Case) -> bool {
        let spec = self.run.plan.spec.as_ref();
        spec.is_some_and(|spec| spec.excludes(agent, case.id()))
    }

    /// The JSON files are written already.
    fn update_reports(&self, agent: &str) {
        self.run.collector.write_pages(agent);
        self.run.collector.print(&format!("{agent} is done"));
    }

    fn ends_after_reports(&self) -> bool {
        self.run.args.exit_after_reports
    }

    /// The last cases of a client may end after it.
    fn ends_now(&self) -> bool {
        let program = self.run.program;
        let ended = program.is_some_and(|program| program.exit_status().is_some());
        let done = self.each_case.is_some_and(EachCase::is_done);
        (ended || done) && self.run.collector.running().is_empty()
    }
}
