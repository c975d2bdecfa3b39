//! The command line.

// The comments are also the help, in which brackets around a URL would be odd.
#![allow(rustdoc::bare_urls)]

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// A chat with rooms: a server with a page for browsers, and a client for terminals.
#[derive(Debug, clap::Parser)]
#[command(version, after_help = EXIT)]
pub struct Args {
    /// The work to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT: &str = "\
Exit status: 0 after a regular end, 1 after a failure, 2 if the command line is wrong.

Try it:
  chat serve                                     then open http://127.0.0.1:9001
  chat join http://127.0.0.1:9001 --name Ann     in another terminal";

/// The work to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Serve the page and its WebSockets
    Serve(Serve),
    /// Join a room: send each line of standard input, and print what others send
    Join(Join),
    /// Join with many clients, and measure what the server delivers to them
    Load(Load),
}

/// Serve the page and its WebSockets.
///
/// SIGTERM and SIGINT shut down: every client gets a Close with code 1001, and a report is printed.
/// Clients then connect again by themselves, to this address.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = ROUTES)]
pub struct Serve {
    /// The address to listen on. Port 0 is any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    pub listen: SocketAddr,

    /// Join the instances on this Redis 7, for example redis://127.0.0.1/
    #[cfg(feature = "redis")]
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,

    /// Serve TLS with this chain of certificates and its key, in PEM
    #[arg(long, num_args = 2, value_names = ["CHAIN", "KEY"])]
    pub tls: Vec<PathBuf>,

    /// Let pages of this origin connect (repeatable), for example https://chat.example.com. Default:
    /// the pages of the host that is requested
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,

    /// Keep this number of messages of each room
    #[arg(long, value_name = "MESSAGES", default_value = "500")]
    pub history: NonZeroUsize,

    /// Wait this long for clients to answer the Close of a shutdown
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub grace: u64,

    /// The bounds for clients.
    #[command(flatten)]
    pub limits: Bounds,
}

const ROUTES: &str = "\
Paths: / is the page, /chat the WebSocket, /health answers 200 or 503, /metrics has the numbers for
Prometheus. Names are not proven: put a login in front of the server if they have to be.";

/// The bounds for clients.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Bounds {
    /// The longest message, in characters
    #[arg(long, value_name = "CHARACTERS", default_value = "2000")]
    pub max_text: NonZeroUsize,

    /// The longest name, in characters
    #[arg(long, value_name = "CHARACTERS", default_value = "24")]
    pub max_name: NonZeroUsize,

    /// The rooms that clients of this instance may be in at a time
    #[arg(long, value_name = "ROOMS", default_value = "1000")]
    pub max_rooms: NonZeroUsize,

    /// The connections of this instance
    #[arg(long, value_name = "CONNECTIONS", default_value = "10000")]
    pub max_connections: NonZeroUsize,

    /// The messages of a client in a second, on average
    #[arg(long, value_name = "MESSAGES", default_value = "5")]
    pub rate: NonZeroU32,

    /// The messages of a client at once
    #[arg(long, value_name = "MESSAGES", default_value = "20")]
    pub burst: NonZeroU32,

    /// The messages that may wait for a slow client. With one more, it is disconnected
    #[arg(long, value_name = "MESSAGES", default_value = "256")]
    pub queue: NonZeroUsize,

    /// The memory of all connections together for incomplete and queued messages
    #[arg(long, value_name = "MIB", default_value = "256")]
    pub memory: NonZeroUsize,
}

/// Join a room.
///
/// Messages are printed to standard output, and notes about the connection to standard error. The
/// times are UTC. At the end of the input, the client waits until everything was sent, and leaves.
#[derive(Clone, Debug, clap::Args)]
pub struct Join {
    /// The address of the page, for example http://127.0.0.1:9001
    #[arg(value_name = "URL")]
    pub url: String,

    /// The room
    #[arg(long, value_name = "ROOM", default_value = "lobby")]
    pub room: String,

    /// Your name
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// End with a failure after this time without a connection. Default: never
    #[arg(long, value_name = "SECONDS")]
    pub give_up: Option<u64>,

    /// Trust the authorities in this PEM file, instead of those of the system
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
}

/// Join with many clients, and measure what the server delivers to them.
#[derive(Clone, Debug, clap::Args)]
pub struct Load {
    /// The address of the page
    #[arg(value_name = "URL")]
    pub url: String,

    /// The clients
    #[arg(long, value_name = "CLIENTS", default_value = "1000")]
    pub clients: NonZeroUsize,

    /// The rooms, among which the clients are distributed
    #[arg(long, value_name = "ROOMS", default_value = "10")]
    pub rooms: NonZeroUsize,

    /// The messages in a second that the clients of each room send together
    #[arg(long, value_name = "MESSAGES", default_value = "10")]
    pub rate: NonZeroU32,

    /// The seconds to measure, after all clients have joined
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub seconds: u64,

    /// Also print the processor time and the memory of this process: that of the server (Linux)
    #[arg(long, value_name = "PID")]
    pub server: Option<u32>,
}
