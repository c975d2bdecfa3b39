//! A load generator for echo servers: as many messages as they echo, from one thread. It is also the audience of
//! servers that broadcast.
//!
//! It must cost less than the fastest server: it sends messages that were prepared before, many by
//! one write, and while it measures it counts octets and looks at no payload. What a server echoes
//! is compared with what was sent before that, and that nothing is missing afterwards.

#![forbid(unsafe_code)]

mod audience;
mod check;
mod content;
mod deflate;
mod flow;
mod handshake;
mod process;
mod replies;
mod traffic;

use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde::Serialize;

use audience::{Audience, BATCHES};
use content::{Content, SHORTEST_JSON};
use flow::Flow;
use process::{Meter, Spent};
use traffic::Kind;

/// Load an echo server and print what was measured as one line of JSON
#[derive(Parser)]
struct Options {
    /// Where the server listens
    #[arg(long)]
    address: SocketAddr,
    /// The server's process, whose processor time is measured
    #[arg(long)]
    process: Option<u32>,
    /// The server echoes octets and knows nothing of WebSocket
    #[arg(long, conflicts_with = "deflate")]
    raw: bool,
    /// Offer permessage-deflate and send compressed messages
    #[arg(long)]
    deflate: bool,
    /// The server broadcasts texts of the letter a, as many as a subscriber says
    #[arg(long, conflicts_with_all = ["raw", "deflate", "content"])]
    broadcast: bool,
    /// How many connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// How many messages are under way on each
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    in_flight: u64,
    /// What the messages hold
    #[arg(long, value_enum, default_value = "ascii")]
    content: Content,
    /// How many octets each has
    #[arg(long, default_value_t = 20)]
    len: usize,
    /// How long to measure, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How long to load the server before that, in seconds
    #[arg(long, default_value_t = 0.2)]
    warm_up: f64,
}

/// What is printed.
#[derive(Serialize)]
struct Measured {
    messages: u64,
    /// Those before and after the measurement included.
    all_messages: u64,
    #[serde(flatten)]
    spent: Spent,
    /// From a message to its echo, if there is one at a time: at the quantiles 0.5, 0.9, 0.99, 0.999.
    round_trip_ns: Option<[u64; 4]>,
    extensions: Option<String>,
    /// Octets of payload for each octet of the replies.
    ratio: f64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let measured = match options.broadcast {
        true => measure_broadcast(&options),
        false => measure(&options),
    };
    match measured.and_then(|measured| print(&measured)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(measured: &Measured) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}

fn measure(options: &Options) -> Result<Measured> {
    let kind = Kind {
        content: options.content,
        len: options.len,
    };
    ensure!(
        kind.content != Content::Json || kind.len >= SHORTEST_JSON,
        "a JSON text has {SHORTEST_JSON} octets at least"
    );
    let ahead = usize::try_from(options.in_flight)?;
    let checked = check::check(options.address, options.raw, options.deflate, kind, ahead)?;
    let mut flow = Flow::new(
        open_all(options)?,
        &checked.traffic,
        checked.form,
        options.in_flight,
    )?;
    flow.run(Duration::from_secs_f64(options.warm_up))?;
    flow.forget_round_trips();

    let meter = Meter::start(options.process)?;
    let messages = flow.run(Duration::from_secs_f64(options.seconds))?;
    let spent = meter.stop()?;

    let round_trip_ns = flow.round_trips([0.5, 0.9, 0.99, 0.999]);
    flow.drain()
        .context("what was in flight at the end did not all come back")?;
    Ok(Measured {
        messages,
        all_messages: flow.completed() + checked.messages,
        spent,
        round_trip_ns,
        extensions: checked.extensions,
        ratio: checked.ratio,
    })
}

/// As [`measure`]; a message counts as often as it is delivered.
fn measure_broadcast(options: &Options) -> Result<Measured> {
    let messages = (options.in_flight / BATCHES).max(1);
    let mut audience = Audience::new(open_all(options)?, messages, options.len)?;
    audience.run(Duration::from_secs_f64(options.warm_up))?;

    let meter = Meter::start(options.process)?;
    let deliveries = audience.run(Duration::from_secs_f64(options.seconds))?;
    let spent = meter.stop()?;

    audience
        .drain()
        .context("what was on the way at the end did not reach everyone")?;
    Ok(Measured {
        messages: deliveries,
        all_messages: audience.deliveries() + messages * options.connections as u64,
        spent,
        round_trip_ns: None,
        extensions: None,
        ratio: 1.0,
    })
}

fn open_all(options: &Options) -> Result<Vec<TcpStream>> {
    let open = |_| handshake::open(options.address, options.raw, options.deflate);
    (0..options.connections)
        .map(|index| Ok(open(index)?.tcp))
        .collect()
}
