//! Many connections at once, in a process of their own. One process has not enough descriptors for
//! both sides, and the cost of the connections must not be attributed to the server.

mod burst;

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::Outcome;
use crate::programs::supervise::{Source, Supervised};
use crate::programs::watch::Watch;
use crate::raw::{Endpoint, Opcode, Peer, Trust, compression, frame};

pub(crate) use self::burst::Burst;

/// The interval at which the crowd prints its size.
const REPORT_EVERY: Duration = Duration::from_millis(200);

/// The longest time without progress of the crowd.
const PATIENCE: Duration = Duration::from_secs(20);

/// The line that the crowd prints when all connections are ready.
const READY: &str = "ready";

/// The small message that every connection echoes.
static SMALL: [u8; 20] = [b'e'; 20];

/// The large message that every connection echoes. It is as long as a block of the server.
static LARGE: [u8; 64 * 1024] = [b'E'; 64 * 1024];

/// Hold many connections to a server, and execute the lines of standard input until its end
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The URL of the server
    #[arg(long)]
    pub(crate) server: SocketAddr,

    /// A PEM file with the authority of the server's certificate, if the server uses TLS
    #[arg(long)]
    pub(crate) tls_ca: Option<PathBuf>,

    /// The number of connections
    #[arg(long)]
    pub(crate) connections: usize,

    /// The habit of each connection after its handshake
    #[arg(long, value_enum)]
    pub(crate) habit: Habit,

    /// Extensions that each connection offers. The server must agree to permessage-deflate
    #[arg(long)]
    pub(crate) offer: Option<String>,
}

/// The messages of a connection after its handshake. The connection is idle after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Habit {
    /// Echo 20 B, then 64 KiB
    Echo,
    /// Like `echo`, but compressed, with a text instead of one repeated letter
    EchoCompressed,
    /// Send two messages of 2 B, and 3 bytes of a third
    Interrupted,
}

/// A large message that uses all memory of a compressor. One repeated letter would leave most of
/// the memory untouched.
static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| text(LARGE.len()));

/// Returns a text of `len` bytes that looks like JSON.
fn text(len: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number: u32 = 1;
    while text.len() < len {
        // Knuth's multiplier. The numbers only have to differ.
        number = number.wrapping_mul(2_654_435_761).wrapping_add(1);
        text += &format!(
            r#"{{"id":{},"price":{},"open":true}},"#,
            number >> 12,
            number & 0xFFFF
        );
    }
    text.truncate(len);
    text.into_bytes()
}

/// The number of bytes of its third message that a connection with [`Habit::Interrupted`] sends.
pub(crate) const INTERRUPTED_AFTER: usize = 3;

/// A step of a habit: the bytes to send, and the messages that come back.
pub(crate) struct Step {
    sent: Vec<u8>,
    echoed: Vec<&'static [u8]>,
}

impl Habit {
    pub(crate) fn steps(self) -> Result<Vec<Step>> {
        Ok(match self {
            Self::Echo => [&SMALL[..], &LARGE[..]]
                .map(|payload| Step {
                    sent: frame::last(Opcode::Binary, payload),
                    echoed: vec![payload],
                })
                .into(),
            Self::EchoCompressed => vec![compressed(&SMALL)?, compressed(&TEXT)?],
            Self::Interrupted => {
                let message = frame::last(Opcode::Text, b"hi");
                let (head, _) = message.split_at(INTERRUPTED_AFTER);
                vec![Step {
                    sent: [&*message, &*message, head].concat(),
                    echoed: vec![b"hi", b"hi"],
                }]
            }
        })
    }
}

/// Returns a step with an echo of this message, sent compressed.
fn compressed(message: &'static [u8]) -> Result<Step> {
    let payload = compression::compress(message)?;
    Ok(Step {
        sent: frame::compressed(frame::last(Opcode::Binary, &payload)),
        echoed: vec![message],
    })
}

/// Opens a connection that has performed these steps.
pub(crate) fn join(server: &Endpoint, offer: Option<&str>, steps: &[Step]) -> Result<Peer> {
    let mut peer = match offer {
        Some(offer) => open_compressed(server, offer)?,
        None => Peer::open(server)?,
    };
    for step in steps {
        peer.send(&step.sent)?;
        for message in &step.echoed {
            peer.expect_message(message)?;
        }
    }
    Ok(peer)
}

impl Args {
    fn endpoint(&self) -> Result<Endpoint> {
        let trust = self.tls_ca.as_deref().map(Trust::only).transpose()?;
        let address = self.server;
        Ok(Endpoint { address, trust })
    }
}

/// Opens a connection on which the server agrees to this offer of compression.
fn open_compressed(server: &Endpoint, offer: &str) -> Result<Peer> {
    let (peer, agreed) = Peer::open_offering(server, offer)?;
    let agreed_parts: Vec<_> = agreed.split(';').map(str::trim).collect();
    let asked = |part: &&str| *part == "permessage-deflate" || part.starts_with("server_");
    for part in offer.split(';').map(str::trim).filter(asked) {
        // An answer without the parameter agrees to the largest window (RFC 7692 §7.1.2.1).
        if part != "server_max_window_bits=15" && !agreed_parts.contains(&part) {
            bail!("the server did not agree to `{part}`, but to `{agreed}`");
        }
    }
    Ok(peer)
}

/// Runs as the crowd: opens the connections, prints their number, and holds them.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    crate::resources::raise_descriptor_limit();
    let mut peers = Vec::with_capacity(args.connections);
    let steps = args.habit.steps()?;
    let server = args.endpoint()?;
    let mut reported = Instant::now();
    for at in 0..args.connections {
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            println!("{at}");
        }
        peers.push(
            join(&server, args.offer.as_deref(), &steps)
                .with_context(|| format!("connection {at} failed"))?,
        );
    }
    println!("{READY}");
    burst::obey(&mut peers, args.habit)?;
    Ok(Outcome::Passed)
}

/// A crowd in its own process. Dropping it ends all connections.
pub(crate) struct Crowd {
    process: Supervised,
    input: ChildStdin,
    watch: Watch,
}

impl Crowd {
    /// Starts a crowd and waits until each connection has performed its habit. `log` gets its
    /// output, and `progress` the number of connections.
    pub(crate) fn gather(args: &Args, log: &Path, mut progress: impl FnMut(usize)) -> Result<Self> {
        let (sender, lines) = mpsc::channel();
        let command = command(args)?;
        let mut process = Supervised::spawn(command, log, Stdio::piped(), Source::Crowd, &sender)?;
        let input = process.take_stdin().expect("standard input is piped");
        let mut crowd = Self {
            process,
            input,
            watch: Watch::new(lines),
        };
        loop {
            let line = crowd.next_line("its growth", PATIENCE)?;
            match line.parse() {
                Ok(count) => progress(count),
                Err(_) if line == READY => return Ok(crowd),
                Err(_) => bail!("the crowd printed `{line}`"),
            }
        }
    }

    /// Makes some of the connections echo messages. Returns their number when all are idle again.
    pub(crate) fn burst(&mut self, burst: Burst) -> Result<u64> {
        writeln!(self.input, "{burst}").context("the crowd does not listen")?;
        let line = self.next_line("a burst", burst.time + burst::PATIENCE)?;
        burst::parse_answer(&line).with_context(|| format!("the crowd printed `{line}`"))
    }

    fn next_line(&mut self, place: &str, patience: Duration) -> Result<String> {
        self.watch
            .enter(format!("the crowd of connections, {place}"), patience);
        loop {
            if let Some(line) = self.watch.next()? {
                return Ok(line.text);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(self.process.died("the crowd", status, place));
            }
        }
    }
}

/// Returns the command that starts this program as the crowd.
fn command(args: &Args) -> Result<Command> {
    let mut command = Command::new(env::current_exe().context("where is this program?")?);
    command.args(["crowd", "--server", &args.server.to_string()]);
    command.args(["--connections", &args.connections.to_string()]);
    let habit = args.habit.to_possible_value();
    let habit = habit.context("a habit has a name")?;
    command.args(["--habit", habit.get_name()]);
    if let Some(authority) = &args.tls_ca {
        command.arg("--tls-ca").arg(authority);
    }
    if let Some(offer) = &args.offer {
        command.args(["--offer", offer]);
    }
    Ok(command)
}
