//! The runtimes that have an adapter.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A runtime that has an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    Tokio,
    AsyncStd,
    Smol,
}

impl Runtime {
    /// The echo server of `ws-peers` on this runtime.
    pub(crate) fn echo_server(self) -> String {
        format!("echo-{self}")
    }

    /// These, or all if there are none.
    pub(crate) fn these_or_all(these: &[Self]) -> &[Self] {
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
