//! `cargo xtask bench`: the speed of servers and clients, on our library and on others.

mod chart;
mod client;
mod compression;
mod contestant;
mod cores;
mod instructions;
mod measure;
mod programs;
mod results;
mod rounds;
mod sample;
mod scenario;
mod statistics;
mod syscalls;
mod table;
mod tails;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use procfs_core::{CpuInfo, FromRead};
use ws_test_certificates::Files;
use ws_test_client::resources;
use ws_test_programs::progress::{Progress, Unit};
use ws_test_programs::{Outcome, interrupt, project};

use self::compression::Grid;
use self::contestant::{Added, Task};
use self::cores::Cores;
use self::instructions::Subject;
use self::measure::Bench;
use self::results::Run;
use self::rounds::Rounds;
use self::scenario::{SCENARIOS, Scenario, select};
use self::syscalls::Counter;
use self::tails::Disturbance;

pub(crate) use self::contestant::{Contestant, Program, Side};
pub(crate) use self::programs::Executables;

/// Compare servers and clients.
///
/// Builds our servers, those of `benches/peers` and the floors, which echo bytes without WebSocket.
/// Loads them in turn, round after round. Server and load have a processor each. Prints messages
/// per second, and processor time and system calls per message. Also prints the part of its floor
/// that each server reaches, with an interval of 95 %. Measurements that other programs disturb are
/// repeated. Linux only. As root and with `nice -n -15`, there are fewer disturbances.
///
/// Most scenarios are those of echo servers. In those named `tls-`, the servers that can use TLS
/// do. In those named `tls-handshake`, each message has a fresh connection, so that messages per
/// second are handshakes per second. In those named `broadcast-`, servers send the same messages to
/// 1,000 or 10,000 subscribers, and the deliveries are counted. In those named `client-`, clients
/// load our echo server, and the processor time is that of the client.
///
/// With `--instructions`, hot functions of the library run under valgrind, and their instructions
/// are compared with `benches/instructions.toml`. With `--instructions messages`, our servers, the
/// floors and our client run under valgrind, each under two loads of different duration. The
/// instructions for a message are compared with the same file. `--only`, `--scenario` and
/// `--server` select other programs and loads. Counts that are not committed are only printed.
///
/// With `--tails`, echo servers are loaded at 50 % and 80 % of their capacity, which is measured
/// first. Messages of 20 B and of 1 KiB are sent on a fixed schedule over 1,000 connections. The
/// latency of a message counts from its intended time, even if it is sent late. The same is
/// measured while one more connection disturbs the others. Each row takes about ten seconds.
///
/// With `--compression`, messages are compressed in memory with all levels and several windows and
/// memory levels. For each kind of messages, a curve shows the length of the output over the
/// processor time, and a table has the figures and the memory. Each round takes about 20
/// seconds.
///
/// Exit status: 0 all were measured; 1 a program failed, or takes too many instructions; 2
/// measuring was not possible.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Scenarios by their names or parts of them, comma-separated [default: all]
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    scenario: Vec<String>,

    /// Servers and clients by their names or parts of them, comma-separated [default: all]
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<String>,

    /// Add an echo server: its name, and a command line in which {port} is the port to listen on
    #[arg(long, value_name = "NAME=COMMAND")]
    server: Vec<Added>,

    /// The number of measurements of each server [with --tails: 5]
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 9,
        default_value_if("tails", "true", "5"),
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    rounds: u16,

    /// The duration of each measurement [with --tails: 2]
    #[arg(
        long,
        default_value_t = 1.0,
        default_value_if("tails", "true", "2"),
        value_parser = duration
    )]
    seconds: f64,

    /// The number of repetitions of a measurement that other programs disturbed
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    retries: u16,

    /// A smoke run: one short round
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "retries"])]
    quick: bool,

    /// The processors of server and load
    #[arg(long, value_name = "SERVER,LOAD", default_value = "0,1")]
    cores: Cores,

    /// Use the executables in this directory, and examples in its directory `examples`, instead of
    /// building them
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,

    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Compare with the figures in this file, from an earlier run
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Draw a chart of each scenario into this directory
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,

    /// Print the names of scenarios and servers, without a measurement
    #[arg(long)]
    list: bool,

    /// Count instructions instead. Fails if a count is over 3 % above the committed one [default
    /// subject: functions]
    #[arg(
        long,
        value_name = "SUBJECT",
        value_enum,
        num_args = 0..=1,
        default_missing_value = "functions",
        conflicts_with_all = [
            "rounds", "seconds", "retries", "quick", "save", "against", "charts", "list"
        ]
    )]
    instructions: Option<Subject>,

    /// Draw the curves of compression instead [default combinations: some]
    #[arg(
        long,
        value_name = "COMBINATIONS",
        value_enum,
        num_args = 0..=1,
        default_missing_value = "some",
        conflicts_with_all = [
            "scenario", "only", "server", "seconds", "retries", "cores", "save", "against",
            "charts", "list", "instructions"
        ]
    )]
    compression: Option<Grid>,

    /// Write the counted instructions to the committed file
    #[arg(long, requires = "instructions")]
    bless: bool,

    /// Measure the latency of echo servers at fixed rates instead
    #[arg(
        long,
        conflicts_with_all = ["instructions", "retries", "save", "against", "charts", "list"]
    )]
    tails: bool,

    /// Disturbances for --tails, comma-separated [default: all]
    #[arg(
        long,
        value_name = "KINDS",
        value_enum,
        value_delimiter = ',',
        requires = "tails"
    )]
    disturb: Vec<Disturbance>,

    /// The number of connections for --tails
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1000,
        requires = "tails",
        value_parser = clap::value_parser!(u32).range(1..=20_000)
    )]
    connections: u32,
}

/// Performs the measurements of the arguments.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if let Some(subject) = args.instructions {
        return instructions::run(subject, args);
    }
    if args.tails {
        return tails::run(args);
    }
    if let Some(grid) = args.compression {
        return compression::run(grid, args);
    }
    let contestants = contestants(args);
    let scenarios = select(SCENARIOS.iter().collect(), |one| one.name, &args.scenario);
    if args.list {
        list(&scenarios, &contestants);
        return Ok(Outcome::Passed);
    }
    ensure!(
        !scenarios.is_empty(),
        "no scenario has this name: see --list"
    );
    ensure!(
        !contestants.is_empty(),
        "no server or client has this name: see --list"
    );
    // Before any long work.
    let before = args.against.as_deref().map(Run::load).transpose()?;
    let bench = conditions(args, &contestants)?;
    let run = measure_all(args, &bench, &scenarios, &contestants)?;
    finish(args, before.as_ref(), &run)
}

/// Builds the programs, and prepares the process for the measurements.
fn conditions(args: &Args, contestants: &[Contestant]) -> Result<Bench> {
    resources::check_system()?;
    interrupt::install();
    // A broadcast has 10,000 subscribers.
    resources::raise_descriptor_limit()?;
    let home = project::scratch_dir("bench")?;
    Ok(Bench {
        executables: Executables::built_or_in(args.bin_dir.as_deref(), contestants)?,
        cores: args.cores,
        seconds: if args.quick { 0.2 } else { args.seconds },
        warm_up: if args.quick { 0.1 } else { 0.2 },
        certificates: Files::write(&home.join("certificates"))
            .context("cannot write certificates")?,
        home,
    })
}

fn contestants(args: &Args) -> Vec<Contestant> {
    let mut contestants = select(contestant::built(), |one| &one.name, &args.only);
    contestants.extend(args.server.iter().map(Added::contestant));
    contestants
}

/// Returns the echo servers that are built, or those whose names or parts of names are in `asked`.
pub(crate) fn servers(asked: &[String]) -> Vec<Contestant> {
    let mut servers = contestant::built();
    servers.retain(|one| one.task == Task::Echo);
    select(servers, |one| &one.name, asked)
}

fn list(scenarios: &[&Scenario], contestants: &[Contestant]) {
    for scenario in scenarios {
        println!("scenario {:21} {}", scenario.name, scenario.title());
    }
    for contestant in contestants {
        println!("{:8} {}", contestant.side, contestant.name);
    }
}

fn measure_all(
    args: &Args,
    bench: &Bench,
    scenarios: &[&Scenario],
    contestants: &[Contestant],
) -> Result<Run> {
    let (rounds, retries) = match args.quick {
        true => (1, 0),
        false => (args.rounds.into(), args.retries.into()),
    };
    let counter = Counter::find();
    match counter {
        Some(counter) => println!("system calls are counted by {}", counter.name()),
        None => println!("note: system calls are not counted: neither perf nor strace can be used"),
    }
    let fields = |scenario: &Scenario| -> Vec<_> {
        let takes_part = |one: &&Contestant| one.options(scenario).is_some();
        contestants.iter().filter(takes_part).collect()
    };
    let mut measuring = Rounds::new(bench, rounds, retries, counter)?;
    let mut all = Vec::new();
    for scenario in scenarios {
        let field = fields(scenario);
        if field.is_empty() {
            continue;
        }
        let mut progress = Progress::new(
            scenario.name,
            measuring.measurements(scenario, field.len()),
            Unit::MEASUREMENT,
        );
        let results = measuring.scenario(scenario, &field, &mut progress);
        progress.end();
        let results = results?;
        println!("{}", table::scenario(&results));
        all.push(results);
    }
    Ok(Run {
        machine: machine(),
        scenarios: all,
    })
}

/// Prints, compares and writes the results.
fn finish(args: &Args, before: Option<&Run>, run: &Run) -> Result<Outcome> {
    println!("measured on {}", run.machine);
    if args.server.is_empty() && args.only.is_empty() {
        println!(
            "note: servers outside the project, such as uWebSockets, were skipped: \
             `--server NAME=COMMAND` adds one"
        );
    }
    if let Some(before) = before {
        println!("{}", table::comparison(before, run));
    }
    if let Some(file) = &args.save {
        run.save(file)?;
    }
    if let Some(dir) = &args.charts {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        for results in &run.scenarios {
            chart::draw(results, dir)?;
        }
    }
    let mut entries = run.scenarios.iter().flat_map(|results| &results.entries);
    Ok(Outcome::passed_if(
        entries.all(|entry| entry.failure.is_none()),
    ))
}

/// Returns the names of the processor and the system, from Linux.
fn machine() -> String {
    let cpus = CpuInfo::from_file("/proc/cpuinfo").ok();
    let count = cpus.as_ref().map_or(0, CpuInfo::num_cores);
    let model = cpus.as_ref().and_then(|cpus| cpus.model_name(0));
    let model = model.unwrap_or("of an unknown model");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{count} processors {model}, Linux {}", kernel.trim())
}

fn duration(text: &str) -> Result<f64> {
    let seconds: f64 = text.parse()?;
    if !(0.01..=3600.0).contains(&seconds) {
        bail!("from 0.01 to 3600 seconds");
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Ok(Line::try_parse_from(line.split(' '))?.args)
    }

    #[test]
    fn a_row_of_latency_has_fewer_and_longer_rounds() {
        let defaults = |args: &Args| (args.rounds, args.seconds, args.connections);
        assert_eq!(defaults(&parse("bench").unwrap()), (9, 1.0, 1000));
        assert_eq!(defaults(&parse("bench --tails").unwrap()), (5, 2.0, 1000));
        let args = parse("bench --tails --seconds 0.5 --connections 10").unwrap();
        assert_eq!(defaults(&args), (5, 0.5, 10));
        assert!(parse("bench --connections 10").is_err());
        assert!(parse("bench --tails --list").is_err());
    }

    #[test]
    fn a_measurement_takes_some_time_and_not_for_ever() {
        assert_eq!(duration("0.5").unwrap(), 0.5);
        for wrong in ["0", "-1", "NaN", "inf", "x"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
