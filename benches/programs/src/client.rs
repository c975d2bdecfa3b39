//! The parts that the clients share: the command line, the load and the measurement.
//!
//! `benches/peers` includes this file, too. Therefore this file uses no crate of this project.

use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

/// Any error of a client.
pub type Failure = Box<dyn Error>;

/// The timeout for the echoes of the messages that are in flight at the end of the measurement.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Loads an echo server and prints the measurement as one line of JSON.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// The address of the server.
    #[arg(long)]
    pub address: SocketAddr,
    /// The number of connections.
    #[arg(long)]
    pub connections: usize,
    /// The number of messages in flight on each connection.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub in_flight: u64,
    /// The kind of data in the messages.
    #[arg(long)]
    pub content: Content,
    /// The length of each message in bytes.
    #[arg(long)]
    pub len: usize,
    /// The duration of the measurement, in seconds.
    #[arg(long)]
    pub seconds: f64,
    /// The duration of the warm-up before the measurement, in seconds.
    #[arg(long)]
    pub warm_up: f64,
}

/// The kind of data in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Content {
    /// Text of one-byte characters.
    Ascii,
    /// Bytes with values from 0 to 250.
    Binary,
}

/// The message, the counter and the phase that all connections of a client share.
#[derive(Debug)]
pub struct Workload {
    /// The number of messages that each connection keeps in flight.
    pub in_flight: u64,
    /// The payload of the message that all connections send repeatedly.
    pub payload: Vec<u8>,
    /// The same payload, if the message is a text message.
    text: Option<String>,
    received: Cell<u64>,
    phase: Cell<Phase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Replies are compared with the message that was sent.
    WarmUp,
    /// Only the lengths of replies are compared.
    Measured,
    /// Only the lengths of replies are compared, and no more messages are sent.
    Over,
}

impl Workload {
    fn new(options: &Options) -> Self {
        let is_text = options.content == Content::Ascii;
        let byte = |at: usize| match is_text {
            true => b'a' + (at % 26) as u8,
            false => (at * 31 % 251) as u8,
        };
        let payload: Vec<u8> = (0..options.len).map(byte).collect();
        let text = || String::from_utf8(payload.clone()).expect("the text is ASCII");
        Self {
            in_flight: options.in_flight,
            text: is_text.then(text),
            payload,
            received: Cell::new(0),
            phase: Cell::new(Phase::WarmUp),
        }
    }

    /// Returns the payload if the message is a text message.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Counts a reply. Returns `true` if the client must send another message in response.
    ///
    /// # Errors
    ///
    /// If the reply is not the echo of the message.
    pub fn received(&self, reply: &[u8]) -> Result<bool, Failure> {
        let is_echo = match self.phase.get() {
            Phase::WarmUp => reply == self.payload,
            Phase::Measured | Phase::Over => reply.len() == self.payload.len(),
        };
        if !is_echo {
            return Err("the echo differs from the message that was sent".into());
        }
        self.received.set(self.received.get() + 1);
        Ok(self.phase.get() != Phase::Over)
    }

    /// Measures for `seconds`, and returns the fields of the result as JSON.
    async fn observe(&self, seconds: f64) -> Result<String, Failure> {
        self.phase.set(Phase::Measured);
        let (started, before, first) = (Instant::now(), Times::now()?, self.received.get());
        sleep(Duration::from_secs_f64(seconds)).await;
        let (seconds, after) = (started.elapsed().as_secs_f64(), Times::now()?);
        self.phase.set(Phase::Over);
        let messages = self.received.get() - first;
        let (run, waited) = (after.run - before.run, after.waited - before.waited);
        Ok(format!(
            r#""messages":{messages},"seconds":{seconds},"run_ns":{run},"kept_waiting_ns":{waited}"#
        ))
    }
}

/// Calls `connect` for each connection that the command line requires, and then runs `load` on each
/// connection. `load` must end when [`Workload::received`] has returned `false` for every message
/// in flight.
pub fn run<C, W, L>(
    connect: impl Fn(SocketAddr) -> C,
    load: impl Fn(W, Rc<Workload>) -> L,
) -> ExitCode
where
    C: Future<Output = Result<W, Failure>>,
    L: Future<Output = Result<(), Failure>> + 'static,
{
    let measured = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| {
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, measure(&Options::parse(), connect, load))
        });
    match measured {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure<C, W, L>(
    options: &Options,
    connect: impl Fn(SocketAddr) -> C,
    load: impl Fn(W, Rc<Workload>) -> L,
) -> Result<String, Failure>
where
    C: Future<Output = Result<W, Failure>>,
    L: Future<Output = Result<(), Failure>> + 'static,
{
    let workload = Rc::new(Workload::new(options));
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(connect(options.address).await?);
    }
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(load(connection, Rc::clone(&workload)));
    }
    sleep(Duration::from_secs_f64(options.warm_up)).await;
    let measured = workload.observe(options.seconds).await?;
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok::<_, Failure>(())
    };
    timeout(DRAIN_TIMEOUT, drained).await??;
    // Includes the messages before and after the measurement.
    let all = workload.received.get();
    Ok(format!(r#"{{{measured},"all_messages":{all}}}"#))
}

/// The scheduling times of this thread, in nanoseconds. The client has no other thread.
struct Times {
    /// The time on a processor.
    run: u64,
    /// The time for which the thread was ready and had to wait for a processor.
    waited: u64,
}

impl Times {
    fn now() -> Result<Self, Failure> {
        let times = fs::read_to_string("/proc/thread-self/schedstat")?;
        Self::parse(&times)
            .ok_or_else(|| "/proc/thread-self/schedstat has an unexpected form".into())
    }

    /// Parses the line `RUN WAIT SLICES` of the file `schedstat`.
    fn parse(schedstat: &str) -> Option<Self> {
        let mut fields = schedstat.split_whitespace();
        Some(Self {
            run: fields.next()?.parse().ok()?,
            waited: fields.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(content: Content) -> Options {
        Options {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            connections: 1,
            in_flight: 1,
            content,
            len: 20,
            seconds: 1.0,
            warm_up: 0.0,
        }
    }

    fn workload(content: Content) -> Workload {
        Workload::new(&options(content))
    }

    #[test]
    fn messages_have_the_requested_content_and_length() {
        assert_eq!(
            workload(Content::Ascii).text(),
            Some("abcdefghijklmnopqrst")
        );
        let binary = workload(Content::Binary);
        assert_eq!((binary.text(), binary.payload.len()), (None, 20));
    }

    #[test]
    fn replies_are_compared_during_warm_up_and_answered_until_the_measurement_ends() {
        let workload = workload(Content::Ascii);
        assert!(workload.received(b"abcdefghijklmnopqrst").unwrap());
        assert!(workload.received(b"bbcdefghijklmnopqrst").is_err());
        workload.phase.set(Phase::Measured);
        assert!(workload.received(&[b'x'; 20]).unwrap());
        assert!(workload.received(&[b'x'; 19]).is_err());
        workload.phase.set(Phase::Over);
        assert!(!workload.received(&[b'x'; 20]).unwrap());
        assert_eq!(workload.received.get(), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn all_messages_include_those_outside_the_measurement() {
        let mut options = options(Content::Ascii);
        (options.warm_up, options.seconds) = (0.02, 0.02);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let echo = async |(), workload: Rc<Workload>| {
            while workload.received(&workload.payload)? {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        let measured = measure(&options, async |_| Ok(()), echo);
        let line = LocalSet::new().block_on(&runtime, measured).unwrap();
        let number = |name: &str| -> u64 {
            let (_, rest) = line.split_once(&format!(r#""{name}":"#)).unwrap();
            rest.split([',', '}']).next().unwrap().parse().unwrap()
        };
        assert!(number("messages") > 0, "{line}");
        assert!(number("all_messages") > number("messages"), "{line}");
    }

    #[test]
    fn schedstat_begins_with_both_times() {
        let times = Times::parse("12 34 5\n").unwrap();
        assert_eq!((times.run, times.waited), (12, 34));
        assert!(Times::parse("12").is_none());
    }
}
