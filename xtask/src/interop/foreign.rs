//! The programs that nobody here wrote.

use std::fmt;

use clap::ValueEnum;
use ws_conformance::role::Role;

/// A WebSocket implementation to check ours against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Foreign {
    /// The browser
    Chromium,
    /// The package ws of Node
    NodeWs,
    /// The package websockets of Python
    PythonWebsockets,
}

/// What every one of them checks.
const CHECKS: [&str; 8] = [
    "negotiated",
    "text",
    "binary",
    "json",
    "incompressible",
    "non-ascii",
    "many small",
    "close",
];

/// What the interface of a browser has no words for.
const MORE_CHECKS: [&str; 2] = ["fragments", "ping"];

impl Foreign {
    /// These, or all if there are none.
    pub(super) fn these_or_all(these: &[Self]) -> &[Self] {
        match these {
            [] => Self::value_variants(),
            these => these,
        }
    }

    /// The roles that it can take.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Self::Chromium => &[Role::Client],
            Self::NodeWs | Self::PythonWebsockets => &[Role::Client, Role::Server],
        }
    }

    /// The checks that it has to report.
    pub(super) fn checks(self) -> Vec<&'static str> {
        let more: &[_] = match self {
            Self::Chromium => &[],
            Self::NodeWs | Self::PythonWebsockets => &MORE_CHECKS,
        };
        [&CHECKS, more].concat()
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::NodeWs => "Node ws",
            Self::PythonWebsockets => "Python websockets",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project;

    #[test]
    fn the_programs_have_the_checks() {
        let read = |name| fs::read_to_string(project::root().join("tests/interop").join(name));
        let python = read("peer.py").unwrap();
        let node = read("checks.mjs").unwrap() + &read("peer.mjs").unwrap();
        for check in Foreign::NodeWs.checks() {
            assert!(python.contains(&format!("\"{check}\":")), "{check}");
            let named =
                node.contains(&format!("{check}:")) || node.contains(&format!("\"{check}\":"));
            assert!(named, "{check}");
        }
    }
}
