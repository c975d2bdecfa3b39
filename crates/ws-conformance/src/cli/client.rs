//! `ws-conformance client`.

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result, bail};
use ws_conformance::any_case::AnyCase;
use ws_conformance::case_id::CaseId;
use ws_conformance::clients::{Ended, Listener, Observer};
use ws_conformance::expect::Testee;
use ws_conformance::record::Record;
use ws_conformance::role::Role;

use super::Outcome;
use super::collector::Collector;
use super::conclusion::Conclusion;
use super::failure::quoted;
use super::options::{Options, Plan};

/// Test clients.
///
/// Listens, and plays for each client the case that it asks for by its path:
///
///   /getCaseCount                   how many cases there are, as a text message
///   /runCase?case=N&agent=NAME      case number N, from 1; the client echoes until the connection
///                                   ends. `casetuple=7.1.5` asks for a case by name
///   /getCaseInfo?case=N             name and description
///   /getCaseStatus?case=N&agent=NAME    its verdict
///   /updateReports?agent=NAME       ends the client's turn; with `&shutdownOnComplete=true` it
///                                   ends this program, too
///   /stopServer                     ends this program
///
/// Several clients can be tested at a time. Ctrl-C ends the program with a summary.
///
/// Exit status: 0 all as expected; 1 something is not; 2 the run could not be done, no client
/// came, or one left cases out.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct Args {
    /// Where to listen: ws://address:port; port 0 takes any free one
    #[arg(long, value_name = "URL", required_unless_present = "spec")]
    listen: Option<String>,

    /// End when a client has asked for its reports
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
  ws-conformance client --spec fuzzingserver.json";

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let plan = args.options.plan(Role::Client)?;
    let of_spec = plan.spec.as_ref().and_then(|spec| spec.url.as_deref());
    let url = args.listen.as_deref().or(of_spec).unwrap_or_default();
    let address = address(url).with_context(|| format!("cannot listen on `{url}`"))?;
    let listener = Listener::bind(&*address, plan.cases.clone(), plan.settings.clone());
    let listener = listener.with_context(|| format!("cannot listen on `{url}`"))?;
    plan.stop_on_signals();
    let collector = Collector::new(&plan, args.options.trace)?;
    collector.say(&format!(
        "{} case(s) for clients of ws://{}, seed {}",
        plan.cases.len(),
        listener.local_addr()?,
        plan.settings.seed
    ));
    let replay = |_: &str, case| {
        let line = format!("ws-conformance client --listen {}", quoted(url));
        line + &args.options.replay(case) + ", then start the client"
    };
    let watcher = Watcher {
        plan: &plan,
        collector: &collector,
        replay: &replay,
        exit_after_reports: args.exit_after_reports,
        refusal: Mutex::default(),
    };
    let ended = listener.serve(&watcher);
    let reported = watcher.refusal.into_inner();
    let refusal = reported.unwrap_or_else(PoisonError::into_inner);
    let conclusion = Conclusion {
        role: Role::Client,
        options: &args.options,
        plan: &plan,
        replay: &replay,
    };
    let collected = collector.end();
    let nobody = collected.results.is_empty();
    let error = refusal.or_else(|| nobody.then(|| no_client(ended)));
    conclusion.tell(collected, error)
}

fn no_client(ended: Ended) -> String {
    match ended {
        Ended::Interrupted => "interrupted before any client ran a case".into(),
        _ => "no client ran a case".into(),
    }
}

/// Passes on what the connections tell.
struct Watcher<'a> {
    plan: &'a Plan,
    collector: &'a Collector,
    replay: &'a (dyn Fn(&str, CaseId) -> String + Sync),
    exit_after_reports: bool,
    /// Why the run was ended early.
    refusal: Mutex<Option<String>>,
}

impl Observer for Watcher<'_> {
    fn started(&self, agent: &str, case: AnyCase) {
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

    fn finished(&self, mut record: Record) {
        record.replay = Some((self.replay)(&record.agent, record.id));
        self.collector.finished(record);
    }

    fn skips(&self, agent: &str, case: AnyCase) -> bool {
        let spec = self.plan.spec.as_ref();
        spec.is_some_and(|spec| spec.excludes(agent, case.id()))
    }

    /// The JSON files are on disk already.
    fn update_reports(&self, agent: &str) {
        self.collector.write_pages(agent);
        self.collector.say(&format!("{agent} is done"));
    }

    fn ends_after_reports(&self) -> bool {
        self.exit_after_reports
    }
}

/// The address in `ws://address:port`, or `address:port` itself.
fn address(url: &str) -> Result<String> {
    if url.starts_with("wss://") {
        bail!("wss:// is not yet supported: listen without TLS, on ws://");
    }
    let rest = url.strip_prefix("ws://").unwrap_or(url);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    if authority.is_empty() || authority.contains('@') || rest.contains("://") {
        bail!("an address such as ws://127.0.0.1:9001 is needed");
    }
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match has_port {
        true => Ok(authority.to_owned()),
        false => bail!("the port is missing: write ws://{authority}:9001"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_with_or_without_scheme() {
        for url in [
            "ws://127.0.0.1:9001",
            "127.0.0.1:9001",
            "ws://127.0.0.1:9001/x?y",
        ] {
            assert_eq!(address(url).unwrap(), "127.0.0.1:9001");
        }
        assert_eq!(address("ws://[::1]:0").unwrap(), "[::1]:0");
    }

    #[test]
    fn other_texts_are_refused_with_advice() {
        for (url, advice) in [
            ("wss://a:1", "not yet supported"),
            ("http://a:1", "ws://127.0.0.1:9001"),
            ("", "ws://127.0.0.1:9001"),
            ("ws://localhost", "ws://localhost:9001"),
            ("ws://localhost:70000", "port is missing"),
        ] {
            let refusal = address(url).unwrap_err().to_string();
            assert!(refusal.contains(advice), "{url}: {refusal}");
        }
    }
}
