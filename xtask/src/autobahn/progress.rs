//! How far a run is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how many cases of a run are done.
pub(crate) struct Progress {
    view: View,
    label: String,
    total: usize,
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
    /// Starts to show a run of `total` cases.
    pub(crate) fn new(label: &str, total: usize) -> Self {
        let started = Instant::now();
        let view = if stdout().is_terminal() && stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64).with_prefix(label.to_owned());
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_millis(250));
            View::Bar(bar)
        } else {
            println!("{label}: {total} cases");
            View::Lines { last: started }
        };
        Self {
            view,
            label: label.to_owned(),
            total,
            started,
        }
    }

    /// `done` cases are done, and `case` is running.
    pub(crate) fn at(&mut self, done: usize, case: &str) {
        let now = Instant::now();
        match &mut self.view {
            View::Bar(bar) => {
                bar.set_position(done as u64);
                bar.set_message(format!("case {case}"));
            }
            View::Lines { last } if now.duration_since(*last) >= LINE_EVERY => {
                *last = now;
                let left = left(now.duration_since(self.started), done, self.total);
                println!(
                    "{}: {done}/{} cases, now {case}{left}",
                    self.label, self.total
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
