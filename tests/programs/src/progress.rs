//! The progress of a run: a bar on a terminal, or a line from time to time.

use std::io::{IsTerminal, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The interval between lines if there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The unit of the count. The plural has an s.
#[derive(Clone, Copy, Debug)]
pub struct Unit(&'static str);

#[expect(missing_docs, reason = "the names say everything")]
impl Unit {
    pub const ATTACK: Self = Self("attack");
    pub const CASE: Self = Self("case");
    pub const CONNECTION: Self = Self("connection");
    pub const MEASUREMENT: Self = Self("measurement");
}

/// Shows how much of a run is done.
pub struct Progress {
    view: View,
    label: String,
    total: usize,
    unit: Unit,
    started: Instant,
    /// The number of done units in the parts that have ended.
    before: usize,
    /// The number of done units in this part.
    done: usize,
}

enum View {
    Bar(ProgressBar),
    Lines { last: Instant },
    Hidden,
}

impl Progress {
    /// Begins the progress of a run with `total` units.
    pub fn new(label: &str, total: usize, unit: Unit) -> Self {
        if !stdout().is_terminal() || !stderr().is_terminal() {
            return Self::in_lines(label, total, unit);
        }
        let bar = ProgressBar::new(total as u64).with_prefix(label.to_owned());
        bar.set_style(style());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self::with_view(View::Bar(bar), label, total, unit)
    }

    /// Creates a progress like [`new`](Self::new), but never with a bar: for one of several runs at
    /// a time.
    pub fn in_lines(label: &str, total: usize, unit: Unit) -> Self {
        println!("{label}: {total} {}s", unit.0);
        let last = Instant::now();
        Self::with_view(View::Lines { last }, label, total, unit)
    }

    /// Creates a progress without output, for tests.
    #[must_use]
    pub fn hidden() -> Self {
        Self::with_view(View::Hidden, "", 0, Unit::CASE)
    }

    fn with_view(view: View, label: &str, total: usize, unit: Unit) -> Self {
        Self {
            view,
            label: label.to_owned(),
            total,
            unit,
            started: Instant::now(),
            before: 0,
            done: 0,
        }
    }

    /// Shows that `done` units of this part are done, and that the unit of this name is running.
    pub fn at(&mut self, done: usize, name: &str) {
        self.done = done;
        let done = self.before + done;
        let now = Instant::now();
        match &mut self.view {
            View::Bar(bar) => {
                bar.set_position(done as u64);
                bar.set_message(format!("{} {name}", self.unit.0));
            }
            View::Lines { last } if now.duration_since(*last) >= LINE_EVERY => {
                *last = now;
                let left = left(now.duration_since(self.started), done, self.total);
                println!(
                    "{}: {done}/{} {}s, now {name}{left}",
                    self.label, self.total, self.unit.0
                );
            }
            View::Lines { .. } | View::Hidden => {}
        }
    }

    /// Returns the number of done units in this part.
    pub fn done_of_part(&self) -> usize {
        self.done
    }

    /// Ends the part, which had `total` units. The next one begins.
    pub fn end_part(&mut self, total: usize) {
        self.before += total;
        self.done = 0;
    }

    /// Removes the bar and returns the duration of the run.
    pub fn end(self) -> Duration {
        if let View::Bar(bar) = self.view {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

/// Returns a text such as `, about 12 s left`; empty before the first unit is done.
fn left(elapsed: Duration, done: usize, total: usize) -> String {
    if done == 0 {
        return String::new();
    }
    let left = elapsed.as_secs_f64() / done as f64 * total.saturating_sub(done) as f64;
    format!(", about {left:.0} s left")
}

fn style() -> ProgressStyle {
    let template = "{prefix} [{bar:30}] {pos}/{len} {msg:15} {elapsed} elapsed, {eta} left";
    ProgressStyle::with_template(template)
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
