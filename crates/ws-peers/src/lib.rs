//! The parts that the echo servers and clients of all runtimes share: command lines, and the
//! dialogue with the peer.
//!
//! The programs are written as a user of the library would write them: with the defaults of the
//! library and without hidden settings.

#![forbid(unsafe_code)]

mod route;
mod server;
mod tls;

pub use server::{EchoServer, EchoService, echo};

use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ws_driver::transport::Runtime;
use ws_driver::{Config, Connector, DeflateConfig};

use route::Route;
use tls::ClientTls;

/// The pause after a failed `accept`. The process probably has no more file descriptors.
/// Connections that end during the pause release some.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The command-line option for compression.
#[derive(Debug, clap::Args)]
struct Compression {
    /// Compress messages if the other side agrees (permessage-deflate). The settings are `fast` or
    /// `small` for a profile of the library, `level=N`, from 0 to 9, `mem_level=N`, from 1 to 9,
    /// and `window_bits=N`, from 9 to 15. The last two determine how much memory compression may
    /// use. Separate settings by commas. A later setting replaces an earlier one.
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, require_equals = true, default_missing_value = "",
          value_parser = deflate_config)]
    deflate: Option<DeflateConfig>,
}

impl Compression {
    /// Returns the library's defaults, with compression if it was requested.
    fn config(&self) -> Config {
        match self.deflate {
            Some(deflate) => Config::default().deflate(deflate),
            None => Config::default(),
        }
    }
}

/// Parses `text`, a comma-separated list of `fast`, `small`, `level=N`, `mem_level=N` and
/// `window_bits=N`. A setting that is not in the list has the library's default.
fn deflate_config(text: &str) -> Result<DeflateConfig, String> {
    let mut settings = text.split(',').filter(|setting| !setting.is_empty());
    settings.try_fold(DeflateConfig::default(), |config, setting| {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        match (name, value.parse()) {
            ("fast", _) => Ok(DeflateConfig::fast()),
            ("small", _) => Ok(DeflateConfig::small()),
            ("level", Ok(level @ 0..=9)) => Ok(config.level(level)),
            ("level", _) => Err(format!("`{value}` is not a number from 0 to 9")),
            ("mem_level", Ok(level @ 1..=9)) => Ok(config.mem_level(level)),
            ("mem_level", _) => Err(format!("`{value}` is not a number from 1 to 9")),
            ("window_bits", Ok(bits @ 9..=15)) => Ok(config.own_window_bits(bits)),
            ("window_bits", _) => Err(format!("`{value}` is not a number from 9 to 15")),
            _ => Err("expected fast, small, level=N, mem_level=N or window_bits=N".into()),
        }
    })
}

/// Connects to each WebSocket URL in turn and echoes every message until the connection ends.
///
/// Prints `done URL` or `failed URL: REASON` after each connection. The exit status is 0 in either
/// case.
#[derive(Debug, Parser)]
#[command(version)]
pub struct EchoClient {
    /// URLs to connect to; `-` reads more URLs from standard input, one per line.
    #[arg(required = true)]
    urls: Vec<String>,
    #[command(flatten)]
    compression: Compression,
    #[command(flatten)]
    tls: ClientTls,
    #[command(flatten)]
    route: Route,
}

impl EchoClient {
    /// Connects to each URL in turn, echoes every message, and prints how each connection ended.
    ///
    /// Reading URLs from standard input blocks the thread.
    ///
    /// # Errors
    ///
    /// If the files for TLS are unusable, or a proxy of the environment has an invalid URL.
    pub async fn run<R: Runtime>(&self) -> io::Result<()> {
        let connector = Connector::<R>::new().config(self.compression.config());
        let connector = match self.tls.connector()? {
            Some(tls) => connector.tls(tls),
            None => connector,
        };
        let connector = self.route.apply(connector)?;
        for url in self.each_url() {
            match echo_client(&connector, &url).await {
                Ok(()) => announce(format_args!("done {url}")),
                Err(error) => announce(format_args!("failed {url}: {error}")),
            }
        }
        Ok(())
    }

    /// Returns the URLs in order. Reads a URL from standard input only when it is needed.
    fn each_url(&self) -> impl Iterator<Item = String> {
        self.urls
            .iter()
            .flat_map(|url| -> Box<dyn Iterator<Item = String>> {
                if url == "-" {
                    Box::new(io::stdin().lock().lines().map_while(Result::ok))
                } else {
                    Box::new(std::iter::once(url.clone()))
                }
            })
    }
}

async fn echo_client<R: Runtime>(connector: &Connector<R>, url: &str) -> io::Result<()> {
    let mut ws = connector.connect(url).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Prints a line. The process that started the peer waits for this line.
///
/// An error is ignored, because the peer can serve even if standard output is closed.
fn announce(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Converts the result of a peer to its exit status. Prints an error as one line on standard error.
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

    #[test]
    fn a_url_after_deflate_is_not_taken_as_its_settings() {
        let client = EchoClient::try_parse_from(["client", "--deflate", "-"]).unwrap();
        assert_eq!(client.urls, ["-"]);
        assert!(client.compression.deflate.is_some());
    }
}
