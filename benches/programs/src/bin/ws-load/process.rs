//! The processor time of processes, from `/proc` of Linux.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

/// A running measurement of the processor time of the load generator and the server.
pub(crate) struct Meter {
    process: Option<u32>,
    started: Instant,
    own: Cost,
    server: Option<Cost>,
}

/// The duration of a measurement, and the processor time that was used in this duration.
#[derive(Serialize)]
pub(crate) struct Spent {
    seconds: f64,
    /// The processor time of the server.
    server_run_ns: Option<u64>,
    /// The time for which other programs kept the server from running.
    server_kept_waiting_ns: Option<u64>,
    load_run_ns: u64,
    load_kept_waiting_ns: u64,
}

impl Meter {
    /// Starts a measurement. `process` is the id of the server's process. Without it, only the load
    /// generator is measured.
    pub(crate) fn start(process: Option<u32>) -> Result<Self> {
        let server = process.map(Cost::of).transpose()?;
        let own = Cost::own()?;
        Ok(Self {
            process,
            started: Instant::now(),
            own,
            server,
        })
    }

    pub(crate) fn stop(self) -> Result<Spent> {
        let seconds = self.started.elapsed().as_secs_f64();
        let own = Cost::own()?;
        let server = self.process.map(Cost::of).transpose()?.zip(self.server);
        let of_server = |figure: fn(&Cost, &Cost) -> u64| {
            server.as_ref().map(|(after, before)| figure(after, before))
        };
        Ok(Spent {
            seconds,
            server_run_ns: of_server(Cost::run_ns_since),
            server_kept_waiting_ns: of_server(Cost::kept_waiting_ns_since),
            load_run_ns: own.run_ns_since(&self.own),
            load_kept_waiting_ns: own.kept_waiting_ns_since(&self.own),
        })
    }
}

/// The processor time of a process until now, by thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// The id of each thread, and its times.
    threads: Vec<(u32, Times)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    /// The time on a processor.
    run_ns: u64,
    /// The time for which the thread was ready and had to wait for a processor.
    wait_ns: u64,
}

impl Cost {
    /// Reads the processor time of this process, by thread.
    pub(crate) fn own() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// Reads the processor time of the process with this id, by thread.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let dir = PathBuf::from(format!("/proc/{process}/task"));
        let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()));
        let mut threads = Vec::new();
        for entry in entries? {
            let entry = entry?;
            let thread = entry
                .file_name()
                .to_string_lossy()
                .parse()
                .context("the id of a thread is not a number")?;
            // The thread may have ended since the directory was listed.
            if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
                let times = parse(&text).context("schedstat has an unexpected form")?;
                threads.push((thread, times));
            }
        }
        Ok(Self { threads })
    }

    /// Returns the processor time of all threads since `before`.
    pub(crate) fn run_ns_since(&self, before: &Self) -> u64 {
        self.since(before).map(|times| times.run_ns).sum()
    }

    /// Returns the time since `before` for which other processes kept the busiest thread from
    /// running. The time that the other threads of this process ran is subtracted, because the
    /// busiest thread may have waited for them.
    pub(crate) fn kept_waiting_ns_since(&self, before: &Self) -> u64 {
        let Some(busiest) = self.since(before).max_by_key(|times| times.run_ns) else {
            return 0;
        };
        let others = self.run_ns_since(before) - busiest.run_ns;
        busiest.wait_ns.saturating_sub(others)
    }

    fn since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Times> + 'a {
        self.threads.iter().map(|(id, now)| {
            let found = before.threads.iter().find(|(other, _)| other == id);
            let then = found.map_or(Times::default(), |(_, times)| *times);
            Times {
                run_ns: now.run_ns.saturating_sub(then.run_ns),
                wait_ns: now.wait_ns.saturating_sub(then.wait_ns),
            }
        })
    }
}

/// Parses the line `RUN WAIT SLICES` of a file `schedstat`. Both times are in nanoseconds.
fn parse(schedstat: &str) -> Option<Times> {
    let mut fields = schedstat.split_whitespace();
    let run_ns = fields.next()?.parse().ok()?;
    let wait_ns = fields.next()?.parse().ok()?;
    Some(Times { run_ns, wait_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(threads: &[(u32, u64, u64)]) -> Cost {
        let threads = threads
            .iter()
            .map(|&(id, run_ns, wait_ns)| (id, Times { run_ns, wait_ns }));
        Cost {
            threads: threads.collect(),
        }
    }

    #[test]
    fn times_are_summed_over_threads() {
        let before = cost(&[(1, 100, 0), (2, 50, 0)]);
        let after = cost(&[(1, 600, 70), (2, 60, 5), (3, 40, 0)]);
        assert_eq!(after.run_ns_since(&before), 550);
        assert_eq!(after.kept_waiting_ns_since(&before), 20);
        assert_eq!(Cost::default().kept_waiting_ns_since(&before), 0);
    }

    #[test]
    fn a_single_thread_can_only_wait_for_other_processes() {
        let (before, after) = (cost(&[(1, 5, 7)]), cost(&[(1, 25, 37)]));
        assert_eq!(after.kept_waiting_ns_since(&before), 30);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_can_read_its_own_times() {
        let before = Cost::own().unwrap();
        assert!(!before.threads.is_empty());
        assert!(Cost::own().unwrap().run_ns_since(&before) < 60_000_000_000);
    }
}
