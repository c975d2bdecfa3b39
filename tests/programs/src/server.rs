//! An echo server that was started and has printed its URL.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::supervise::{Line, Source, Supervised};
use crate::watch::Watch;

/// A running `echo-RUNTIME` of ws-peers.
pub struct EchoServer {
    /// Its process.
    pub process: Supervised,
    /// The URL that it has printed.
    pub url: String,
}

impl EchoServer {
    /// Starts `executable` with these options on a free port. Waits until it listens, at most for
    /// `start_up`. With the option `--tls`, and only then, it must listen on a `wss://` URL.
    ///
    /// `watch` must receive from the sender `lines`.
    pub fn start(
        executable: &Path,
        options: &[&str],
        log: &Path,
        start_up: Duration,
        lines: &Sender<Line>,
        watch: &mut Watch,
    ) -> Result<Self> {
        let mut command = Command::new(executable);
        command.args(["--port", "0"]).args(options);
        let mut process = Supervised::spawn(command, log, Stdio::null(), Source::Testee, lines)?;
        // A server that ignores the option must not count as one that uses TLS.
        let scheme = match options.contains(&"--tls") {
            true => "wss://",
            false => "ws://",
        };
        let url = wait_for_url(&mut process, scheme, watch, start_up)?;
        Ok(Self { process, url })
    }
}

/// Returns the URL in the first line of the server's output.
fn wait_for_url(
    process: &mut Supervised,
    scheme: &str,
    watch: &mut Watch,
    start_up: Duration,
) -> Result<String> {
    const PLACE: &str = "start-up of the testee, which has not printed its URL";
    watch.enter(PLACE, start_up);
    loop {
        if let Some(line) = watch.next()? {
            if line.text.starts_with(scheme) {
                return Ok(line.text);
            }
            bail!(
                "the first line of the testee is not a {scheme} URL: `{}`",
                line.text
            );
        }
        if let Some(status) = process.try_wait()? {
            return Err(process.died("the testee", status, PLACE));
        }
    }
}
