//! The parts that the echo servers and clients of all runtimes share: command lines, and the
//! dialogue with the peer.
//!
//! The programs are written as a user of the library would write them: with the defaults of the
//! library and without hidden settings.

#![forbid(unsafe_code)]

mod tls;

use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ws_driver::transport::{Runtime, Wrap};
use ws_driver::{Acceptor, Config, Connector, DeflateConfig, OriginPolicy};

use tls::{ClientTls, ServerTls};

/// The pause after a failed `accept`. The process probably has no more file descriptors.
/// Connections that end during the pause release some.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The command-line option for compression.
#[derive(Debug, clap::Args)]
struct Compression {
    /// Compress messages if the other side agrees (permessage-deflate). The settings `mem_level=N`,
    /// from 1 to 9, and `window_bits=N`, from 9 to 15, determine how much memory compression may
    /// use. Separate two settings by a comma.
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

/// Parses `text`, a comma-separated list of `mem_level=N` and `window_bits=N`. A setting that is
/// not in the list has the library's default.
fn deflate_config(text: &str) -> Result<DeflateConfig, String> {
    let mut settings = text.split(',').filter(|setting| !setting.is_empty());
    settings.try_fold(DeflateConfig::default(), |config, setting| {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        match (name, value.parse()) {
            ("mem_level", Ok(level @ 1..=9)) => Ok(config.mem_level(level)),
            ("mem_level", _) => Err(format!("`{value}` is not a number from 1 to 9")),
            ("window_bits", Ok(bits @ 9..=15)) => Ok(config.own_window_bits(bits)),
            ("window_bits", _) => Err(format!("`{value}` is not a number from 9 to 15")),
            _ => Err("expected mem_level=N or window_bits=N".into()),
        }
    })
}

/// Accepts WebSocket connections on 127.0.0.1 and echoes every message, until the process is
/// terminated.
///
/// Prints the URL on the first line of standard output.
#[derive(Debug, Parser)]
#[command(version)]
pub struct EchoServer {
    /// The port to listen on; 0 picks a free port.
    #[arg(long)]
    port: u16,
    /// The number of threads that serve connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    #[command(flatten)]
    compression: Compression,
    #[command(flatten)]
    tls: ServerTls,
    /// Accept connections from web pages of this origin, such as `http://localhost:8080`. May be
    /// repeated. By default only pages of the server's own host and port are accepted.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
}

impl EchoServer {
    /// Returns the address to listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Returns an acceptor with the settings of the command line. All other settings have the
    /// library's defaults.
    ///
    /// # Errors
    ///
    /// If the files for TLS are unusable.
    pub fn acceptor<R: Runtime>(&self) -> io::Result<Acceptor<R>> {
        let acceptor = Acceptor::new()
            .config(self.compression.config())
            .origins(self.origin_policy());
        Ok(match self.tls.acceptor()? {
            Some(tls) => acceptor.tls(tls),
            None => acceptor,
        })
    }

    /// Prints the URL of the server, which listens on `address`.
    pub fn announce(&self, address: SocketAddr) {
        announce(format_args!("{}://{address}", self.tls.scheme()));
    }

    fn origin_policy(&self) -> OriginPolicy {
        match &*self.origins {
            [] => OriginPolicy::default(),
            origins => OriginPolicy::allow_list(origins),
        }
    }
}

/// Accepts a connection over `stream` and echoes every message until the connection ends.
///
/// # Errors
///
/// If the handshake or the connection fails. A server may ignore this error: a peer that broke a
/// rule has already been sent an HTTP status or a Close.
pub async fn echo<R, S>(acceptor: Acceptor<R>, stream: S) -> io::Result<()>
where
    R: Wrap<S>,
{
    let mut ws = acceptor.accept(stream).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
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
}

impl EchoClient {
    /// Connects to each URL in turn, echoes every message, and prints how each connection ended.
    ///
    /// Reading URLs from standard input blocks the thread.
    ///
    /// # Errors
    ///
    /// If the files for TLS are unusable.
    pub async fn run<R: Runtime>(&self) -> io::Result<()> {
        let connector = Connector::<R>::new().config(self.compression.config());
        let connector = match self.tls.connector()? {
            Some(tls) => connector.tls(tls),
            None => connector,
        };
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

    fn server(option: &str) -> Result<EchoServer, clap::Error> {
        EchoServer::try_parse_from(["echo", "--port", "0", option])
    }

    #[test]
    fn compression_has_the_requested_settings() {
        let deflate = |option| server(option).unwrap().compression.deflate;
        let default = DeflateConfig::default();
        assert_eq!(deflate("--deflate"), Some(default));
        let small = default.mem_level(1);
        assert_eq!(deflate("--deflate=mem_level=1"), Some(small));
        let large = default.mem_level(9).own_window_bits(15);
        assert_eq!(deflate("--deflate=mem_level=9,window_bits=15"), Some(large));
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
    fn other_origins_are_accepted_by_name() {
        let policy = |option: &str| server(option).unwrap().origin_policy();
        assert!(matches!(policy("--threads=2"), OriginPolicy::SameAuthority));
        let OriginPolicy::AllowList(allowed) = policy("--origin=http://localhost:8080") else {
            panic!("expected a list of origins");
        };
        assert_eq!(*allowed, ["http://localhost:8080"]);
    }

    #[test]
    fn a_url_after_deflate_is_not_taken_as_its_settings() {
        let client = EchoClient::try_parse_from(["client", "--deflate", "-"]).unwrap();
        assert_eq!(client.urls, ["-"]);
        assert!(client.compression.deflate.is_some());
    }
}
