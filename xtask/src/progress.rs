//! How far a run is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    one: &'static str,
    many: &'static str,
}

impl Unit {
    pub(crate) const ATTACK: Self = Self::new("attack", "attacks");
    pub(crate) const CASE: Self = Self::new("case", "cases");
    pub(crate) const CONNECTION: Self = Self::new("connection", "connections");

    const fn new(one: &'static str, many: &'static str) -> Self {
        Self { one, many }
    }
}

/// Shows how much of a run is done.
pub(crate) struct Progress {
    view: View,
    label: String,
    total: usize,
    unit: Unit,
    started: Instant,
}

enum View {
    Bar(ProgressBar),
    Lines {
        last: Instant,
    },
    #[cfg(all(test, unix))]
    Hidden,
}

impl Progress {
    /// Starts to show a run of `total` units.
    pub(crate) fn new(label: &str, total: usize, unit: Unit) -> Self {
        let started = Instant::now();
        let view = if stdout().is_terminal() && stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64).with_prefix(label.to_owned());
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_millis(250));
            View::Bar(bar)
        } else {
            println!("{label}: {total} {}", unit.many);
            View::Lines { last: started }
        };
        Self {
            view,
            label: label.to_owned(),
            total,
            unit,
            started,
        }
    }

    /// `done` are done, and the one of this name is running.
    pub(crate) fn at(&mut self, done: usize, name: &str) {
        let now = Instant::now();
        match &mut self.view {
            View::Bar(bar) => {
                bar.set_position(done as u64);
                bar.set_message(format!("{} {name}", self.unit.one));
            }
            View::Lines { last } if now.duration_since(*last) >= LINE_EVERY => {
                *last = now;
                let left = left(now.duration_since(self.started), done, self.total);
                println!(
                    "{}: {done}/{} {}, now {name}{left}",
                    self.label, self.total, self.unit.many
                );
            }
            View::Lines { .. } => {}
            #[cfg(all(test, unix))]
            View::Hidden => {}
        }
    }

    /// Removes the bar; says how long the run took.
    pub(crate) fn end(self) -> Duration {
        if let View::Bar(bar) = self.view {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

/// `, about 12 s left`, once there is anything to go by.
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

#[cfg(all(test, unix))]
impl Progress {
    /// Shows nothing.
    pub(crate) fn hidden() -> Self {
        Self {
            view: View::Hidden,
            label: String::new(),
            total: 0,
            unit: Unit::CASE,
            started: Instant::now(),
        }
    }
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
