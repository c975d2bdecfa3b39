//! Which part the testee plays.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The part that the testee plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An echo server; the suite connects to it.
    Server,
    /// An echo client; the suite listens.
    Client,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}
