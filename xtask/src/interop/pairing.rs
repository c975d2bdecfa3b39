//! One program of theirs and one of ours.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ws_conformance::role::Role;

use super::foreign::Foreign;
use super::install::Program;
use super::page::Page;
use super::report::{DONE, Finished, Report};
use crate::programs::peers::Peers;
use crate::programs::server::EchoServer;
use crate::programs::supervise::{Line, Source, Supervised};
use crate::programs::watch::Watch;
use crate::runtime::Runtime;

/// Until a program that was started listens.
const START_UP: Duration = Duration::from_secs(30);

/// Until the next check is done. All of them take seconds; a browser reports at its end.
const PATIENCE: Duration = Duration::from_secs(90);

/// Our peers do not compress unless they are told.
const OPTION: &str = "--deflate";

/// Who talks with whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairing {
    pub(super) foreign: Foreign,
    /// The role of the foreign program.
    pub(super) role: Role,
    pub(super) runtime: Runtime,
}

impl Pairing {
    /// Each role that `foreign` can take, with each of these runtimes.
    pub(super) fn all(foreign: Foreign, runtimes: &[Runtime]) -> Vec<Self> {
        let with = |&role: &Role| {
            runtimes.iter().map(move |&runtime| Self {
                foreign,
                role,
                runtime,
            })
        };
        foreign.roles().iter().flat_map(with).collect()
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {}", self.foreign, self.role, self.runtime)
    }
}

/// What all pairings share.
pub(super) struct Bench {
    pub(super) peers: Peers,
    /// Where output and the browser's profile go.
    pub(super) home: PathBuf,
}

impl Bench {
    /// Runs all checks of a pairing.
    pub(super) fn run(&self, pairing: &Pairing, program: &Program) -> Finished {
        println!("{pairing}");
        let started = Instant::now();
        let mut report = Report::default();
        let result = Talk::new(self, *pairing).run(program, &mut report);
        Finished {
            pairing: *pairing,
            report,
            took: started.elapsed(),
            error: result.err().map(|error| format!("{error:#}")),
        }
    }
}

/// A pairing that is running.
struct Talk<'a> {
    bench: &'a Bench,
    pairing: Pairing,
    sender: Sender<Line>,
    watch: Watch,
}

impl<'a> Talk<'a> {
    fn new(bench: &'a Bench, pairing: Pairing) -> Self {
        let (sender, lines) = mpsc::channel();
        Self {
            bench,
            pairing,
            sender,
            watch: Watch::new(lines),
        }
    }

    fn run(&mut self, program: &Program, report: &mut Report) -> Result<()> {
        match (self.pairing.role, program) {
            (Role::Client, Program::Browser(browser)) => self.browser(browser, report),
            (Role::Client, Program::Script { .. }) => self.client(program, report),
            (Role::Server, _) => self.server(program, report),
        }
    }

    /// Their client checks our server.
    fn client(&mut self, program: &Program, report: &mut Report) -> Result<()> {
        let server = self.start_ours(&[OPTION])?;
        let command = program.script(Role::Client, Some(&server.url));
        let mut client = self.start_theirs(command.context("a browser is no script")?)?;
        self.follow(&mut client, report)
    }

    /// A page in their browser checks our server.
    fn browser(&mut self, browser: &Path, report: &mut Report) -> Result<()> {
        let page = Page::serve(self.sender.clone())?;
        let origin = page.origin()?;
        let server = self.start_ours(&[OPTION, "--origin", &origin])?;
        let profile = self.bench.home.join("browser");
        if profile.exists() {
            fs::remove_dir_all(&profile).context("cannot empty the profile of the browser")?;
        }
        let mut command = Command::new(browser);
        command.args(BROWSER_OPTIONS);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("{origin}/?server={}", server.url));
        let mut browser = self.start_theirs(command)?;
        self.follow(&mut browser, report)
    }

    /// Their server checks our client.
    fn server(&mut self, program: &Program, report: &mut Report) -> Result<()> {
        let command = program.script(Role::Server, None);
        let mut server = self.start_theirs(command.context("a browser is no script")?)?;
        self.watch.enter("start-up of their server", START_UP);
        let url = loop {
            if let Some(line) = self.watch.next()? {
                break line.text;
            }
            if let Some(status) = server.try_wait()? {
                return Err(server.died("their server", status, "its start-up"));
            }
        };
        let name = format!("echo-client-{}", self.pairing.runtime);
        let mut command = Command::new(self.bench.peers.find(&name)?);
        command.args([OPTION, &url]);
        let log = self.log("ours");
        let _client =
            Supervised::spawn(command, &log, Stdio::null(), Source::Testee, &self.sender)?;
        self.follow(&mut server, report)?;
        self.wait_for_our_client(report)
    }

    fn start_ours(&mut self, options: &[&str]) -> Result<EchoServer> {
        let executable = self.bench.peers.find(&self.pairing.runtime.echo_server())?;
        let log = self.log("ours");
        let (sender, watch) = (&self.sender, &mut self.watch);
        EchoServer::start(executable, options, &log, START_UP, sender, watch)
    }

    fn start_theirs(&self, command: Command) -> Result<Supervised> {
        let log = self.log("theirs");
        Supervised::spawn(command, &log, Stdio::null(), Source::Suite, &self.sender)
    }

    fn log(&self, whose: &str) -> PathBuf {
        let name = self.pairing.to_string().replace(' ', "-");
        self.bench.home.join(format!("{name}-{whose}.log"))
    }

    /// Takes in what their program reports, until it is done.
    fn follow(&mut self, program: &mut Supervised, report: &mut Report) -> Result<()> {
        const PLACE: &str = "the checks";
        let mut ended = None;
        self.watch.enter(PLACE, PATIENCE);
        loop {
            if let Some(line) = self.watch.next()? {
                if line.source == Source::Suite && line.text == DONE {
                    return Ok(());
                }
                report.add(&line);
                self.watch.enter(PLACE, PATIENCE);
                continue;
            }
            // Its last lines may come in after its end was seen, so another quiet turn must follow.
            match ended {
                Some(status) if std::process::ExitStatus::success(&status) => return Ok(()),
                Some(status) => return Err(program.died("their program", status, PLACE)),
                None => ended = program.try_wait()?,
            }
        }
    }

    /// Our client says whether the connection ended well for it.
    fn wait_for_our_client(&mut self, report: &mut Report) -> Result<()> {
        self.watch.enter("the end of our client", START_UP);
        while !report.ours_has_ended() {
            if let Some(line) = self.watch.next()? {
                report.add(&line);
            }
        }
        match report.complaint_of_ours() {
            Some(complaint) => bail!("our client: {complaint}"),
            None => Ok(()),
        }
    }
}

/// No window, and nothing of a browser that has other business.
const BROWSER_OPTIONS: [&str; 9] = [
    "--headless",
    // It does not work for root, nor in most containers. The page is ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_a_client_and_the_others_are_both() {
        let runtimes = [Runtime::Tokio, Runtime::Smol];
        assert_eq!(Pairing::all(Foreign::Chromium, &runtimes).len(), 2);
        let pairings = Pairing::all(Foreign::NodeWs, &runtimes);
        assert_eq!(pairings.len(), 4);
        assert_eq!(pairings[0].to_string(), "Node ws client with tokio");
        assert_eq!(pairings[3].to_string(), "Node ws server with smol");
    }
}
