//! The destination of text for people.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Standard output, or standard error if programs read standard output.
///
/// A closed pipe, as that of `head`, is no error: the run goes on for its reports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self::Stdout
    }

    /// Returns standard output, or standard error if JSON is printed.
    pub(super) fn beside_json(json: bool) -> Self {
        match json {
            true => Self::Stderr,
            false => Self::Stdout,
        }
    }

    pub(super) fn line(self, text: impl Display) {
        drop(match self {
            Self::Stdout => writeln!(io::stdout(), "{text}"),
            Self::Stderr => writeln!(io::stderr(), "{text}"),
        });
    }

    /// Returns `true` if the output shows colors.
    pub(super) fn has_colors(self) -> bool {
        let terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        };
        terminal && env::var_os("NO_COLOR").is_none()
    }
}
