//! The findings of an attack: figures and their bounds.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Error;
pub(crate) use indicatif::HumanBytes as Bytes;
use ws_test_client::Peer;
use ws_test_client::subject::Target;

/// The time limit of a whole connection with one echo, during an attack and after it.
const ECHO: Duration = Duration::from_secs(1);

/// A figure and its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) bound: String,
    pub(crate) verdict: Verdict,
}

/// The judgment of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has no bound.
    Note,
    Ok,
    Breach,
    /// The figure is unknown, for this reason.
    NotDone(String),
}

impl Finding {
    /// Creates a finding in bytes, with an inclusive bound.
    pub(crate) fn bytes(what: &str, figure: u64, bound: u64) -> Self {
        Self::new(
            what,
            Bytes(figure),
            format!("≤ {}", Bytes(bound)),
            figure <= bound,
        )
    }

    /// Creates a finding of a time, with an inclusive bound.
    pub(crate) fn time(what: &str, figure: Duration, bound: Duration) -> Self {
        Self::new(
            what,
            Time(figure),
            format!("≤ {}", Time(bound)),
            figure <= bound,
        )
    }

    /// Creates a finding of the time of an event that may not have happened, with an inclusive
    /// bound.
    pub(crate) fn happened(what: &str, figure: Option<Duration>, bound: Duration) -> Self {
        match figure {
            Some(figure) => Self::time(what, figure, bound),
            None => Self::new(what, "never", format!("≤ {}", Time(bound)), false),
        }
    }

    /// Creates a finding: `figure` of `all` did what they must.
    pub(crate) fn count(what: &str, figure: usize, all: usize) -> Self {
        Self::new(what, figure, all, figure == all)
    }

    /// Creates a finding of any other kind.
    pub(crate) fn new(
        what: &str,
        figure: impl fmt::Display,
        bound: impl fmt::Display,
        holds: bool,
    ) -> Self {
        Self {
            what: what.to_owned(),
            figure: figure.to_string(),
            bound: bound.to_string(),
            verdict: if holds { Verdict::Ok } else { Verdict::Breach },
        }
    }

    /// Creates a finding without a bound.
    pub(crate) fn note(what: &str, figure: impl fmt::Display) -> Self {
        Self {
            verdict: Verdict::Note,
            ..Self::new(what, figure, "", true)
        }
    }

    /// Creates the finding of an attack that broke off.
    pub(crate) fn broken(error: &Error) -> Self {
        Self {
            verdict: Verdict::NotDone(format!("{error:#}")),
            ..Self::new("attack", "broke off", "", false)
        }
    }

    /// Returns `true` if the figure is known and within its bound.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self.verdict, Verdict::Note | Verdict::Ok)
    }
}

/// Checks that the server serves the next client.
pub(crate) fn fresh_echo(what: &str, target: &Target) -> Finding {
    let started = Instant::now();
    let echoed = Peer::open(target.endpoint()).and_then(|mut peer| {
        peer.echo(b"good morning")?;
        peer.close()
    });
    match echoed {
        Ok(()) => Finding::time(what, started.elapsed(), ECHO),
        Err(error) => {
            let bound = format!("≤ {}", Time(ECHO));
            Finding::new(what, format!("{error:#}"), bound, false)
        }
    }
}

/// A time, in a unit of suitable size.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        assert!(Finding::bytes("growth", 1024, 1024).is_good());
        assert!(!Finding::bytes("growth", 1025, 1024).is_good());
        let second = Duration::from_secs(1);
        assert!(Finding::time("end", second, second).is_good());
        assert!(!Finding::time("end", second + Duration::from_nanos(1), second).is_good());
    }

    #[test]
    fn what_never_happened_is_a_breach() {
        let second = Duration::from_secs(1);
        assert!(Finding::happened("end", Some(second), second).is_good());
        let never = Finding::happened("end", None, second);
        assert!(!never.is_good());
        assert_eq!((&*never.figure, &*never.bound), ("never", "≤ 1.00s"));
    }

    #[test]
    fn all_must_do_what_they_must() {
        assert!(Finding::count("answered", 3, 3).is_good());
        assert!(!Finding::count("answered", 2, 3).is_good());
        assert!(Finding::note("bytes sent", 5).is_good());
    }
}
