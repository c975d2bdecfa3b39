//! What clients that are measured share. Those on other people's libraries take this file, too: it needs none of ours.

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

/// Whatever may go wrong.
pub type Failure = Box<dyn Error>;

/// How long the server may take with what is in flight at the end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Loads an echo server and prints what that took as one line of JSON.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Where the server listens.
    #[arg(long)]
    pub address: SocketAddr,
    /// How many connections.
    #[arg(long)]
    pub connections: usize,
    /// How many messages are under way on each.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub in_flight: u64,
    /// What the messages hold.
    #[arg(long)]
    pub content: Content,
    /// How many octets each has.
    #[arg(long)]
    pub len: usize,
    /// How long to measure, in seconds.
    #[arg(long)]
    pub seconds: f64,
    /// How long to load the server before that, in seconds.
    #[arg(long)]
    pub warm_up: f64,
}

/// What messages hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Content {
    /// Text of one-octet characters.
    Ascii,
    /// Octets of all values.
    Binary,
}

/// What all connections of a client share.
#[derive(Debug)]
pub struct Course {
    /// How many messages each connection keeps under way.
    pub in_flight: u64,
    /// The message that all send again and again.
    pub payload: Vec<u8>,
    is_text: bool,
    received: Cell<u64>,
    phase: Cell<Timeout>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timeout {
    /// Replies are compared with what was sent.
    WarmUp,
    /// Only their lengths are.
    Measured,
    /// Nothing is sent any more.
    Over,
}

impl Course {
    fn new(options: &Options) -> Self {
        let is_text = options.content == Content::Ascii;
        let octet = |at: usize| match is_text {
            true => b'a' + (at % 26) as u8,
            false => (at * 31 % 251) as u8,
        };
        Self {
            in_flight: options.in_flight,
            payload: (0..options.len).map(octet).collect(),
            is_text,
            received: Cell::new(0),
            phase: Cell::new(Timeout::WarmUp),
        }
    }

    /// The message, if it is text.
    ///
    /// # Panics
    ///
    /// Never: the text is ASCII.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = || std::str::from_utf8(&self.payload).expect("the text is ASCII");
        self.is_text.then(text)
    }

    /// Takes a reply. Whether another message is to be sent for it.
    ///
    /// # Errors
    ///
    /// If it is not what was sent.
    pub fn received(&self, reply: &[u8]) -> Result<bool, Failure> {
        let is_echo = match self.phase.get() {
            Timeout::WarmUp => reply == self.payload,
            Timeout::Measured | Timeout::Over => reply.len() == self.payload.len(),
        };
        if !is_echo {
            return Err("the echo is not what was sent".into());
        }
        self.received.set(self.received.get() + 1);
        Ok(self.phase.get() != Timeout::Over)
    }

    /// Measures for that long; what was measured, as JSON.
    async fn observe(&self, seconds: f64) -> Result<String, Failure> {
        self.phase.set(Timeout::Measured);
        let (started, before, first) = (Instant::now(), Times::now()?, self.received.get());
        sleep(Duration::from_secs_f64(seconds)).await;
        let (seconds, after) = (started.elapsed().as_secs_f64(), Times::now()?);
        self.phase.set(Timeout::Over);
        let messages = self.received.get() - first;
        let (run, waited) = (after.run - before.run, after.waited - before.waited);
        Ok(format!(
            r#"{{"messages":{messages},"seconds":{seconds},"run_ns":{run},"kept_waiting_ns":{waited}}}"#
        ))
    }
}

/// Connects by `connect` as often as the command line says, and lets each connection do `load`, which ends when
/// [`Course::received`] has said so for all messages under way.
pub fn run<C, W, L>(
    connect: impl Fn(SocketAddr) -> C,
    load: impl Fn(W, Rc<Course>) -> L,
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
    load: impl Fn(W, Rc<Course>) -> L,
) -> Result<String, Failure>
where
    C: Future<Output = Result<W, Failure>>,
    L: Future<Output = Result<(), Failure>> + 'static,
{
    let course = Rc::new(Course::new(options));
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(connect(options.address).await?);
    }
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(load(connection, Rc::clone(&course)));
    }
    sleep(Duration::from_secs_f64(options.warm_up)).await;
    let line = course.observe(options.seconds).await?;
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok::<_, Failure>(())
    };
    timeout(PATIENCE, drained).await??;
    Ok(line)
}

/// Time that this thread, the only one, was on a processor, and time for which it was kept from it, in nanoseconds.
struct Times {
    run: u64,
    waited: u64,
}

impl Times {
    fn now() -> Result<Self, Failure> {
        let times = fs::read_to_string("/proc/thread-self/schedstat")?;
        Self::parse(&times).ok_or_else(|| "no times in schedstat".into())
    }

    /// `RUN WAIT SLICES`
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

    fn course(content: Content) -> Course {
        Course::new(&Options {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            connections: 1,
            in_flight: 1,
            content,
            len: 20,
            seconds: 1.0,
            warm_up: 0.0,
        })
    }

    #[test]
    fn messages_have_the_content_and_length_that_was_asked_for() {
        assert_eq!(course(Content::Ascii).text(), Some("abcdefghijklmnopqrst"));
        let binary = course(Content::Binary);
        assert_eq!((binary.text(), binary.payload.len()), (None, 20));
    }

    #[test]
    fn replies_are_compared_at_first_and_answered_until_it_is_over() {
        let course = course(Content::Ascii);
        assert!(course.received(b"abcdefghijklmnopqrst").unwrap());
        assert!(course.received(b"bbcdefghijklmnopqrst").is_err());
        course.phase.set(Timeout::Measured);
        assert!(course.received(&[b'x'; 20]).unwrap());
        assert!(course.received(&[b'x'; 19]).is_err());
        course.phase.set(Timeout::Over);
        assert!(!course.received(&[b'x'; 20]).unwrap());
        assert_eq!(course.received.get(), 3);
    }

    #[test]
    fn times_are_the_first_two_fields() {
        let times = Times::parse("12 34 5\n").unwrap();
        assert_eq!((times.run, times.waited), (12, 34));
        assert!(Times::parse("12").is_none());
    }
}
