//! `cargo xtask idle`: the memory of an idle connection in a server.

mod deflate;
mod peers;
mod report;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};

use ws_test_client::crowd::{self, Crowd, Habit};
use ws_test_client::resources;
use ws_test_client::subject::{Launch, Subject, Target};
use ws_test_programs::certificates::Certificates;
use ws_test_programs::peers::Peers;
use ws_test_programs::progress::{Progress, Unit};
use ws_test_programs::runtime::Runtime;
use ws_test_programs::{Outcome, interrupt, project};

/// The most resident bytes of an idle connection in the server process: 1.5 KiB, and the additional
/// memory of the tasks of some runtimes.
const BOUND: u64 = 1600;

/// The most resident bytes of a connection over TLS. rustls itself keeps 7.5 KB of them, which it
/// cannot return: 4 KiB for the next record, 640 B for messages of the handshake, and the keys.
const TLS_BOUND: u64 = 10 * 1024;

/// The number of connections. With more connections, their shared memory counts less.
const MANY: usize = 10_000;

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
/// Exit status: 0 within the bound of 1,600 B a connection, with --tls that of 10,240 B, or with
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

    #[command(flatten)]
    others: peers::PeersArgs,
}

/// Measures every runtime of the arguments.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    resources::check_system()?;
    interrupt::install();
    let conditions = Conditions {
        wanted: args.connections.map(usize::try_from).transpose()?,
        limit: resources::raise_descriptor_limit(),
        quiet: Duration::from_secs(args.quiet),
        home: project::scratch_dir("idle")?,
    };
    if args.others.is_asked_for() {
        return peers::run(&args.others, &conditions, args.deflate);
    }
    let certificates = args
        .tls
        .then(|| Certificates::make(&conditions.home.join("certificates")))
        .transpose()?;
    let bench = Bench {
        peers: Peers::built_or_in(args.peer_dir.as_deref())?,
        certificates,
        conditions,
    };
    let runtimes = Runtime::these_or_all(&args.runtime);
    match args.deflate {
        true => deflate::run(&bench, runtimes, args.all_pairs),
        false => bench.run_plain(runtimes),
    }
}

/// The servers and the conditions of a measurement.
struct Bench {
    peers: Peers,
    /// The certificates of connections over TLS; `None` without TLS.
    certificates: Option<Certificates>,
    conditions: Conditions,
}

/// The conditions of all measurements.
#[derive(Clone)]
struct Conditions {
    /// The number of connections that the user has set.
    wanted: Option<usize>,
    /// The limit of descriptors of a process.
    limit: Option<u64>,
    quiet: Duration,
    home: PathBuf,
}

/// The options of the server, and the habit of its connections.
struct Setting {
    /// The name in the output.
    label: String,
    options: Vec<String>,
    habit: Habit,
    offer: Option<String>,
    /// The default number of connections.
    connections: usize,
}

impl Setting {
    /// Returns the setting without compression.
    fn plain() -> Self {
        Self {
            label: "not compressed".to_owned(),
            options: Vec::new(),
            habit: Habit::Echo,
            offer: None,
            connections: MANY,
        }
    }

    /// Returns the setting over TLS, without compression.
    fn tls() -> Self {
        Self {
            label: "over TLS".to_owned(),
            ..Self::plain()
        }
    }
}

/// The result of one runtime.
struct Measured {
    runtime: Runtime,
    connections: usize,
    before: u64,
    after: u64,
    took: Duration,
}

impl Measured {
    /// Returns the bytes of a connection, rounded up. A value above the bound is then never
    /// displayed as equal to it.
    fn bytes_per_connection(&self) -> u64 {
        let grown = self.after.saturating_sub(self.before);
        grown.div_ceil(self.connections as u64)
    }

    fn is_within(&self, bound: u64) -> bool {
        self.bytes_per_connection() <= bound
    }
}

impl Bench {
    fn run_plain(&self, runtimes: &[Runtime]) -> Result<Outcome> {
        let (setting, bound) = match self.certificates {
            Some(_) => (Setting::tls(), TLS_BOUND),
            None => (Setting::plain(), BOUND),
        };
        let mut results = Vec::new();
        for runtime in runtimes {
            let result = self.measure(*runtime, &setting);
            results.push(result.with_context(|| format!("could not measure {runtime}"))?);
        }
        println!("{}", table(&results, bound));
        let is_within = |measured: &Measured| measured.is_within(bound);
        Ok(Outcome::passed_if(results.iter().all(is_within)))
    }

    fn measure(&self, runtime: Runtime, setting: &Setting) -> Result<Measured> {
        let started = Instant::now();
        let executable = self.peers.find(&runtime.echo_server())?;
        let options: Vec<_> = setting.options.iter().map(String::as_str).collect();
        let log = self.conditions.home.join(format!("{runtime}.log"));
        let mut subject = Subject::start(&Launch {
            executable,
            options: &options,
            offer: setting.offer.as_deref(),
            certificates: self.certificates.as_ref(),
            log: &log,
        })?;
        let target = subject.target.clone();
        let conditions = &self.conditions;
        let connections = conditions.connections(setting)?;
        let name = runtime.to_string();
        let crowd = conditions.gather(&name, setting, connections, &target)?;
        wait(conditions.quiet)?;
        if let Some(status) = subject.try_wait()? {
            return Err(subject.died(status, "the silence"));
        }
        let after = target.process.resident()?;
        let descriptors = target.process.descriptors()?;
        let held = descriptors.saturating_sub(target.descriptors);
        if held != connections {
            bail!("the server holds {held} of {connections} connections");
        }
        drop(crowd);
        Ok(Measured {
            runtime,
            connections,
            before: target.resident,
            after,
            took: started.elapsed(),
        })
    }
}

impl Conditions {
    /// Returns the number of connections.
    fn connections(&self, setting: &Setting) -> Result<usize> {
        let wanted = self.wanted.unwrap_or(setting.connections);
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
        server_name: &str,
        setting: &Setting,
        connections: usize,
        server: &Target,
    ) -> Result<Crowd> {
        let label = format!("{server_name}, {}", setting.label);
        let mut progress = Progress::new(&label, connections, Unit::CONNECTION);
        let plan = crowd::Plan {
            server: server.endpoint(),
            connections,
            habit: setting.habit,
            offer: setting.offer.clone(),
        };
        let gathered = Crowd::gather(&plan, |count| progress.at(count, &count.to_string()));
        progress.end();
        println!("{label}: idle for {} s", self.quiet.as_secs_f64());
        gathered
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

fn table(results: &[Measured], bound: u64) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header([
        "runtime",
        "connections",
        "before, KiB",
        "after, KiB",
        "B per connection",
        "bound",
        "verdict",
        "time",
    ]);
    for result in results {
        table.add_row([
            result.runtime.to_string(),
            result.connections.to_string(),
            (result.before / 1024).to_string(),
            (result.after / 1024).to_string(),
            result.bytes_per_connection().to_string(),
            bound.to_string(),
            if result.is_within(bound) {
                "ok"
            } else {
                "ABOVE"
            }
            .to_owned(),
            format!("{:.1} s", result.took.as_secs_f64()),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(grown: u64) -> Measured {
        let before = 3 << 20;
        Measured {
            runtime: Runtime::Tokio,
            connections: 1000,
            before,
            after: before + grown,
            took: Duration::from_secs(8),
        }
    }

    #[test]
    fn the_bound_is_inclusive_and_exact() {
        assert!(measured(1600 * 1000).is_within(BOUND));
        assert!(!measured(1600 * 1000 + 1).is_within(BOUND));
        assert_eq!(measured(1).bytes_per_connection(), 1);
    }

    #[test]
    fn a_process_that_shrinks_costs_nothing() {
        let shrunk = Measured {
            after: 0,
            ..measured(0)
        };
        assert_eq!(shrunk.bytes_per_connection(), 0);
    }

    #[test]
    fn the_table_shows_figure_bound_and_verdict() {
        let shown = table(&[measured(1_500_000), measured(5_000_000)], BOUND).to_string();
        let rows: Vec<Vec<_>> = shown
            .lines()
            .filter(|line| line.contains("tokio"))
            .map(|line| line.trim_matches('│').split_whitespace().collect())
            .collect();
        assert_eq!(rows[0][..2], ["tokio", "1000"], "{shown}");
        assert_eq!(rows[0][4..7], ["1500", "1600", "ok"], "{shown}");
        assert_eq!(rows[1][4..7], ["5000", "1600", "ABOVE"], "{shown}");
    }
}
