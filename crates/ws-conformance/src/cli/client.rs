//! `ws-conformance client`.

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result};
use ws_conformance::case::{Case, CaseId};
use ws_conformance::clients::{Ended, Listener, Observer};
use ws_conformance::expect::Testee;
use ws_conformance::record::Record;
use ws_conformance::role::Role;
use ws_conformance::tls::HandshakeError;

use super::Finish;
use super::collector::Collector;
use super::conclusion::Conclusion;
use super::failure::quoted;
use super::options::{Options, Plan};
use super::place::{Files, Place};

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
/// Several clients can be tested at a time. Ctrl-C ends the program with a summary.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 the run was not possible, no client
/// connected, or a client left cases out.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    /// The address to listen on: ws://address:port, or wss:// for TLS. Port 0 selects a free port
    #[arg(long, value_name = "URL", required_unless_present = "spec")]
    listen: Option<String>,

    #[command(flatten)]
    files: Files,

    /// End when a client has requested its reports
    #[arg(long)]
    exit_after_reports: bool,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance client --listen ws://127.0.0.1:9001
  ws-conformance client --listen ws://127.0.0.1:9001 --exit-after-reports --exclude '9.*'
  ws-conformance client --listen ws://127.0.0.1:9001 --case 7.1.5 --trace
  ws-conformance client --listen wss://127.0.0.1:9001 --cert cert.pem --key key.pem
  ws-conformance client --spec fuzzingserver.json";

pub(super) fn run(args: &Args) -> Result<Finish> {
    let plan = args.options.plan(Role::Client)?;
    let of_spec = plan.spec.as_ref().and_then(|spec| spec.url.as_deref());
    let url = args.listen.as_deref().or(of_spec).unwrap_or_default();
    let cannot = || format!("cannot listen on `{url}`");
    let place = Place::new(url).with_context(cannot)?;
    let files = args.files(&plan, &place)?;
    let identity = place.identity(&files).with_context(cannot)?;
    let listener = Listener::bind(&*place.authority, plan.cases.clone(), plan.settings.clone());
    let mut listener = listener.with_context(cannot)?;
    if let Some(identity) = identity {
        listener = listener.with_identity(identity);
    }
    plan.stop_on_signals();
    let collector = Collector::new(&plan, args.options.trace)?;
    collector.print(&format!(
        "{} case(s) for clients of {}://{}, seed {}",
        plan.cases.len(),
        place.scheme(),
        listener.local_addr()?,
        plan.settings.seed
    ));
    let replay = |_: &str, case| {
        let line = format!("ws-conformance client --listen {}", quoted(url));
        line + &files.replay() + &args.options.replay(case) + ", then start the client"
    };
    let watcher = Watcher {
        plan: &plan,
        collector: &collector,
        replay: &replay,
        exit_after_reports: args.exit_after_reports,
        refusal: Mutex::default(),
        tls_failure: Mutex::default(),
    };
    let ended = listener.serve(&watcher);
    let reported = watcher.refusal.into_inner();
    let refusal = reported.unwrap_or_else(PoisonError::into_inner);
    let failure = watcher.tls_failure.into_inner();
    let failure = failure.unwrap_or_else(PoisonError::into_inner);
    let conclusion = Conclusion {
        role: Role::Client,
        options: &args.options,
        plan: &plan,
        replay: &replay,
    };
    let collected = collector.end();
    let nobody = collected.results.is_empty();
    let error = refusal.or_else(|| nobody.then(|| no_client(ended, failure)));
    conclusion.print(collected, error)
}

impl Args {
    /// Returns the files of the certificate: those of the options, else those of the settings file.
    fn files(&self, plan: &Plan, place: &Place) -> Result<Files> {
        place.check_needs(&self.files)?;
        let spec = plan.spec.as_ref();
        let cert = spec.and_then(|spec| spec.cert.as_deref());
        let key = spec.and_then(|spec| spec.key.as_deref());
        Ok(self.files.or(cert, key))
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

/// Receives the events of the connections.
struct Watcher<'a> {
    plan: &'a Plan,
    collector: &'a Collector,
    replay: &'a (dyn Fn(&str, CaseId) -> String + Sync),
    exit_after_reports: bool,
    /// The reason why the run was ended early.
    refusal: Mutex<Option<String>>,
    /// The first failure of a TLS handshake.
    tls_failure: Mutex<Option<HandshakeError>>,
}

impl Observer for Watcher<'_> {
    fn started(&self, agent: &str, case: &'static Case) {
        let testee = Testee {
            agent: agent.to_owned(),
            role: Role::Client,
        };
        if let Err(error) = self.plan.check_expectations(&testee) {
            let mut refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = Some(error.to_string());
            self.plan.settings.stop.raise();
        }
        self.collector
            .expect(agent, self.plan.cases_for(agent).len());
        self.collector.started(case);
    }

    fn tls_failed(&self, error: &HandshakeError) {
        let failure = self.tls_failure.lock();
        let mut failure = failure.unwrap_or_else(PoisonError::into_inner);
        if failure.is_none() {
            self.collector.print(&format!("a client: {error}"));
            *failure = Some(error.clone());
        }
    }

    fn finished(&self, mut record: Record) {
        record.replay = Some((self.replay)(&record.agent, record.id));
        self.collector.finished(record);
    }

    fn skips(&self, agent: &str, case: &'static Case) -> bool {
        let spec = self.plan.spec.as_ref();
        spec.is_some_and(|spec| spec.excludes(agent, case.id()))
    }

    /// The JSON files are written already.
    fn update_reports(&self, agent: &str) {
        self.collector.write_pages(agent);
        self.collector.print(&format!("{agent} is done"));
    }

    fn ends_after_reports(&self) -> bool {
        self.exit_after_reports
    }
}
