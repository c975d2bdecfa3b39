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
use ws_driver::{Config, DeflateConfig, OriginPolicy};

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
    /// Compress messages for clients that offer it (permessage-deflate). `mem_level=N`, from 1 to 9, and
    /// `window_bits=N`, from 9 to 15, say how much memory that may take.
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = deflate_config)]
    pub deflate: Option<DeflateConfig>,
    /// Let pages of this origin connect, such as `http://localhost:8080`; may be repeated. Without it, only pages of
    /// the server's own host and port may.
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
}

impl EchoServer {
    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The library's defaults, with compression if that is asked for.
    pub fn config(&self) -> Config {
        config(self.deflate)
    }

    /// The library's default, or the origins that were named.
    #[must_use]
    pub fn origin_policy(&self) -> OriginPolicy {
        match &*self.origins {
            [] => OriginPolicy::default(),
            origins => OriginPolicy::allow_list(origins),
        }
    }
}

fn config(deflate: Option<DeflateConfig>) -> Config {
    match deflate {
        Some(deflate) => Config::default().deflate(deflate),
        None => Config::default(),
    }
}

/// The library's defaults, but for what `text` sets: `mem_level=N`, `window_bits=N`, with a comma between.
fn deflate_config(text: &str) -> Result<DeflateConfig, String> {
    let mut settings = text.split(',').filter(|setting| !setting.is_empty());
    settings.try_fold(DeflateConfig::default(), |config, setting| {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        match (name, value.parse()) {
            ("mem_level", Ok(level @ 1..=9)) => Ok(config.mem_level(level)),
            ("mem_level", _) => Err(format!("`{value}` is no number from 1 to 9")),
            ("window_bits", Ok(bits @ 9..=15)) => Ok(config.own_window_bits(bits)),
            ("window_bits", _) => Err(format!("`{value}` is no number from 9 to 15")),
            _ => Err("expected mem_level=N or window_bits=N".into()),
        }
    })
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
    /// Offer to compress messages (permessage-deflate). `mem_level=N`, from 1 to 9, and `window_bits=N`, from 9 to 15,
    /// say how much memory that may take.
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = deflate_config)]
    pub deflate: Option<DeflateConfig>,
}

impl EchoClient {
    /// The library's defaults, with compression if that is asked for.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(option: &str) -> Result<EchoServer, clap::Error> {
        EchoServer::try_parse_from(["echo", "--port", "0", option])
    }

    #[test]
    fn compression_takes_the_memory_it_is_told() {
        let default = server("--deflate").unwrap().deflate;
        assert_eq!(default, Some(DeflateConfig::default()));
        let small = server("--deflate=mem_level=1").unwrap().deflate;
        assert_eq!(small, Some(DeflateConfig::default().mem_level(1)));
        let large = server("--deflate=mem_level=9,window_bits=15")
            .unwrap()
            .deflate;
        let expected = DeflateConfig::default().mem_level(9).own_window_bits(15);
        assert_eq!(large, Some(expected));
        for wrong in [
            "--deflate=mem_level=0",
            "--deflate=mem_level=x",
            "--deflate=mem_level=1,window_bits=8",
            "--deflate=9",
        ] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_let_in_by_name() {
        let policy = |option: &str| server(option).unwrap().origin_policy();
        assert!(matches!(policy("--threads=2"), OriginPolicy::SameAuthority));
        let OriginPolicy::AllowList(allowed) = policy("--origin=http://localhost:8080") else {
            panic!("the list was not taken");
        };
        assert_eq!(*allowed, ["http://localhost:8080"]);
    }

    #[test]
    fn a_url_is_no_value_of_deflate() {
        let client = EchoClient::try_parse_from(["client", "--deflate", "-"]).unwrap();
        assert_eq!(client.urls, ["-"]);
        assert!(client.deflate.is_some());
    }
}
