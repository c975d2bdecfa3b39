//! The testee is a server. Many cases run against it at a time.

use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context, Result};
use ws_conformance::pool;
use ws_conformance::servers::{self, Target};

use super::collector::Collector;
use super::{Native, find};
use crate::autobahn::engine::Job;
use crate::programs::server::EchoServer;
use crate::programs::watch::Watch;

/// Runs the job.
pub(super) fn test(native: &Native, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let log = job.dir.join("testee.log");
    let start_up = job.patience.start_up;
    let mut testee =
        EchoServer::start(job.testee, job.options, &log, start_up, &sender, &mut watch)?;

    let cases = find(job)?;
    let settings = native.settings();
    let target = Target::new(&testee.url).with_context(|| format!("`{}`", testee.url))?;
    let mut target = target.with_agent(&*job.run.agent);
    if let Some(tls) = &native.tls {
        target = target.with_trust(&tls.trust);
    }
    servers::probe(&target, &settings)?;
    let collector = Collector::new(job.dir, settings.stop.clone())?;
    let run = |case| servers::run_case(&target, case, &settings);
    let finished = |record| collector.finished(&record);
    let followed = thread::scope(|scope| {
        let running = scope.spawn(|| {
            pool::run(&cases, native.jobs(), &settings.stop, run, finished);
        });
        let followed = follow(job, &mut watch, &mut testee, &collector, &running);
        settings.stop.raise();
        followed
    });
    collector.end()?;
    followed
}

/// Waits until all cases are over.
fn follow(
    job: &mut Job<'_>,
    watch: &mut Watch,
    testee: &mut EchoServer,
    collector: &Collector,
    running: &ScopedJoinHandle<'_, ()>,
) -> Result<()> {
    let allowance = job.patience.for_any(job.cases);
    let mut before = usize::MAX;
    while !running.is_finished() {
        let (done, latest) = collector.progress();
        if done != before {
            job.progress.at(done, &latest);
            watch.enter(format!("the cases after {latest}"), allowance);
            before = done;
        }
        watch.next()?;
        if let Some(status) = testee.process.try_wait()? {
            let place = format!("the cases after {latest}");
            return Err(testee.process.died("the testee", status, &place));
        }
    }
    Ok(())
}
