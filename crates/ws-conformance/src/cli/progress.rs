//! The progress of a run on standard error: a bar on a terminal, or a line from time to time.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The interval between lines if there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Progress {
    view: View,
    started: Instant,
    total: usize,
    done: usize,
}

enum View {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Begins the progress of a run with `total` cases.
    pub(super) fn new(total: usize) -> Self {
        let started = Instant::now();
        let view = if stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64);
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_millis(250));
            View::Bar(bar)
        } else {
            View::Lines { last: started }
        };
        Self {
            view,
            started,
            total,
            done: 0,
        }
    }

    /// Adds cases to the total.
    pub(super) fn expect_more(&mut self, cases: usize) {
        self.total += cases;
        if let View::Bar(bar) = &self.view {
            bar.set_length(self.total as u64);
        }
    }

    /// Shows that a case has begun.
    pub(super) fn started(&mut self, name: &str) {
        if let View::Bar(bar) = &self.view {
            bar.set_message(format!("case {name}"));
        }
    }

    /// Counts a completed case.
    pub(super) fn finished_one(&mut self) {
        self.done += 1;
        let now = Instant::now();
        match &mut self.view {
            View::Bar(bar) => bar.set_position(self.done as u64),
            View::Lines { last } if now.duration_since(*last) >= LINE_EVERY => {
                *last = now;
                let left = left(now.duration_since(self.started), self.done, self.total);
                eprintln!("{}/{} cases{left}", self.done, self.total);
            }
            View::Lines { .. } => {}
        }
    }

    /// Calls `print` while the bar is hidden.
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        match &self.view {
            View::Bar(bar) => bar.suspend(print),
            View::Lines { .. } => print(),
        }
    }

    /// Removes the bar and returns the duration of the run.
    pub(super) fn end(&self) -> Duration {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

/// Returns a text such as `, about 12 s left`; empty before the first case is done.
fn left(elapsed: Duration, done: usize, total: usize) -> String {
    if done == 0 {
        return String::new();
    }
    let left = elapsed.as_secs_f64() / done as f64 * total.saturating_sub(done) as f64;
    format!(", about {left:.0} s left")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("[{bar:30}] {pos}/{len} {msg:15} {elapsed} elapsed, {eta} left")
        .expect("the template is well formed")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_goes_by_the_average_so_far() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(left(elapsed, 0, 100), "");
        assert_eq!(left(elapsed, 20, 100), ", about 40 s left");
        assert_eq!(left(elapsed, 100, 100), ", about 0 s left");
    }

    #[test]
    fn the_template_is_well_formed() {
        drop(style());
    }
}
