//! Where text for people goes.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Standard output or, where that is for programs, standard error.
///
/// A reader that goes away, as `head` does, is no error: the run goes on for its reports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self::Stdout
    }

    /// Standard output, unless JSON goes there.
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

    /// Whether colors make sense.
    pub(super) fn has_colors(self) -> bool {
        let terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        };
        terminal && env::var_os("NO_COLOR").is_none()
    }
}
