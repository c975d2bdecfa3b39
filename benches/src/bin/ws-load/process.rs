//! What a process has cost so far, as Linux tells it below `/proc`.

use std::fs;
use std::path::PathBuf;

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

/// Measures what load and server cost.
pub(crate) struct Meter {
    process: Option<u32>,
    started: Instant,
    own: Cost,
    server: Option<Cost>,
}

/// What was spent between start and stop.
#[derive(Serialize)]
pub(crate) struct Spent {
    seconds: f64,
    /// Processor time.
    server_run_ns: Option<u64>,
    /// Time for which other programs kept it from running.
    server_kept_waiting_ns: Option<u64>,
    load_run_ns: u64,
    load_kept_waiting_ns: u64,
}

impl Meter {
    /// Begins, with the server's process if that is known.
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

/// Processor time of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// By thread: its id, time on a processor, and time it was ready and had to wait for one.
    threads: Vec<(u32, Times)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    run_ns: u64,
    wait_ns: u64,
}

impl Cost {
    /// That of this process.
    pub(crate) fn own() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// That of the process of this id.
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
                .context("a thread has a number")?;
            // A thread may end in between.
            if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
                threads.push((thread, parse(&text).context("no times in schedstat")?));
            }
        }
        Ok(Self { threads })
    }

    /// Time on a processor since `before`, of all threads.
    pub(crate) fn run_ns_since(&self, before: &Self) -> u64 {
        self.since(before).map(|times| times.run_ns).sum()
    }

    /// Time for which others kept the busiest thread from running. What the process's own threads
    /// may have taken from it does not count.
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

/// `RUN WAIT SLICES`, in nanoseconds.
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
    fn a_thread_of_its_own_is_kept_waiting_by_others_only() {
        let (before, after) = (cost(&[(1, 5, 7)]), cost(&[(1, 25, 37)]));
        assert_eq!(after.kept_waiting_ns_since(&before), 30);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_can_look_at_itself() {
        let before = Cost::own().unwrap();
        assert!(!before.threads.is_empty());
        assert!(Cost::own().unwrap().run_ns_since(&before) < 60_000_000_000);
    }
}
