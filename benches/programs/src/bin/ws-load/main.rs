//! A load generator for echo servers. One thread sends messages as fast as the server echoes them,
//! or at a fixed rate. With a broadcasting server, the program acts as all of the subscribers.
//!
//! The load generator must cost less than the fastest server. Therefore it prepares the messages in
//! advance, and sends many messages with one write. Before the measurement, it compares the echoes
//! with the messages that were sent. During the measurement, it counts bytes and reads no payload.
//! After the measurement, it checks that no echo is missing.

#![forbid(unsafe_code)]

mod audience;
mod check;
mod connection;
mod deflate;
mod disturber;
mod flow;
mod fresh;
mod handshake;
mod key_exchange;
mod open_loop;
mod pace;
mod process;
mod replies;
mod sockets;
mod stream;
#[cfg(test)]
mod tests;
mod times;
mod tls;
mod traffic;

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde::Serialize;

use audience::{Audience, BATCHES};
use check::Checked;
use disturber::Disturbance;
use flow::Flow;
use fresh::{Fresh, Handshake};
use handshake::Target;
use open_loop::OpenLoop;
use pace::Schedule;
use process::{Meter, Spent};
use stream::Stream;
use traffic::Kind;
use ws_bench_programs::content::{Content, SHORTEST_JSON};

/// Load an echo server and print the measurement as one line of JSON
#[derive(Parser)]
struct Options {
    /// The address of the server
    #[arg(long)]
    address: SocketAddr,
    /// The id of the server's process, to measure its processor time
    #[arg(long)]
    process: Option<u32>,
    /// The server echoes bytes without WebSocket
    #[arg(long, conflicts_with = "deflate")]
    raw: bool,
    /// Offer permessage-deflate and send compressed messages
    #[arg(long)]
    deflate: bool,
    /// Connect over TLS 1.3. The file has the certificate of the authority of the server, in PEM
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
    /// Do this TLS handshake for each message, on a fresh connection
    #[arg(long, value_enum, requires = "tls", conflicts_with = "deflate")]
    fresh: Option<Handshake>,
    /// The server broadcasts texts. A subscriber orders the texts with `MESSAGES LEN`
    #[arg(long, conflicts_with_all = ["raw", "deflate", "tls", "content"])]
    broadcast: bool,
    /// Send this number of messages per second in total, at equal intervals. Measure the time from
    /// the intended time of each message to its echo
    #[arg(
        long,
        value_name = "MESSAGES_PER_SECOND",
        conflicts_with_all = ["fresh", "broadcast", "deflate", "in_flight"],
        value_parser = clap::value_parser!(u64).range(1..=100_000_000)
    )]
    rate: Option<u64>,
    /// Disturb the connections by the load of one more connection, which is not measured
    #[arg(long, value_enum, requires = "rate")]
    disturb: Option<Disturbance>,
    /// The number of connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The number of messages in flight on each connection; for a broadcast, in flight to each
    /// subscriber
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    in_flight: u64,
    /// The kind of data in the messages
    #[arg(long, value_enum, default_value = "ascii")]
    content: Content,
    /// The length of each message in bytes
    #[arg(long, default_value_t = 20)]
    len: usize,
    /// The duration of the measurement, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// The duration of the warm-up before the measurement, in seconds
    #[arg(long, default_value_t = 0.2)]
    warm_up: f64,
}

/// The measurement that is printed.
#[derive(Serialize)]
struct Measured {
    messages: u64,
    /// The number of messages, including those before and after the measurement.
    all_messages: u64,
    #[serde(flatten)]
    spent: Spent,
    /// The time from a message to its echo, at the quantiles 0.5, 0.9, 0.99 and 0.999. The time
    /// begins when the message is sent or, on a fresh connection, when the connection is opened.
    /// `None` if more than one message at a time is in flight on each connection.
    round_trip_ns: Option<[u64; 4]>,
    extensions: Option<String>,
    /// The length of all payloads, divided by the length of all replies with headers. Taken from
    /// the check before the measurement.
    ratio: f64,
}

/// The latency of an open loop, which is printed instead. The quantiles are 0.5, 0.99 and 0.999,
/// followed by the maximum.
#[derive(Serialize)]
struct MeasuredLatency {
    messages: u64,
    #[serde(flatten)]
    spent: Spent,
    /// The time from the intended time of a message to its echo.
    latency_ns: [u64; 4],
    /// The time from the intended time of a message to its sending.
    lateness_ns: [u64; 4],
    /// The payload bytes or the Pings per second of the disturbing connection.
    disturbing: Option<f64>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let printed = match options.rate {
        Some(rate) => measure_latency(&options, rate).and_then(|measured| print(&measured)),
        None if options.broadcast => measure_broadcast(&options).and_then(|one| print(&one)),
        None => measure(&options).and_then(|measured| print(&measured)),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(measured: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}

impl Options {
    fn target(&self) -> Result<Target> {
        let tls = self.tls.as_deref().map(tls::config).transpose()?;
        Ok(Target {
            address: self.address,
            raw: self.raw,
            deflate: self.deflate,
            tls: tls.map(Arc::new),
        })
    }

    fn kind(&self) -> Result<Kind> {
        ensure!(
            self.content != Content::Json || self.len >= SHORTEST_JSON,
            "JSON messages need --len {SHORTEST_JSON} or more"
        );
        Ok(Kind {
            content: self.content,
            len: self.len,
        })
    }

    /// The durations of warm-up and measurement.
    fn durations(&self) -> [Duration; 2] {
        [self.warm_up, self.seconds].map(Duration::from_secs_f64)
    }
}

fn measure(options: &Options) -> Result<Measured> {
    let (target, kind) = (options.target()?, options.kind()?);
    let ahead = usize::try_from(options.in_flight)?;
    let checked = check::check(&target, kind, ahead)?;
    match options.fresh {
        Some(handshake) => measure_fresh(options, &target, kind, handshake, &checked),
        None => measure_flow(options, &target, checked),
    }
}

/// Measures an echo server on connections that are open before the measurement.
fn measure_flow(options: &Options, target: &Target, checked: Checked) -> Result<Measured> {
    let [warm_up, duration] = options.durations();
    let mut flow = Flow::new(
        open_all(options, target)?,
        &checked.traffic,
        checked.form,
        options.in_flight,
    )?;
    flow.run(warm_up)?;
    flow.forget_round_trips();

    let meter = Meter::start(options.process)?;
    let messages = flow.run(duration)?;
    let spent = meter.stop()?;

    let round_trip_ns = flow.round_trips();
    flow.drain()
        .context("some of the messages that were in flight at the end were not echoed")?;
    Ok(Measured {
        messages,
        all_messages: flow.completed() + checked.messages,
        spent,
        round_trip_ns,
        extensions: checked.extensions,
        ratio: checked.ratio,
    })
}

/// Measures the latency of an echo server at a fixed rate of messages.
fn measure_latency(options: &Options, rate: u64) -> Result<MeasuredLatency> {
    let target = options.target()?;
    let checked = check::check(&target, options.kind()?, 1)?;
    let [warm_up, duration] = options.durations();
    let streams = open_all(options, &target)?;
    ensure!(!streams.is_empty(), "there is no connection");
    let mut open_loop = OpenLoop::new(streams, &checked.traffic, checked.form)?;
    if let Some(disturbance) = options.disturb {
        open_loop
            .disturb(&target, disturbance)
            .context("the disturbing connection failed")?;
    }
    open_loop.run(Schedule::new(rate, warm_up))?;

    let before = open_loop.disturbing_amount();
    let schedule = Schedule::new(rate, duration);
    let meter = Meter::start(options.process)?;
    let pace = open_loop.run(schedule)?;
    let spent = meter.stop()?;

    let disturbing = open_loop.disturbing_amount().zip(before);
    Ok(MeasuredLatency {
        messages: schedule.messages(),
        spent,
        latency_ns: pace.latency().tail(),
        lateness_ns: pace.lateness().tail(),
        disturbing: disturbing.map(|(after, before)| (after - before) / duration.as_secs_f64()),
    })
}

/// Measures an echo server on a fresh connection for each message.
fn measure_fresh(
    options: &Options,
    target: &Target,
    kind: Kind,
    handshake: Handshake,
    checked: &Checked,
) -> Result<Measured> {
    let [warm_up, duration] = options.durations();
    let mut fresh = Fresh::new(
        target,
        handshake,
        options.connections,
        kind,
        &checked.traffic,
    )?;
    fresh.run(warm_up)?;
    fresh.forget_round_trips();

    let meter = Meter::start(options.process)?;
    let messages = fresh.run(duration)?;
    let spent = meter.stop()?;

    let round_trip_ns = Some(fresh.round_trips());
    fresh
        .drain()
        .context("some of the connections that were open at the end did not echo")?;
    Ok(Measured {
        messages,
        all_messages: fresh.completed() + checked.messages,
        spent,
        round_trip_ns,
        extensions: None,
        ratio: checked.ratio,
    })
}

/// Measures a broadcasting server. A message is counted once for each subscriber that receives it.
fn measure_broadcast(options: &Options) -> Result<Measured> {
    let messages = (options.in_flight / BATCHES).max(1);
    let [warm_up, duration] = options.durations();
    let streams = open_all(options, &options.target()?)?;
    let mut audience = Audience::new(streams, messages, options.len)?;
    audience.run(warm_up)?;

    let meter = Meter::start(options.process)?;
    let deliveries = audience.run(duration)?;
    let spent = meter.stop()?;

    audience.drain().context(
        "some of the messages that were in flight at the end did not reach every subscriber",
    )?;
    Ok(Measured {
        messages: deliveries,
        all_messages: audience.deliveries() + messages * options.connections as u64,
        spent,
        round_trip_ns: None,
        extensions: None,
        ratio: 1.0,
    })
}

fn open_all(options: &Options, target: &Target) -> Result<Vec<Stream<TcpStream>>> {
    (0..options.connections)
        .map(|_| Ok(target.open()?.stream))
        .collect()
}
