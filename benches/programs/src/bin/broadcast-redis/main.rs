//! Measures `SharedTopics` over Redis, with the subscribers in one process and in two.
//!
//! ```sh
//! cargo run --release -p ws-bench-programs --features redis --bin broadcast-redis
//! ```
//!
//! Starts `redis-server` on a free port, and ends it. Each process publishes its share of the
//! messages, and all of its subscribers receive the messages of all processes. Every subscriber
//! checks that it received each message once, or was told how many it missed.

#![forbid(unsafe_code)]

mod member;
mod processes;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;

use processes::{Member, Redis};

/// Measure topics over Redis in one process and in two
#[derive(Clone, Parser)]
struct Options {
    /// The number of messages of all processes
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// The length of a message in bytes
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(20..))]
    len: u32,
    /// The number of subscribers of all processes
    #[arg(long, default_value_t = 100)]
    subscribers: usize,
    /// The number of messages that a process publishes at the same time
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// The number of messages that Redis keeps
    #[arg(long, default_value_t = 100_000)]
    history: usize,
    /// The number of rounds. Each round measures one process, and then two
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Be the process with this number
    #[arg(long, hide = true, default_value_t = 0)]
    member: usize,
    /// The number of processes
    #[arg(long, hide = true, default_value_t = 1)]
    members: usize,
    /// Join the topics of this server
    #[arg(long, hide = true)]
    join: Option<String>,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some(url) = &options.join {
        member::run(&options, url)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "| processes | messages/s | deliveries/s | CPU of a process per message | of Redis | gaps | lagged |"
    );
    println!("|---|---|---|---|---|---|---|");
    for _ in 0..options.rounds {
        for members in [1, 2] {
            let Some(redis) = Redis::start()? else {
                println!("skipped: redis-server is not installed: apt-get install redis-server");
                return Ok(ExitCode::SUCCESS);
            };
            measure(&options, members, &redis)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &Options, members: usize, redis: &Redis) -> Result<()> {
    let start = |member| Member::start(options, member, members, redis.url());
    let mut all: Vec<Member> = (0..members).map(start).collect::<Result<_>>()?;
    all.iter_mut().try_for_each(Member::wait_until_ready)?;
    let (start, before) = (Instant::now(), redis.cpu_ns()?);
    all.iter_mut().try_for_each(Member::go)?;
    let reports: Vec<_> = all.iter_mut().map(Member::report).collect::<Result<_>>()?;
    let seconds = start.elapsed().as_secs_f64();
    let redis_ns = redis.cpu_ns()? - before;

    let sum = |figure: fn(&member::Report) -> u64| reports.iter().map(figure).sum::<u64>();
    let (received, gaps, lagged) = (
        sum(|one| one.received),
        sum(|one| one.gaps),
        sum(|one| one.lagged),
    );
    let expected = (options.messages * options.subscribers) as u64;
    ensure!(
        sum(|one| one.repeated) == 0,
        "a message was delivered twice"
    );
    ensure!(
        received + gaps + lagged == expected,
        "{received} were received and {gaps} + {lagged} reported, but {expected} published"
    );
    let messages = options.messages as f64;
    println!(
        "| {members} | {:.0} | {:.0} | {:.1} µs | {:.1} µs | {gaps} | {lagged} |",
        messages / seconds,
        received as f64 / seconds,
        sum(|one| one.cpu_ns) as f64 / members as f64 / messages / 1000.0,
        redis_ns as f64 / messages / 1000.0,
    );
    Ok(())
}
