//! The runtimes that have an adapter.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A runtime that has an adapter.
#[expect(missing_docs, reason = "clap would print them beside the names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    Tokio,
    AsyncStd,
    Smol,
}

impl Runtime {
    /// Returns the name of the echo server of `ws-peers` on this runtime.
    #[must_use]
    pub fn echo_server(self) -> String {
        format!("echo-{self}")
    }

    /// Returns `these`, or all runtimes if `these` is empty.
    #[must_use]
    pub fn these_or_all(these: &[Self]) -> &[Self] {
        match these {
            [] => Self::value_variants(),
            these => these,
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        })
    }
}
