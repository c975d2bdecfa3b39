//! An echo server that is measured: started fresh, warmed up, observed from outside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};

use crate::certificates::Certificates;
use crate::crowd::{self, Habit};
use crate::programs::server::EchoServer;
use crate::programs::watch::Watch;
use crate::raw::{Endpoint, Peer, Trust};
use crate::resources::Process;

/// Until a server that was started listens.
const START_UP: Duration = Duration::from_secs(30);

/// How long a server may take to notice that a connection has ended.
const SETTLING: Duration = Duration::from_millis(200);

/// How often descriptors are counted while they become fewer.
const COUNT_EVERY: Duration = Duration::from_millis(2);

/// The running server; dropping it ends it.
pub(crate) struct Subject {
    server: EchoServer,
    pub(crate) target: Target,
}

/// How a server is started.
pub(crate) struct Launch<'a> {
    pub(crate) executable: &'a Path,
    pub(crate) options: &'a [&'a str],
    /// The offer of compression of the first connection, if it makes one.
    pub(crate) offer: Option<&'a str>,
    /// Makes the server speak TLS.
    pub(crate) certificates: Option<&'a Certificates>,
    pub(crate) log: &'a Path,
}

/// What load needs to know of the server.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Needed if the server speaks TLS.
    pub(crate) trust: Option<Trust>,
    pub(crate) process: Process,
    /// Resident bytes after the warm-up.
    pub(crate) resident: u64,
    /// Open descriptors after the warm-up.
    pub(crate) descriptors: usize,
}

impl Subject {
    /// Starts a server, lets it serve one connection, and takes its measure.
    pub(crate) fn start(launch: &Launch<'_>) -> Result<Self> {
        let (sender, lines) = mpsc::channel();
        let mut watch = Watch::new(lines);
        let mut options = launch.options.to_vec();
        let mut trust = None;
        if let Some(certificates) = launch.certificates {
            options.extend(certificates.server_options());
            trust = Some(Trust::only(certificates.authority())?);
        }
        let executable = launch.executable;
        let server = EchoServer::start(
            executable, &options, launch.log, START_UP, &sender, &mut watch,
        )?;
        Self::observe(server, trust, launch.offer, Peer::close)
    }

    /// Takes the measure of a server on another library that listens already.
    pub(crate) fn foreign(server: EchoServer, offer: Option<&str>) -> Result<Self> {
        // Until the server has noticed that whoever asked whether it listens is gone.
        thread::sleep(SETTLING);
        // Not every library answers a Close as it is received.
        Self::observe(server, None, offer, |peer| {
            drop(peer);
            Ok(())
        })
    }

    /// Lets `server` serve one connection, which is ended by `farewell`, and takes its measure.
    fn observe(
        server: EchoServer,
        trust: Option<Trust>,
        offer: Option<&str>,
        farewell: fn(Peer) -> Result<()>,
    ) -> Result<Self> {
        let address = address(&server.url)?;
        let process = Process::new(server.process.id())?;
        let descriptors = process.descriptors()?;
        let mut target = Target {
            address,
            trust,
            process,
            resident: 0,
            descriptors,
        };
        warm_up(&target.endpoint(), offer)
            .and_then(farewell)
            .context("the server does not serve its first connection")?;
        target.wait_for_descriptors(START_UP)?;
        target.resident = process.resident()?;
        Ok(Self { server, target })
    }

    /// How it has ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.server.process.try_wait()
    }

    /// The error for a server that has ended.
    pub(crate) fn died(&mut self, status: ExitStatus, place: &str) -> Error {
        self.server.process.died("the server", status, place)
    }
}

impl Target {
    /// Where the server is reached, in the way that it expects.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.address,
            trust: self.trust.clone(),
        }
    }

    /// Resident bytes more than after the warm-up.
    pub(crate) fn growth(&self) -> Result<u64> {
        Ok(self.process.resident()?.saturating_sub(self.resident))
    }

    /// Waits until the server has no more descriptors than after the warm-up; how long that took,
    /// `None` if longer than `patience`.
    pub(crate) fn wait_for_descriptors(&self, patience: Duration) -> Result<Option<Duration>> {
        let started = Instant::now();
        loop {
            if self.process.descriptors()? <= self.descriptors {
                return Ok(Some(started.elapsed()));
            }
            if started.elapsed() > patience {
                return Ok(None);
            }
            thread::sleep(COUNT_EVERY);
        }
    }
}

/// One connection that does everything that connections usually do.
fn warm_up(server: &Endpoint, offer: Option<&str>) -> Result<Peer> {
    let habit = match offer {
        Some(_) => Habit::EchoCompressed,
        None => Habit::Echo,
    };
    crowd::join(server, offer, &habit.steps()?)
}

/// The address in `ws://ADDRESS` or `ws://ADDRESS/`, or the same with `wss`.
fn address(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("ws://").or(url.strip_prefix("wss://"));
    let address = address.unwrap_or(url).trim_end_matches('/');
    address
        .parse()
        .with_context(|| format!("`{url}` is not where one can connect to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_from_urls() {
        assert_eq!(address("ws://127.0.0.1:9001").unwrap().port(), 9001);
        assert_eq!(address("ws://127.0.0.1:9001/").unwrap().port(), 9001);
        assert_eq!(address("wss://127.0.0.1:9001").unwrap().port(), 9001);
        assert!(address("ws://localhost").is_err());
    }
}
