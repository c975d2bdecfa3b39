//! `cargo xtask hostile`: hostile peers against the echo servers.
//!
//! Each attack has a server of its own, whose memory, descriptors and processor time are observed
//! from outside. After the attack, the server must answer, and be in its earlier state.

#![forbid(unsafe_code)]

mod attacks;
mod finding;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use ws_test_certificates::options::Certificates;
use ws_test_client::resources;
use ws_test_client::resources::PeakMeter;
use ws_test_client::subject::{Launch, Subject};
use ws_test_programs::peers::Peers;
use ws_test_programs::progress::{Progress, Unit};
use ws_test_programs::runtime::Runtime;
use ws_test_programs::{Outcome, interrupt, project};

use attacks::{ATTACKS, Attack, Field, Setup};
use finding::{Bytes, Finding, Time, fresh_echo};
use report::{Report, table};

/// The names of groups of attacks: all with this setup.
const GROUPS: [(&str, Setup); 2] = [("tls", Setup::Tls), ("http2", Setup::Http2)];

/// The server of the attacks over HTTP/2.
const HTTP2_SERVER: &str = "echo-axum";

/// The interval at which the end of an attack, and Ctrl-C, are checked.
const POLL: Duration = Duration::from_millis(20);

/// The time until the server has freed the memory of an attack. The longest time limit is that of
/// closing.
const RECOVERY: Duration = Duration::from_secs(7);

/// The time until a process without sockets has ended.
const DEATH: Duration = Duration::from_millis(200);

/// Attack the echo servers, and compare their costs with the bounds.
///
/// Each attack has a fresh server on the loopback interface, optimized and with the defaults of the
/// library. Its resident memory is observed all the time. After the attack it must answer, and have
/// no more descriptors than before. The attacks over HTTP/2 are on `echo-axum`, together with those
/// on tokio. Linux only.
///
/// Exit status: 0 all within bounds; 1 a bound is exceeded; 2 an attack was not possible.
#[derive(Parser)]
#[command(
    name = "cargo xtask hostile",
    bin_name = "cargo xtask hostile",
    max_term_width = 100
)]
struct Args {
    /// Runtimes whose servers are attacked, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    runtime: Vec<Runtime>,

    /// Attacks to carry out, comma-separated; `tls` and `http2` select all attacks over TLS or
    /// HTTP/2 [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = names())]
    attack: Vec<String>,

    /// List the attacks and stop
    #[arg(long)]
    list: bool,

    /// Attack the executables `echo-RUNTIME` in this directory, and `echo-axum` in its directory
    /// `examples`, instead of building them
    #[arg(long, value_name = "DIR")]
    peer_dir: Option<PathBuf>,
}

fn names() -> Vec<&'static str> {
    let names = ATTACKS.iter().map(|attack| attack.name);
    names.chain(GROUPS.map(|(group, _)| group)).collect()
}

fn main() -> ExitCode {
    ws_test_programs::report(&run(&Args::parse()))
}

/// Carries out the attacks of the arguments.
fn run(args: &Args) -> Result<Outcome> {
    if args.list {
        for attack in ATTACKS {
            println!("{:24} {}", attack.name, attack.about);
        }
        return Ok(Outcome::Passed);
    }
    resources::check_system()?;
    interrupt::install();
    let limit = resources::raise_descriptor_limit()?;
    let (http2, attacks): (Vec<_>, Vec<_>) = chosen(&args.attack)
        .into_iter()
        .partition(|attack| attack.setup == Setup::Http2);
    let servers = servers(args, &attacks, &http2)?;
    let home = project::scratch_dir("hostile")?;
    let tls = attacks.iter().any(|attack| attack.setup == Setup::Tls);
    let certificates = tls.then(|| Certificates::make(&home.join("certificates")));
    let attacker = Attacker {
        certificates: certificates.transpose()?,
        home,
        room: resources::affordable(usize::MAX, limit),
    };
    let mut reports = Vec::new();
    for (executable, server, attacks) in servers {
        let carried_out = attacker.carry_out(attacks, &server, &executable, &mut reports);
        if let Err(error) = carried_out {
            println!("\n{}", table(&reports));
            return Err(error);
        }
    }
    println!("\n{}", table(&reports));
    let mut incomplete = Vec::new();
    for report in &reports {
        if let Some(error) = report.error() {
            println!("{report} was not possible: {error}");
            incomplete.push(report.to_string());
        }
    }
    let outcome = Outcome::passed_if(reports.iter().all(Report::holds));
    if outcome == Outcome::Passed && !incomplete.is_empty() {
        bail!("not possible: {}", incomplete.join(", "));
    }
    println!(
        "{}",
        match outcome {
            Outcome::Passed => "all within bounds",
            Outcome::Failed => "some bounds are exceeded",
        }
    );
    Ok(outcome)
}

/// Returns each server with its executable and its attacks. Builds the executables if necessary.
fn servers<'a>(
    args: &Args,
    attacks: &'a [&'static Attack],
    http2: &'a [&'static Attack],
) -> Result<Vec<(PathBuf, String, &'a [&'static Attack])>> {
    let dir = args.peer_dir.as_deref();
    let mut servers = Vec::new();
    if !attacks.is_empty() {
        let peers = Peers::built_or_in(dir)?;
        for runtime in Runtime::these_or_all(&args.runtime) {
            let name = runtime.echo_server();
            servers.push((peers.find(&name)?.to_owned(), name, attacks));
        }
    }
    if !http2.is_empty() && Runtime::these_or_all(&args.runtime).contains(&Runtime::Tokio) {
        let package = ["--package", "ws-axum", "--example", HTTP2_SERVER];
        let peers = match dir {
            Some(dir) => Peers::in_dir(&dir.join("examples"))?,
            None => Peers::build("ws-axum", &package)?,
        };
        let executable = peers.find(HTTP2_SERVER)?.to_owned();
        servers.push((executable, HTTP2_SERVER.to_owned(), http2));
    }
    Ok(servers)
}

/// Returns the attacks of the arguments, in their fixed order.
fn chosen(names: &[String]) -> Vec<&'static Attack> {
    let is_meant =
        |attack: &Attack, name: &str| name == attack.name || GROUPS.contains(&(name, attack.setup));
    ATTACKS
        .iter()
        .filter(|attack| names.is_empty() || names.iter().any(|name| is_meant(attack, name)))
        .collect()
}

/// The state that all attacks share.
struct Attacker {
    /// The folder for output.
    home: PathBuf,
    /// Present if there is an attack on TLS.
    certificates: Option<Certificates>,
    /// The number of connections that the limit of descriptors allows.
    room: usize,
}

impl Attacker {
    /// Carries out one attack after the other. A failure does not stop the rest.
    fn carry_out(
        &self,
        attacks: &[&'static Attack],
        server: &str,
        executable: &Path,
        reports: &mut Vec<Report>,
    ) -> Result<()> {
        let mut progress = Progress::new(server, attacks.len(), Unit::ATTACK);
        for (done, attack) in attacks.iter().enumerate() {
            progress.at(done, attack.name);
            let prefix = format!("{server}-{}", attack.name);
            let started = Instant::now();
            let result = self.attack(attack, &prefix, executable);
            if interrupt::requested() {
                bail!("interrupted in {}", attack.name);
            }
            reports.push(Report {
                server: server.to_owned(),
                attack: attack.name,
                findings: result.unwrap_or_else(|error| vec![Finding::broken(&error)]),
                took: started.elapsed(),
            });
        }
        progress.end();
        Ok(())
    }

    fn attack(
        &self,
        attack: &'static Attack,
        prefix: &str,
        executable: &Path,
    ) -> Result<Vec<Finding>> {
        let log = self.home.join(format!("{prefix}-server.log"));
        let mut subject = Subject::start(&Launch {
            executable,
            options: attack.setup.options(),
            offer: None,
            certificates: self
                .certificates
                .as_ref()
                .filter(|_| attack.setup == Setup::Tls),
            log: &log,
        })?;
        let field = Field {
            target: subject.target.clone(),
            room: self.room,
        };
        let findings = observed(attack, field, &mut subject);
        let is_good = |findings: &Vec<Finding>| findings.iter().all(Finding::is_good);
        if findings.as_ref().is_ok_and(is_good) {
            return findings;
        }
        // If the server has died, only this is reported. All other errors follow from it.
        thread::sleep(DEATH);
        match subject.try_wait()? {
            Some(status) => {
                let words = format!("{:#}", subject.died(status, attack.name));
                Ok(vec![Finding::new("server", words, "alive", false)])
            }
            None => findings,
        }
    }
}

/// Carries out an attack, and observes the server during the attack and after it.
fn observed(attack: &'static Attack, field: Field, subject: &mut Subject) -> Result<Vec<Finding>> {
    let target = subject.target.clone();
    let cpu = target.process.cpu()?;
    let peak = PeakMeter::start(target.process);
    let mut findings = match watched(attack, field, subject)? {
        Some(Ok(findings)) => findings,
        Some(Err(error)) => vec![Finding::broken(&error)],
        None => {
            let bound = format!("≤ {}", Time(attack.limit));
            return Ok(vec![Finding::new("attack", "did not end", bound, false)]);
        }
    };
    // The memory of the attack is free now, but may be in use for a moment.
    target.wait_for_descriptors(RECOVERY)?;
    let peak = peak.stop()?.saturating_sub(target.resident);
    let cpu = target.process.cpu()?.saturating_sub(cpu);
    let left = target
        .process
        .descriptors()?
        .saturating_sub(target.descriptors);
    findings.extend([
        match attack.growth {
            Some(bound) => Finding::bytes("growth, at most", peak, bound),
            None => Finding::note("growth, at most", Bytes(peak)),
        },
        Finding::note("growth afterwards", Bytes(target.growth()?)),
        Finding::note("processor time", Time(cpu)),
        Finding::new("descriptors left", left, 0, left == 0),
        fresh_echo("echo afterwards", &target),
    ]);
    Ok(findings)
}

/// Carries out `attack` in a thread, within its time limit and while the server runs. Returns
/// `None` if it did not end.
fn watched(
    attack: &'static Attack,
    field: Field,
    subject: &mut Subject,
) -> Result<Option<Result<Vec<Finding>>>> {
    let (sender, result) = mpsc::channel();
    let started = Instant::now();
    thread::spawn(move || {
        // No thread receives any more after the timeout.
        drop(sender.send((attack.act)(&field)));
    });
    loop {
        match result.recv_timeout(POLL) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the attack panicked"),
        }
        if interrupt::requested() {
            bail!("interrupted");
        }
        if subject.try_wait()?.is_some() || started.elapsed() > attack.limit {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_name_means_all_attacks() {
        assert_eq!(chosen(&[]).len(), ATTACKS.len());
        let names = ["churn".to_owned(), "announced".to_owned()];
        let chosen: Vec<_> = chosen(&names).iter().map(|attack| attack.name).collect();
        assert_eq!(chosen, ["announced", "churn"]);
    }

    #[test]
    fn the_attacks_of_a_group_have_a_common_name() {
        for (group, _) in GROUPS {
            let chosen = chosen(&[group.to_owned()]);
            assert!(chosen.len() > 1);
            let named = ATTACKS
                .iter()
                .filter(|attack| attack.name.starts_with(&format!("{group}-")));
            assert!(
                chosen
                    .iter()
                    .map(|attack| attack.name)
                    .eq(named.map(|attack| attack.name))
            );
        }
    }
}
