//! The resources of a process, from Linux below `/proc`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The interval at which memory is sampled.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

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
        parse_resident(&self.read("status")?).context("no VmRSS in /proc/PID/status")
    }

    /// Returns the number of open descriptors.
    pub fn descriptors(self) -> Result<usize> {
        let dir = self.path("fd");
        let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()));
        Ok(entries?.count())
    }

    /// Returns the processor time of all threads so far, including those that have ended. It is
    /// rounded to the system's ticks, which are usually 10 ms.
    pub fn cpu(self) -> Result<Duration> {
        let ticks = parse_ticks(&self.read("stat")?).context("no times in /proc/PID/stat")?;
        Ok(Duration::from_secs_f64(ticks as f64 / ticks_per_second()))
    }

    fn read(self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
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

/// Parses `VmRSS:     1736 kB`.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib * 1024)
}

/// Parses user and system time, in ticks: fields 14 and 15. The name before them can contain any
/// character.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(unix)]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(not(unix))]
fn ticks_per_second() -> f64 {
    100.0
}

/// Raises the limit of descriptors of this process, and of those that it starts, to the system's
/// limit. Returns the limit, if there is one.
#[cfg(unix)]
pub fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => before.maximum,
        Err(_) => before.current,
    }
}

/// Returns `None`, because there is no such limit.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() -> Option<u64> {
    None
}

/// The descriptors of a process besides its connections.
const SPARE_DESCRIPTORS: u64 = 64;

/// Returns the number of connections that a process can hold under `limit`: `wanted`, or fewer.
pub fn affordable(wanted: usize, limit: Option<u64>) -> usize {
    let room = limit.map(|limit| limit.saturating_sub(SPARE_DESCRIPTORS));
    match room.map(usize::try_from) {
        Some(Ok(room)) => wanted.min(room),
        Some(Err(_)) | None => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_in_bytes() {
        let status = "Name:\tVmRSS: 7 kB\nVmHWM:\t  1900 kB\nVmRSS:\t    1736 kB\nThreads:\t1\n";
        assert_eq!(parse_resident(status), Some(1736 * 1024));
        assert_eq!(parse_resident("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn names_with_spaces_and_brackets_do_not_shift_fields() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 17 0 0 20 0 1 0 5 6 7\n";
        assert_eq!(parse_ticks(stat), Some(267));
        assert_eq!(parse_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn a_limit_leaves_room_for_what_is_no_connection() {
        assert_eq!(affordable(10_000, Some(20_000)), 10_000);
        assert_eq!(affordable(10_000, Some(1_024)), 960);
        assert_eq!(affordable(10_000, Some(3)), 0);
        assert_eq!(affordable(10_000, None), 10_000);
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
