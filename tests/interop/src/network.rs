//! The checks of our client in a network namespace, whose addresses answer, refuse connections, or
//! drop packets.
//!
//! A socket belongs to the namespace in which it was made. So another process of this program
//! performs the checks within the namespace, and prints their results as a script does.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ws_test_programs::Outcome;

use crate::dialogue::Dialogue;
use crate::install::Installed;
use crate::namespace::{succeed, unshare};
use crate::process::{PATIENCE, Pipes, Process};
use crate::report::Report;
use crate::scripts::CHECK_PATIENCE;
use crate::stage::{Stage, free_port, with_timeouts};
use crate::tools::Tool;

/// The longest time that an address which drops packets may cost. RFC 8305 §8 recommends 250 ms
/// before the next attempt.
const MAX_COST: Duration = Duration::from_millis(300);

/// The number of attempts. The fastest one counts, because other programs may slow down the others.
const ATTEMPTS: usize = 3;

/// The address at which a server may listen.
const LIVE: &str = "203.0.113.1";

/// The names of the namespace. All packets to 2001:db8::/64 and 198.51.100.0/24 are dropped.
const HOSTS: &str = "\
    203.0.113.1 live.test\n\
    2001:db8::7 ipv6.test\n\
    203.0.113.1 ipv6.test\n\
    198.51.100.7 ipv4.test\n\
    203.0.113.1 ipv4.test\n\
    2001:db8::7 many.test\n\
    2001:db8::8 many.test\n\
    2001:db8::9 many.test\n\
    203.0.113.1 many.test\n\
    ::1 refused.test\n\
    127.0.0.1 refused.test\n\
    203.0.113.1 refused.test\n\
    2001:db8::7 dead.test\n\
    198.51.100.7 dead.test\n";

/// Sets up the network. The other end of the link `drop` has none of the addresses, so it drops all
/// packets. Without ARP, no neighbor is reported as missing. The source address of the last route
/// lets a resolver return 198.51.100.7 before 203.0.113.1 (RFC 6724 §5, rule 9).
const SCRIPT: &str = "\
    ip=$1; dir=$2; shift 2\n\
    mount --bind \"$dir/hosts\" /etc/hosts\n\
    mount --bind \"$dir/nsswitch.conf\" /etc/nsswitch.conf\n\
    $ip link set lo up\n\
    $ip link add drop type veth peer name end\n\
    $ip link set drop arp off up\n\
    $ip link set end arp off up\n\
    $ip address add 2001:db8::1/64 dev drop nodad\n\
    $ip address add 198.51.100.1/24 dev drop\n\
    $ip address add 203.0.113.1/32 dev lo\n\
    $ip route replace local 203.0.113.1 dev lo table local src 198.51.100.1\n\
    exec \"$@\"\n";

/// A check within the namespace. It returns the time that is worth showing.
type Check = fn(&mut Client) -> Result<Duration>;

const CHECKS: [(&str, Check); 6] = [
    ("one address", |client| client.connects("live.test", LIVE)),
    ("IPv6 drops packets", |client| {
        client.connects("ipv6.test", "2001:db8::7")
    }),
    ("one of two addresses drops packets", |client| {
        client.connects("ipv4.test", "198.51.100.7")
    }),
    ("three of four addresses drop packets", |client| {
        client.connects("many.test", "2001:db8::7")
    }),
    ("all addresses refuse", refused),
    ("all addresses drop packets", dead),
];

/// Returns the names of the checks.
pub(crate) fn checks() -> Vec<&'static str> {
    CHECKS.map(|(name, _)| name).to_vec()
}

/// Returns a call in a new network namespace, whose files are in `dir`. The caller adds the
/// program.
fn command(installed: &Installed, dir: &Path) -> Result<Command> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(dir.join("hosts"), HOSTS)?;
    // Other services could find the names of the machine, or wait for a network.
    fs::write(dir.join("nsswitch.conf"), "hosts: files\n")?;
    let mut command = unshare(&installed.command(Tool::Unshare)?, &["--net", "--mount"]);
    command.args(["sh", "-e", "-c", SCRIPT, "sh"]);
    command.arg(installed.command(Tool::Ip)?.get_program());
    command.arg(dir);
    Ok(command)
}

/// Returns an error if this process cannot make the namespace.
pub(crate) fn probe(installed: &Installed, dir: &Path) -> Result<()> {
    let mut command = command(installed, dir)?;
    command.arg("true");
    succeed(command)
}

/// Runs the checks in a namespace.
pub(crate) fn run(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let dir = stage.file("network")?;
    let mut command = command(stage.installed(), &dir)?;
    let this = env::current_exe().context("cannot find this program")?;
    command.arg(this).arg("--in-namespace");
    command.arg(stage.client_executable()?);
    command.current_dir(&dir);
    let mut process = stage.spawn("network namespace", command)?;
    while let Some(line) = process.line(CHECK_PATIENCE)? {
        report.add_line(&line);
    }
    process.ended_well()
}

/// Performs the checks of the executable `client` in the namespace of this process.
pub(crate) fn inside(client: &Path) -> Result<Outcome> {
    let mut client = Client::start(client)?;
    for (name, check) in CHECKS {
        match check(&mut client) {
            Ok(time) => println!("ok {name} in {} ms", time.as_millis()),
            Err(error) => println!("failed {name}: {error:#}"),
        }
    }
    Ok(Outcome::Passed)
}

/// Our client, which reads URLs from its standard input.
struct Client {
    process: Process,
    urls: Pipes,
}

impl Client {
    fn start(executable: &Path) -> Result<Self> {
        let mut command = Command::new(executable);
        command.arg("-");
        let mut process = Process::spawn("our client", command, Path::new("our-client.log"))?;
        let urls = process.pipes()?;
        Ok(Self { process, urls })
    }

    /// Lets the client connect to a server at the address [`LIVE`] several times. `host` has that
    /// address, and `first` is the address that the resolver returns first. Returns the shortest
    /// time that the client took.
    fn connects(&mut self, host: &str, first: &str) -> Result<Duration> {
        ensure!(
            resolve(host)?.first() == Some(&first.parse()?),
            "the resolver does not return {first} first"
        );
        let mut best = Duration::MAX;
        for _ in 0..ATTEMPTS {
            best = best.min(self.connect_once(host)?);
        }
        ensure!(best <= MAX_COST, "connecting took {} ms", best.as_millis());
        Ok(best)
    }

    fn connect_once(&mut self, host: &str) -> Result<Duration> {
        let listener = TcpListener::bind((LIVE, 0))?;
        let port = listener.local_addr()?.port();
        let accepted = accept(listener);
        let started = Instant::now();
        writeln!(self.urls, "ws://{host}:{port}")?;
        let accepted = accepted.recv_timeout(PATIENCE);
        let took = started.elapsed();
        let tcp = accepted.context("our client does not connect")??;
        let mut dialogue = Dialogue::accept(with_timeouts(tcp)?)?;
        dialogue.echo(1000)?;
        dialogue.close()?;
        drop(dialogue);
        let line = self.line()?;
        ensure!(line.starts_with("done "), "our client reports: {line}");
        Ok(took)
    }

    /// Lets the client fail to connect. Returns its report, and the time that it took.
    fn fails(&mut self, host: &str) -> Result<(String, Duration)> {
        let started = Instant::now();
        writeln!(self.urls, "ws://{host}:{}", free_port()?)?;
        let line = self.line()?;
        let took = started.elapsed();
        ensure!(line.starts_with("failed "), "our client reports: {line}");
        Ok((line, took))
    }

    fn line(&mut self) -> Result<String> {
        let line = self.process.line(PATIENCE)?;
        line.context("our client ended without a report")
    }
}

/// The error must name each address with its reason. A refusal starts the next attempt at once.
fn refused(client: &mut Client) -> Result<Duration> {
    let addresses = resolve("refused.test")?;
    ensure!(addresses.len() == 3, "the resolver returns {addresses:?}");
    let (line, took) = client.fails("refused.test")?;
    for address in addresses {
        let shown = match address {
            IpAddr::V4(address) => format!("{address}:"),
            IpAddr::V6(address) => format!("[{address}]:"),
        };
        ensure!(line.contains(&shown), "{shown} is missing in {line:?}");
    }
    let refusals = line.matches("refused (").count();
    ensure!(
        refusals == 3,
        "{refusals} refusals instead of 3 in {line:?}"
    );
    ensure!(took <= MAX_COST, "failing took {} ms", took.as_millis());
    Ok(took)
}

/// The error must name the phase that took too long.
fn dead(client: &mut Client) -> Result<Duration> {
    let (line, took) = client.fails("dead.test")?;
    let is_timeout = line.contains("could not be reached in time");
    ensure!(is_timeout, "our client reports: {line}");
    Ok(took)
}

fn resolve(host: &str) -> Result<Vec<IpAddr>> {
    let addresses = (host, 0).to_socket_addrs();
    let addresses = addresses.with_context(|| format!("cannot resolve {host}"))?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// Accepts one connection in another thread.
fn accept(listener: TcpListener) -> mpsc::Receiver<std::io::Result<TcpStream>> {
    let (sender, accepted) = mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone if it has waited for too long.
        drop(sender.send(listener.accept().map(|(tcp, _)| tcp)));
    });
    accepted
}
