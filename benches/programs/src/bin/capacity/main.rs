//! Measures what idle connections cost: memory of the process and of the kernel, opening
//! handshakes, a restart, and keepalive.
//!
//! ```sh
//! cargo run --release -p ws-bench-programs --bin capacity -- --connections 10000
//! ```
//!
//! This process is the server, with one thread. The clients are in a second process of the same
//! executable, because each process has its own limit of descriptors. As root, also prints the
//! memory of the kernel, from `/proc/slabinfo`. Linux only.

#![forbid(unsafe_code)]

mod clients;
mod kernel;
mod server;

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use clients::Clients;
use kernel::Memory;
use server::Server;

/// Measure the cost of idle connections, of their handshakes, of a restart and of keepalive
#[derive(Parser)]
struct Options {
    /// The number of connections
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=28_000))]
    connections: u32,
    /// The silence before a Ping, in milliseconds
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..))]
    keepalive_ms: u64,
    /// The connections that may wait to be accepted. A client that finds no place tries again after
    /// a second. `net.core.somaxconn` is a further bound
    #[arg(long, default_value_t = 4096)]
    backlog: u32,
    /// The duration of each silent phase, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Be the clients of the server with this address
    #[arg(long, hide = true)]
    clients_of: Option<SocketAddr>,
}

/// The descriptors of a process besides its connections.
const SPARE_DESCRIPTORS: u64 = 64;

fn main() -> Result<()> {
    let options = Options::parse();
    check_descriptors(options.connections)?;
    match options.clients_of {
        Some(address) => clients::run(address, options.connections),
        None => measure(&options),
    }
}

/// Checks that a process can have so many connections.
fn check_descriptors(connections: u32) -> Result<()> {
    let needed = u64::from(connections) + SPARE_DESCRIPTORS;
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    let soft = soft.context("/proc/self/limits has an unexpected form")?;
    ensure!(
        soft.parse::<u64>().map_or(true, |soft| soft >= needed),
        "the limit of descriptors is {soft}: call `ulimit -n {needed}` first"
    );
    Ok(())
}

fn measure(options: &Options) -> Result<()> {
    let count = options.connections;
    let mut server = Server::start(options.backlog)?;
    let before = Memory::read()?;

    let overflows = kernel::overflows()?;
    let (start, own) = (Instant::now(), cpu("self")?);
    let clients = Clients::start(server.address(), count)?;
    server.gather(count)?;
    let (time, server_cpu, client_cpu) = (start.elapsed(), cpu("self")? - own, clients.cpu()?);
    println!(
        "opening handshakes: {count} in {:.2} s, {} found the backlog full",
        time.as_secs_f64(),
        kernel::overflows()? - overflows
    );
    println!("  server: {} each", per(server_cpu, count.into()));
    println!("  client: {} each", per(client_cpu, count.into()));

    let silent = Duration::from_secs(options.seconds);
    let own = cpu("self")?;
    server.serve(silent);
    println!(
        "silence of {} s: server {:.1?}",
        options.seconds,
        cpu("self")? - own
    );
    let idle = Memory::read()?;
    println!(
        "server process: {} B each",
        idle.resident_since(&before) / i64::from(count)
    );

    // Nothing polls the server here, so its ends of the connections stay open.
    let both = Memory::read()?;
    drop(clients);
    thread::sleep(Duration::from_millis(500));
    let ours = Memory::read()?;
    kernel::report(&before, &both, &ours, count);

    server.gather(0)?;
    println!(
        "server process after them: {} B",
        Memory::read()?.resident_since(&before)
    );
    let mut clients = Clients::start(server.address(), count)?;
    server.gather(count)?;
    restart(&mut server, &clients, options)?;
    keep_alive(&mut server, &mut clients, silent)
}

/// Closes all connections with 1001 (going away). The clients come back at once.
fn restart(server: &mut Server, clients: &Clients, options: &Options) -> Result<()> {
    let overflows = kernel::overflows()?;
    let (start, own, theirs) = (Instant::now(), cpu("self")?, clients.cpu()?);
    let report = server.restart(Duration::from_millis(options.keepalive_ms))?;
    server.gather(options.connections)?;
    println!(
        "restart: {} closed cleanly in {:.2?}, all are back after {:.2?}, {} found the backlog full",
        report.clean,
        report.took,
        start.elapsed(),
        kernel::overflows()? - overflows
    );
    println!(
        "  server: {} each",
        per(cpu("self")? - own, options.connections.into())
    );
    println!(
        "  client: {} each",
        per(clients.cpu()? - theirs, options.connections.into())
    );
    Ok(())
}

fn keep_alive(server: &mut Server, clients: &mut Clients, time: Duration) -> Result<()> {
    let (own, before) = (cpu("self")?, clients.pings()?);
    server.serve(time);
    let (spent, pings) = (cpu("self")? - own, clients.pings()? - before);
    ensure!(
        pings > 0,
        "no Ping arrived: --seconds is shorter than the keepalive"
    );
    println!("keepalive: {pings} Pings in {} s", time.as_secs());
    println!("  server: {} each", per(spent, pings));
    Ok(())
}

/// Returns the processor time of the main thread of a process. All work is in that thread.
fn cpu(process: &str) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat"))?;
    let run = text.split_whitespace().next().context("no time")?;
    Ok(Duration::from_nanos(run.parse()?))
}

fn per(time: Duration, count: u64) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6 / count.max(1) as f64)
}
