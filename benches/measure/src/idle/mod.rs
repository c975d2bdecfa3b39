//! `cargo xtask idle`: the memory of an idle connection in a server.

mod report;
mod setting;

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ws_test_certificates::options::Certificates;
use ws_test_client::crowd::{Burst, Crowd, Plan};
use ws_test_client::resources::{self, PeakMeter};
use ws_test_client::subject::{Launch, Subject};
use ws_test_programs::peers::Peers;
use ws_test_programs::progress::{Progress, Unit};
use ws_test_programs::runtime::Runtime;
use ws_test_programs::{Outcome, interrupt, project};

use self::report::{Measured, Remains, report};
use self::setting::{BOUND, Setting};
use crate::bench::{Contestant, Executables, Program, Side, servers};
use crate::server::Server;

/// The messages of the bursts, one burst after the other.
const LENS: [usize; 2] = [64 << 10, 1 << 20];

/// The number of connections that echo in a burst, and its duration.
const BUSY: usize = 100;
const BURST: Duration = Duration::from_secs(2);

/// Measure the memory of idle connections.
///
/// Starts the echo server of each runtime. Opens the connections from another process, and
/// echoes 20 B and then 64 KiB on each. When all are idle, divides the growth of the server's
/// resident memory by their number. Linux only.
///
/// With --tls, all connections are over TLS. Each has a full handshake, with certificates that are
/// made for the run.
///
/// With --deflate, server and connections compress, and echo text instead of one repeated letter:
/// without context takeover, which may cost 1 KiB more than no compression, and with it, for pairs
/// of window and `mem_level`.
///
/// With --peers, the servers are those of `cargo xtask bench`, ours and those of other libraries,
/// which have no bound. 100 of the connections then echo 64 KiB, and after another pause 1 MiB, for
/// two seconds. The output has the most memory of the burst, and the memory that is left when all
/// are idle again.
///
/// Exit status: 0 within the bound of 1,600 B a connection, with --tls that of 10,240 B, and with
/// --deflate that of 1 KiB more than without compression; 1 above the bound; 2 measuring was not
/// possible.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure connections over TLS
    #[arg(long, conflicts_with_all = ["deflate", "peers"])]
    tls: bool,

    /// Measure connections that compress
    #[arg(long)]
    deflate: bool,

    /// Every window from 9 to 15 and every `mem_level` from 1 to 9, instead of a selection
    #[arg(long, requires = "deflate")]
    all_pairs: bool,

    /// The number of connections [default: 10,000, or 1,000 if each keeps hundreds of KiB]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,

    /// Runtimes whose servers are measured, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    runtime: Vec<Runtime>,

    /// The idle time before the measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    quiet: u64,

    /// Measure the executables `echo-RUNTIME` in this directory instead of building ws-peers
    #[arg(long, value_name = "DIR")]
    peer_dir: Option<PathBuf>,

    /// Measure the servers of `cargo xtask bench`, ours and others, also after a burst of large
    /// messages
    #[arg(long, conflicts_with_all = ["all_pairs", "runtime", "peer_dir"])]
    peers: bool,

    /// Servers by their names or parts of them, comma-separated: see `cargo xtask bench --list`
    /// [default: all]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', requires = "peers")]
    only: Vec<String>,

    /// Use the executables of all servers in this directory, and examples in its directory
    /// `examples`, instead of building them
    #[arg(long, value_name = "DIR", requires = "peers")]
    bin_dir: Option<PathBuf>,

    /// A smoke run: 100 connections, with short times
    #[arg(long, requires = "peers", conflicts_with_all = ["connections", "quiet"])]
    quick: bool,
}

/// Measures the servers of the arguments.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    resources::check_system()?;
    interrupt::install();
    let quick = args.quick;
    let wanted = args.connections.map(usize::try_from).transpose()?;
    let conditions = Conditions {
        wanted: if quick { Some(100) } else { wanted },
        limit: resources::raise_descriptor_limit()?,
        quiet: if quick {
            Duration::from_millis(500)
        } else {
            Duration::from_secs(args.quiet)
        },
        busy: if quick { BUSY / 10 } else { BUSY },
        burst: if quick { BURST / 10 } else { BURST },
        home: project::scratch_dir("idle")?,
    };
    let (all, lens) = match args.peers {
        true => (conditions.measure_all(args)?, &LENS[..]),
        false => (conditions.measure_ours(args)?, &[][..]),
    };
    println!("{}", report(&all, lens));
    Ok(Outcome::passed_if(all.iter().all(Measured::is_good)))
}

/// The conditions of all measurements.
struct Conditions {
    /// The number of connections that the user has set.
    wanted: Option<usize>,
    /// The limit of descriptors of a process.
    limit: u64,
    quiet: Duration,
    /// The number of connections that echo in a burst.
    busy: usize,
    /// The duration of a burst.
    burst: Duration,
    home: PathBuf,
}

impl Conditions {
    /// Measures the servers of ws-peers. Fails if one of them fails.
    fn measure_ours(&self, args: &Args) -> Result<Vec<Measured>> {
        let peers = Peers::built_or_in(args.peer_dir.as_deref())?;
        let certificates = || Certificates::make(&self.home.join("certificates"));
        let certificates = args.tls.then(certificates).transpose()?;
        let settings = match (args.tls, args.deflate) {
            (true, _) => vec![Setting::Tls],
            (false, true) => Setting::compressed(args.all_pairs),
            (false, false) => vec![Setting::Plain],
        };
        let mut all = Vec::new();
        for runtime in Runtime::these_or_all(&args.runtime) {
            let name = runtime.echo_server();
            let executable = peers.find(&name)?;
            let log = self.home.join(format!("{name}.log"));
            let mut plain = 0;
            for &setting in &settings {
                let option = setting.server_option();
                let start = || {
                    Subject::start(&Launch {
                        executable,
                        options: &Vec::from_iter(option.as_deref()),
                        offer: setting.offer().as_deref(),
                        certificates: certificates.as_ref(),
                        log: &log,
                    })
                };
                let mut measured = Measured::of_ours(&name, setting, plain);
                let result = self.measure(&name, setting, start, &[], &mut measured);
                result.with_context(|| format!("could not measure {name}, {setting}"))?;
                if setting == Setting::Plain {
                    plain = measured.bytes_per_connection().unwrap_or_default();
                }
                all.push(measured);
            }
        }
        Ok(all)
    }

    /// Measures the servers of `cargo xtask bench`.
    fn measure_all(&self, args: &Args) -> Result<Vec<Measured>> {
        let takes_part = |one: &Contestant| one.echo_options(args.deflate).is_some();
        let mut contestants = servers(&args.only);
        contestants.retain(|one| one.side != Side::Floor && takes_part(one));
        ensure!(
            !contestants.is_empty(),
            "no server has this name: see `cargo xtask bench --list`"
        );
        let settings: &[_] = match args.deflate {
            true => &[Setting::NoTakeover, Setting::Takeover],
            false => &[Setting::Plain],
        };
        let executables = Executables::of_servers(args.bin_dir.as_deref(), &contestants)?;
        let mut all = Vec::new();
        for contestant in &contestants {
            let name = &contestant.name;
            for &setting in settings {
                let start = || self.start(contestant, &executables, setting);
                let mut measured = match contestant.side {
                    Side::Ours => Measured::of_ours(name, setting, BOUND),
                    Side::Peer | Side::Floor => Measured::of_peer(name, setting),
                };
                match self.measure(name, setting, start, &LENS, &mut measured) {
                    Err(error) if interrupt::requested() => return Err(error),
                    result => measured.failure = result.err(),
                }
                all.push(measured);
            }
        }
        Ok(all)
    }

    /// Starts a server of any library.
    fn start(
        &self,
        contestant: &Contestant,
        executables: &Executables,
        setting: Setting,
    ) -> Result<Subject> {
        let Program::Built { package, name } = contestant.program else {
            bail!("{} is not built", contestant.name);
        };
        let is_deflate = setting != Setting::Plain;
        let command = |port: u16| {
            let mut command = Command::new(executables.find(package, name)?);
            command.args(contestant.echo_options(is_deflate).unwrap_or_default());
            command.args(["--port", &port.to_string()]);
            Ok(command)
        };
        let log = self.home.join(format!("{}.log", contestant.name));
        let Server {
            process, address, ..
        } = Server::start(command, &log)?;
        Subject::foreign(process, address, setting.offer().as_deref())
    }

    /// Fills `measured` until the server fails.
    fn measure(
        &self,
        server: &str,
        setting: Setting,
        start: impl FnOnce() -> Result<Subject>,
        bursts: &[usize],
        measured: &mut Measured,
    ) -> Result<()> {
        let started = Instant::now();
        let connections = self.connections(setting)?;
        let mut subject = start()?;
        let mut crowd = self.gather(server, setting, connections, &subject)?;
        wait(self.quiet)?;
        if let Some(status) = subject.try_wait()? {
            return Err(subject.died(status, "the silence"));
        }
        let target = &subject.target;
        measured.connections = connections;
        measured.before = target.resident;
        measured.idle = target.process.resident()?;
        let held = target.process.descriptors()?;
        let held = held.saturating_sub(target.descriptors);
        ensure!(
            held == connections,
            "the server holds {held} of {connections} connections"
        );
        for &len in bursts {
            let remains = self.burst(&subject, &mut crowd, connections, len)?;
            measured.bursts.push(remains);
        }
        measured.took = started.elapsed();
        Ok(())
    }

    /// Returns the number of connections.
    fn connections(&self, setting: Setting) -> Result<usize> {
        let wanted = self.wanted.unwrap_or(setting.connections());
        let connections = resources::affordable(wanted, self.limit);
        if connections == 0 {
            bail!("the limit of descriptors is too low to measure anything");
        }
        if connections < wanted {
            println!("note: the limit of descriptors allows only {connections} connections");
        }
        Ok(connections)
    }

    /// Opens the connections and waits until all have performed their habit.
    fn gather(
        &self,
        server: &str,
        setting: Setting,
        connections: usize,
        subject: &Subject,
    ) -> Result<Crowd> {
        let label = format!("{server}, {setting}");
        let mut progress = Progress::new(&label, connections, Unit::CONNECTION);
        let plan = Plan {
            server: subject.target.endpoint(),
            connections,
            habit: setting.habit(),
            offer: setting.offer(),
        };
        let gathered = Crowd::gather(&plan, |count| progress.at(count, &count.to_string()));
        progress.end();
        println!("{label}: idle for {} s", self.quiet.as_secs_f64());
        gathered
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
        let busy = self.busy.min(connections);
        let meter = PeakMeter::start(process);
        let messages = crowd.burst(Burst {
            connections: busy,
            len,
            time: self.burst,
        })?;
        let peak = meter.stop()?;
        wait(self.quiet)?;
        ensure!(messages >= busy as u64, "the burst was incomplete");
        Ok(Remains {
            peak,
            after: process.resident()?,
        })
    }
}

/// Waits for this time, unless the user stops the run.
fn wait(time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if interrupt::requested() {
            bail!("interrupted");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
