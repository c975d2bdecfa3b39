//! An echo server that is measured: started fresh, warmed up, observed from outside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use ws_test_certificates::options::Certificates;
use ws_test_programs::server::EchoServer;
use ws_test_programs::supervise::Supervised;
use ws_test_programs::watch::Watch;

use crate::crowd::{self, Habit};
use crate::resources::Process;
use crate::{Endpoint, Peer, Trust};

/// The time until a server listens.
const START_UP: Duration = Duration::from_secs(30);

/// The time within which a server notices that a connection has ended.
const SETTLING: Duration = Duration::from_millis(200);

/// The interval at which descriptors are counted while they become fewer.
const COUNT_EVERY: Duration = Duration::from_millis(2);

/// The running server. Dropping it ends the process.
pub struct Subject {
    process: Supervised,
    /// The properties of the server.
    pub target: Target,
}

/// The parameters of a server.
pub struct Launch<'a> {
    /// The server.
    pub executable: &'a Path,
    /// Its options, without those for TLS.
    pub options: &'a [&'a str],
    /// The offer of compression of the first connection, if there is one.
    pub offer: Option<&'a str>,
    /// The certificates of a server that uses TLS.
    pub certificates: Option<&'a Certificates>,
    /// The file for its output.
    pub log: &'a Path,
}

/// The properties of the server that load needs.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address for TCP.
    pub address: SocketAddr,
    /// Required if the server uses TLS.
    pub trust: Option<Trust>,
    /// The process that is observed.
    pub process: Process,
    /// Resident bytes after the warm-up.
    pub resident: u64,
    /// Open descriptors after the warm-up.
    pub descriptors: usize,
}

impl Subject {
    /// Starts a server, serves one connection with it, and measures it.
    pub fn start(launch: &Launch<'_>) -> Result<Self> {
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
        let address = address(&server.url)?;
        Self::observe(server.process, address, trust, launch.offer, Peer::close)
    }

    /// Measures a server on another library that already listens.
    pub fn foreign(process: Supervised, address: SocketAddr, offer: Option<&str>) -> Result<Self> {
        // Until the server has noticed the end of the connection that tested if it listens.
        thread::sleep(SETTLING);
        // Some libraries do not answer a Close at once.
        Self::observe(process, address, None, offer, |peer| {
            drop(peer);
            Ok(())
        })
    }

    /// Serves one connection with the server, ends it with `farewell`, and measures the server.
    fn observe(
        server: Supervised,
        address: SocketAddr,
        trust: Option<Trust>,
        offer: Option<&str>,
        farewell: fn(Peer) -> Result<()>,
    ) -> Result<Self> {
        let process = Process::new(server.id())?;
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
        Ok(Self {
            process: server,
            target,
        })
    }

    /// Returns the exit status, if the server has ended.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Returns the error for a server that has ended.
    pub fn died(&mut self, status: ExitStatus, place: &str) -> Error {
        self.process.died("the server", status, place)
    }
}

impl Target {
    /// Returns the address of the server, with TLS if it uses TLS.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.address,
            trust: self.trust.clone(),
        }
    }

    /// Returns the additional resident bytes since the warm-up.
    pub fn growth(&self) -> Result<u64> {
        Ok(self.process.resident()?.saturating_sub(self.resident))
    }

    /// Waits until the server has no more descriptors than after the warm-up. Returns the duration,
    /// or `None` after `patience`.
    pub fn wait_for_descriptors(&self, patience: Duration) -> Result<Option<Duration>> {
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

/// Opens a connection that uses all usual features.
fn warm_up(server: &Endpoint, offer: Option<&str>) -> Result<Peer> {
    let habit = match offer {
        Some(_) => Habit::EchoCompressed,
        None => Habit::Echo,
    };
    crowd::join(server, offer, &habit.steps()?)
}

/// Returns the address in `ws://ADDRESS` or `ws://ADDRESS/`, or the same with `wss`.
fn address(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("ws://").or(url.strip_prefix("wss://"));
    let address = address.unwrap_or(url).trim_end_matches('/');
    address
        .parse()
        .with_context(|| format!("`{url}` is not an address to connect to"))
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
