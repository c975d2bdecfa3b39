//! Command lines that the peers on all runtimes share.
//!
//! The peers are what users would write: library defaults, no hidden settings.

#![forbid(unsafe_code)]

use std::fmt::Display;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ws_driver::{Config, DeflateConfig};

/// How long saying hello may take, whatever the server does.
pub const PATIENCE: Duration = Duration::from_secs(14);

/// Accepts WebSocket connections on 127.0.0.1 and echoes every message, until it is ended.
///
/// Prints the URL on the first line of standard output.
#[derive(Debug, Parser)]
#[command(version)]
pub struct EchoServer {
    /// The port to listen on; 0 picks a free one.
    #[arg(long)]
    pub port: u16,
    /// Threads that serve connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    /// Compress messages for clients that offer it (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
}

impl EchoServer {
    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The library's defaults, with compression if that is asked for.
    #[must_use]
    pub fn config(&self) -> Config {
        config(self.deflate)
    }
}

fn config(deflate: bool) -> Config {
    match deflate {
        true => Config::default().deflate(DeflateConfig::default()),
        false => Config::default(),
    }
}

/// Connects to each WebSocket URL in turn and echoes every message until the connection ends.
///
/// Prints `done URL` or `failed URL: why` after each, and exits with 0 in either case.
#[derive(Debug, Parser)]
#[command(version)]
pub struct EchoClient {
    /// URLs to connect to; `-` reads more from standard input, one per line.
    #[arg(required = true)]
    pub urls: Vec<String>,
    /// Offer to compress messages (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
}

impl EchoClient {
    /// The library's defaults, with compression if that is asked for.
    #[must_use]
    pub fn config(&self) -> Config {
        config(self.deflate)
    }

    /// The URLs in order, those of standard input as they come.
    pub fn each_url(&self) -> impl Iterator<Item = String> {
        self.urls
            .iter()
            .flat_map(|url| -> Box<dyn Iterator<Item = String>> {
                if url == "-" {
                    Box::new(std::io::stdin().lock().lines().map_while(Result::ok))
                } else {
                    Box::new(std::iter::once(url.clone()))
                }
            })
    }
}

/// Connects, sends `hello`, waits for one message, and closes.
///
/// Exits with 0 if all of that worked, else prints one line on standard error and exits with 1.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Hello {
    /// The WebSocket URL.
    pub url: String,
}

/// Prints a line that whoever started the peer waits for.
///
/// A closed standard output is no reason to stop serving.
pub fn announce(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Turns the outcome of a peer into its exit status, with one line on standard error if it failed.
pub fn exit<E: Display>(command: &str, result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{command}: {error}");
            ExitCode::FAILURE
        }
    }
}
