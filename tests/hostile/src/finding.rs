//! The findings of an attack: figures and their bounds.

use std::fmt;
use std::time::{Duration, Instant};

use ws_test_client::Peer;
use ws_test_client::subject::Target;

/// The time limit of a whole connection with one echo, during an attack and after it.
const ECHO: Duration = Duration::from_secs(1);

/// A figure, its bound, and `true` if it is within the bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) figure: String,
    /// Empty if the figure is only shown.
    pub(crate) bound: String,
    pub(crate) holds: bool,
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
            holds,
        }
    }

    /// Creates a finding without a bound.
    pub(crate) fn note(what: &str, figure: impl fmt::Display) -> Self {
        Self::new(what, figure, "", true)
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

/// A number of bytes, in a unit of suitable size.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        match self.0 {
            bytes if bytes >= MIB => write!(f, "{:.2} MiB", bytes as f64 / MIB as f64),
            bytes if bytes >= 10 * KIB => write!(f, "{:.1} KiB", bytes as f64 / KIB as f64),
            bytes => write!(f, "{bytes} B"),
        }
    }
}

/// A time, in a unit of suitable size.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            seconds if seconds >= 1.0 => write!(f, "{seconds:.2} s"),
            seconds => write!(f, "{:.1} ms", seconds * 1000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        assert!(Finding::bytes("growth", 1024, 1024).holds);
        assert!(!Finding::bytes("growth", 1025, 1024).holds);
        let second = Duration::from_secs(1);
        assert!(Finding::time("end", second, second).holds);
        assert!(!Finding::time("end", second + Duration::from_nanos(1), second).holds);
    }

    #[test]
    fn what_never_happened_is_a_breach() {
        let second = Duration::from_secs(1);
        assert!(Finding::happened("end", Some(second), second).holds);
        let never = Finding::happened("end", None, second);
        assert!(!never.holds);
        assert_eq!((&*never.figure, &*never.bound), ("never", "≤ 1.00 s"));
    }

    #[test]
    fn all_must_do_what_they_must() {
        assert!(Finding::count("answered", 3, 3).holds);
        assert!(!Finding::count("answered", 2, 3).holds);
        assert!(Finding::note("bytes sent", 5).holds);
    }

    #[test]
    fn figures_have_units_that_suit_them() {
        let shown = [999, 10_240, 1 << 20, 3 << 19].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(shown, ["999 B", "10.0 KiB", "1.00 MiB", "1.50 MiB"]);
        assert_eq!(Time(Duration::from_micros(1500)).to_string(), "1.5 ms");
        assert_eq!(Time(Duration::from_millis(1500)).to_string(), "1.50 s");
    }
}
