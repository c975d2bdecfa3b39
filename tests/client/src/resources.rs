//! The resources of a process, from Linux below `/proc`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use procfs_core::FromRead;
use procfs_core::process::{Stat, Status};

/// The interval at which memory is sampled.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

/// The unit of processor time, `USER_HZ`. It is the same on every processor that Rust supports.
const TICK: Duration = Duration::from_millis(10);

/// A process that is observed from outside.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    id: u32,
}

impl Process {
    /// Selects a process to observe.
    ///
    /// # Errors
    ///
    /// Fails on systems other than Linux.
    pub fn new(id: u32) -> Result<Self> {
        check_system()?;
        Ok(Self { id })
    }

    /// Returns the resident memory in bytes.
    pub fn resident(self) -> Result<u64> {
        let status = Status::from_file(self.path("status"))?;
        let kib = status.vmrss.context("the process has ended")?;
        Ok(kib * 1024)
    }

    /// Returns the number of open descriptors.
    pub fn descriptors(self) -> Result<usize> {
        let dir = self.path("fd");
        let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()));
        Ok(entries?.count())
    }

    /// Returns the processor time of all threads so far, including those that have ended. It is a
    /// multiple of 10 ms.
    pub fn cpu(self) -> Result<Duration> {
        let stat = Stat::from_file(self.path("stat"))?;
        Ok(TICK * u32::try_from(stat.utime + stat.stime)?)
    }

    fn path(self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.id).into()
    }
}

/// Checks the system.
///
/// # Errors
///
/// Fails on systems other than Linux.
pub fn check_system() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("this command needs /proc, which only Linux has");
    }
    Ok(())
}

/// Samples the memory of a process, and stores the most.
pub struct PeakMeter {
    process: Process,
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    sampler: Option<JoinHandle<()>>,
}

impl PeakMeter {
    /// Starts to sample.
    pub fn start(process: Process) -> Self {
        let peak = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let sampler = thread::spawn({
            let (peak, stop) = (Arc::clone(&peak), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(resident) = process.resident() {
                        peak.fetch_max(resident, Ordering::Relaxed);
                    }
                    thread::sleep(SAMPLE_EVERY);
                }
            }
        });
        Self {
            process,
            peak,
            stop,
            sampler: Some(sampler),
        }
    }

    /// Returns the most resident bytes of all samples.
    pub fn stop(mut self) -> Result<u64> {
        let last = self.process.resident()?;
        self.end();
        Ok(self.peak.load(Ordering::Relaxed).max(last))
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            sampler.join().expect("the sampler does not panic");
        }
    }
}

impl Drop for PeakMeter {
    fn drop(&mut self) {
        self.end();
    }
}

/// Raises the limit of descriptors of this process, and of those that it starts, to the system's
/// limit. Returns the limit.
pub fn raise_descriptor_limit() -> Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX).context("cannot read the limit of descriptors")
}

/// The descriptors of a process besides its connections.
const SPARE_DESCRIPTORS: u64 = 64;

/// Returns the number of connections that a process can hold under `limit`: `wanted`, or fewer.
#[must_use]
pub fn affordable(wanted: usize, limit: u64) -> usize {
    let room = limit.saturating_sub(SPARE_DESCRIPTORS);
    usize::try_from(room).map_or(wanted, |room| wanted.min(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_leaves_room_for_what_is_no_connection() {
        assert_eq!(affordable(10_000, 20_000), 10_000);
        assert_eq!(affordable(10_000, 1_024), 960);
        assert_eq!(affordable(10_000, 3), 0);
        assert_eq!(affordable(10_000, u64::MAX), 10_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_can_observe_itself() {
        let process = Process::new(std::process::id()).unwrap();
        let meter = PeakMeter::start(process);
        assert!(process.descriptors().unwrap() >= 3);
        assert!(process.cpu().is_ok());
        assert!(meter.stop().unwrap() >= 64 * 1024);
    }
}
