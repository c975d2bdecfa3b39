//! Waiting for programs, always with a deadline.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;
use crate::supervise::Line;

/// The interval at which a caller can check its programs.
const POLL: Duration = Duration::from_millis(50);

/// The lines that programs print, with a deadline for the next progress.
pub struct Watch {
    lines: Receiver<Line>,
    since: Instant,
    allowance: Duration,
    place: String,
}

impl Watch {
    /// Creates a watch whose deadline has passed already. [`Watch::enter`] sets another one.
    pub fn new(lines: Receiver<Line>) -> Self {
        Self {
            lines,
            since: Instant::now(),
            allowance: Duration::ZERO,
            place: String::new(),
        }
    }

    /// Notes progress: the run is now in `place`, which may take `allowance`.
    pub fn enter(&mut self, place: impl Into<String>, allowance: Duration) {
        self.since = Instant::now();
        self.allowance = allowance;
        self.place = place.into();
    }

    /// Returns the next line, or `None` after a short while without one.
    ///
    /// # Errors
    ///
    /// Fails if the deadline has passed, or if the user stops the run.
    pub fn next(&self) -> Result<Option<Line>> {
        if interrupt::requested() {
            bail!("interrupted in {}", self.place);
        }
        match self.lines.recv_timeout(POLL) {
            Ok(line) => return Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
        }
        if self.since.elapsed() > self.allowance {
            let seconds = self.allowance.as_secs_f64();
            bail!("no progress for {seconds:.0} s in {}", self.place);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::supervise::Source;

    #[test]
    fn silence_past_the_allowance_is_an_error_that_says_where() {
        let (_sender, lines) = mpsc::channel();
        let mut watch = Watch::new(lines);
        watch.enter("case 2.1", Duration::from_millis(120));
        let error = loop {
            match watch.next() {
                Ok(line) => assert!(line.is_none()),
                Err(error) => break error.to_string(),
            }
        };
        assert!(
            error.starts_with("no progress for 0 s in case 2.1"),
            "{error}"
        );
    }

    #[test]
    fn lines_are_delivered_and_progress_moves_the_deadline() {
        let (sender, lines) = mpsc::channel();
        let mut watch = Watch::new(lines);
        watch.enter("a", Duration::ZERO);
        sender
            .send(Line {
                source: Source::Suite,
                text: "x".into(),
            })
            .unwrap();
        assert_eq!(watch.next().unwrap().unwrap().text, "x");
        drop(sender);
        assert!(watch.next().is_err());
        watch.enter("b", Duration::from_secs(60));
        assert!(watch.next().unwrap().is_none());
    }
}
