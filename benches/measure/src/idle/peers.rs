//! The memory of an idle connection in our servers and in those of other libraries, also after a
//! burst.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::report::{Measured, Remains, report};
use super::{BOUND, Conditions, MANY, Setting, deflate, wait};
use crate::bench::{Contestant, Executables, Program, Side, servers};
use ws_test_client::crowd::{Burst, Crowd, Habit};
use ws_test_client::resources::PeakMeter;
use ws_test_client::subject::Subject;
use ws_test_programs::server::EchoServer;
use ws_test_programs::supervise::{Source, Supervised};
use ws_test_programs::{Outcome, interrupt};

/// The time until a server listens.
const START_UP: Duration = Duration::from_secs(10);

/// The messages of the bursts, one burst after the other.
const LENS: [usize; 2] = [64 << 10, 1 << 20];

/// The number of connections that echo in a burst, and its duration.
const BUSY: usize = 100;
const BURST: Duration = Duration::from_secs(2);

/// The options of the measurement of all servers.
#[derive(clap::Args)]
pub(super) struct PeersArgs {
    /// Measure the servers of `cargo xtask bench`, ours and others, also after a burst of large
    /// messages
    #[arg(long, conflicts_with_all = ["all_pairs", "runtime", "peer_dir"])]
    peers: bool,

    /// Servers by their names or parts of them, comma-separated: see `cargo xtask bench --list`
    /// [default: all]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', requires = "peers")]
    only: Vec<String>,

    /// Use the executables of all servers in this directory instead of building them
    #[arg(long, value_name = "DIR", requires = "peers")]
    bin_dir: Option<std::path::PathBuf>,

    /// A smoke run: 100 connections, with short times
    #[arg(long, requires = "peers", conflicts_with_all = ["connections", "quiet"])]
    quick: bool,
}

impl PeersArgs {
    /// Returns `true` if these servers are to be measured.
    pub(super) fn is_asked_for(&self) -> bool {
        self.peers
    }
}

/// Measures the servers of the arguments, one after the other.
pub(super) fn run(args: &PeersArgs, conditions: &Conditions, is_deflate: bool) -> Result<Outcome> {
    let takes_part = |one: &Contestant| one.echo_options(is_deflate).is_some();
    let mut contestants = servers(&args.only);
    contestants.retain(|one| one.side != Side::Floor && takes_part(one));
    ensure!(
        !contestants.is_empty(),
        "no server has this name: see `cargo xtask bench --list`"
    );
    let quick = Conditions {
        wanted: Some(100),
        quiet: Duration::from_millis(500),
        ..conditions.clone()
    };
    let inspection = Inspection {
        executables: Executables::of_servers(args.bin_dir.as_deref(), &contestants)?,
        conditions: if args.quick { &quick } else { conditions },
        busy: if args.quick { BUSY / 10 } else { BUSY },
        time: if args.quick { BURST / 10 } else { BURST },
    };
    let mut all = Vec::new();
    for contestant in &contestants {
        for kind in Kind::all(is_deflate) {
            let mut measured = Measured::new(contestant, kind.label(), kind.bound(contestant));
            match inspection.measure(contestant, *kind, &mut measured) {
                Err(error) if interrupt::requested() => return Err(error),
                result => measured.failure = result.err(),
            }
            all.push(measured);
        }
    }
    println!("{}", report(&all, &LENS));
    Ok(Outcome::passed_if(all.iter().all(Measured::is_good)))
}

/// The compression of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Without context takeover, in either direction.
    Forgetful,
    /// With context takeover, in both.
    Takeover,
}

impl Kind {
    fn all(is_deflate: bool) -> &'static [Self] {
        match is_deflate {
            true => &[Self::Forgetful, Self::Takeover],
            false => &[Self::Plain],
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Plain => "not compressed",
            Self::Forgetful => "no context takeover",
            Self::Takeover => "context takeover",
        }
    }

    /// Returns the bound of an idle connection. Servers of other libraries have none.
    fn bound(self, contestant: &Contestant) -> Option<u64> {
        let is_ours = contestant.side == Side::Ours;
        match self {
            Self::Plain => is_ours.then_some(BOUND),
            Self::Forgetful => is_ours.then_some(BOUND + deflate::BOUND),
            Self::Takeover => None,
        }
    }

    fn setting(self) -> Setting {
        let (habit, offer) = match self {
            Self::Plain => (Habit::Echo, None),
            Self::Forgetful => (Habit::EchoCompressed, Some(deflate::NO_TAKEOVER)),
            Self::Takeover => (Habit::EchoCompressed, Some("permessage-deflate")),
        };
        Setting {
            label: self.label().to_owned(),
            options: Vec::new(),
            habit,
            offer: offer.map(str::to_owned),
            connections: MANY,
        }
    }
}

/// The measurement of every server.
struct Inspection<'a> {
    executables: Executables,
    conditions: &'a Conditions,
    /// The number of connections that echo in a burst.
    busy: usize,
    time: Duration,
}

impl Inspection<'_> {
    /// Fills `measured` until the server fails.
    fn measure(&self, contestant: &Contestant, kind: Kind, measured: &mut Measured) -> Result<()> {
        let setting = kind.setting();
        let connections = self.conditions.connections(&setting)?;
        let server = self.start(contestant, kind != Kind::Plain)?;
        let mut subject = Subject::foreign(server, setting.offer.as_deref())?;
        let target = subject.target.clone();
        let name = &contestant.name;
        let gathered = self.conditions.gather(name, &setting, connections, &target);
        let mut crowd = gathered?;
        wait(self.conditions.quiet)?;
        if let Some(status) = subject.try_wait()? {
            return Err(subject.died(status, "the silence"));
        }
        measured.connections = connections;
        measured.before = target.resident;
        measured.idle = target.process.resident()?;
        let held = target.process.descriptors()?;
        let held = held.saturating_sub(target.descriptors);
        ensure!(
            held == connections,
            "the server holds {held} of {connections} connections"
        );
        for len in LENS {
            let remains = self.burst(&subject, &mut crowd, connections, len)?;
            measured.bursts.push(remains);
        }
        Ok(())
    }

    /// Makes some of the connections echo, and measures the memory during the burst and after it.
    fn burst(
        &self,
        subject: &Subject,
        crowd: &mut Crowd,
        connections: usize,
        len: usize,
    ) -> Result<Remains> {
        let process = subject.target.process;
        let meter = PeakMeter::start(process);
        let messages = crowd.burst(Burst {
            connections: self.busy.min(connections),
            len,
            time: self.time,
        })?;
        let peak = meter.stop()?;
        wait(self.conditions.quiet)?;
        ensure!(
            messages >= self.busy.min(connections) as u64,
            "the burst was incomplete"
        );
        Ok(Remains {
            peak,
            after: process.resident()?,
        })
    }

    /// Starts a server and waits until it listens.
    fn start(&self, contestant: &Contestant, is_deflate: bool) -> Result<EchoServer> {
        let Program::Built { package, name } = contestant.program else {
            bail!("{} is not built", contestant.name);
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = listener.local_addr()?;
        drop(listener);
        let mut command = Command::new(self.executables.find(package, name)?);
        command.args(contestant.echo_options(is_deflate).unwrap_or_default());
        command.args(["--port", &address.port().to_string()]);
        let log = self
            .conditions
            .home
            .join(format!("{}.log", contestant.name));
        // The lines are not read, because the log has the output of the server.
        let (lines, _) = mpsc::channel();
        let mut process = Supervised::spawn(command, &log, Stdio::null(), Source::Testee, &lines)?;
        wait_until_it_listens(&mut process, address)?;
        Ok(EchoServer {
            process,
            url: format!("ws://{address}"),
        })
    }
}

fn wait_until_it_listens(process: &mut Supervised, address: SocketAddr) -> Result<()> {
    let until = Instant::now() + START_UP;
    while TcpStream::connect(address).is_err() {
        if let Some(status) = process.try_wait()? {
            return Err(process.died("the server", status, "its start"));
        }
        if Instant::now() > until || interrupt::requested() {
            bail!("the server does not listen on {address}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_servers_have_bounds() {
        let all = servers(&[]);
        let find = |name: &str| all.iter().find(|one| one.name == name).unwrap();
        let (ours, peer) = (find("echo-smol"), find("sockudo-ws"));
        assert_eq!(Kind::Plain.bound(ours), Some(1600));
        assert_eq!(Kind::Forgetful.bound(ours), Some(2624));
        assert_eq!(Kind::Takeover.bound(ours), None);
        assert!(
            Kind::all(true)
                .iter()
                .all(|kind| kind.bound(peer).is_none())
        );
    }

    #[test]
    fn compression_is_offered_where_it_is_measured() {
        assert_eq!(Kind::all(false), [Kind::Plain]);
        assert!(Kind::Plain.setting().offer.is_none());
        for kind in Kind::all(true) {
            assert_eq!(kind.setting().habit, Habit::EchoCompressed);
            assert!(kind.setting().offer.is_some());
        }
    }
}
