//! The testee is a client, which requests one case after the other.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread;

use anyhow::{Result, anyhow, bail};
use ws_conformance::clients::{Listener, Observer};
use ws_conformance::record::Record;
use ws_conformance::tls::HandshakeError;

use super::collector::Collector;
use super::{Native, find};
use crate::autobahn::client_testee;
use crate::autobahn::engine::Job;
use crate::programs::watch::Watch;

/// Runs the job.
pub(super) fn test(native: &Native, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let settings = native.settings();
    let any_port = (Ipv4Addr::LOCALHOST, 0);
    let mut listener = Listener::bind(any_port, find(job)?, settings.clone())?;
    let address = listener.local_addr()?;
    let suite = match &native.tls {
        Some(tls) => {
            listener = listener.with_identity(tls.identity.clone());
            format!("wss://{address}")
        }
        None => format!("ws://{address}"),
    };
    let collector = Collector::new(job.dir, settings.stop.clone())?;
    let result = thread::scope(|scope| {
        let mut serving = Some(scope.spawn(|| listener.serve(&Watcher(&collector))));
        let suite_lives = &mut |place: &str| {
            let Some(ended) = serving.take_if(|serving| serving.is_finished()) else {
                return Ok(());
            };
            bail!("the suite ended in {place}: {:?}", ended.join())
        };
        let result = client_testee::run(job, &suite, &mut watch, &sender, suite_lives);
        settings.stop.raise();
        result
    });
    collector.end()?;
    result
}

/// Passes the events on to the collector.
pub(super) struct Watcher<'a>(pub(super) &'a Collector);

impl Observer for Watcher<'_> {
    /// Every case begins with TLS, so the others would fail for the same reason.
    fn tls_failed(&self, error: &HandshakeError) {
        self.0
            .give_up(anyhow!("a connection of the testee: {error}"));
    }

    fn finished(&self, record: Record) {
        self.0.finished(&record);
    }

    /// The reports are on disk already.
    fn update_reports(&self, _agent: &str) {}
}
