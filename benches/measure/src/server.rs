//! A server that is started on a free port. It may be of any library, so it prints nothing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ws_test_programs::interrupt;
use ws_test_programs::supervise::{Source, Supervised};

/// The time until a server listens.
const START_UP: Duration = Duration::from_secs(10);

/// The time from a signal to the end of a server. A program that observes the server may still
/// print its results.
const SHUT_DOWN: Duration = Duration::from_secs(10);

/// A running server. Dropping it ends the process.
pub(crate) struct Server {
    pub(crate) process: Supervised,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts the command that `command` returns for a port, and waits until it listens. Its output
    /// goes to the file `log`.
    pub(crate) fn start(command: impl FnOnce(u16) -> Result<Command>, log: &Path) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = listener.local_addr()?;
        drop(listener);
        // The lines are not read, because the log has the output of the server.
        let (lines, _) = mpsc::channel();
        let command = command(address.port())?;
        let process = Supervised::spawn(command, log, Stdio::null(), Source::Testee, &lines)?;
        let mut server = Self {
            process,
            address,
            log: log.to_owned(),
        };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// Ends the server by the signal of Ctrl-C, and returns all of its output.
    pub(crate) fn stop(mut self) -> Result<String> {
        self.process.interrupt()?;
        let until = Instant::now() + SHUT_DOWN;
        while self.process.try_wait()?.is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        // Waits until the log has all of the output.
        drop(self.process.last_words());
        let log = fs::read(&self.log);
        let log = log.with_context(|| format!("cannot read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let until = Instant::now() + START_UP;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(self.process.died("the server", status, "its start"));
            }
            if Instant::now() > until || interrupt::requested() {
                bail!("the server does not listen on {}", self.address);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}
