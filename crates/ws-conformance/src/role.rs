//! The role of the testee.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The role of the testee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An echo server. The suite connects to it.
    Server,
    /// An echo client. The suite listens.
    Client,
}

impl Role {
    /// Returns the role of the testee of a suite that is a server, or a client.
    pub(crate) fn opposite_a_suite(suite_is_server: bool) -> Self {
        match suite_is_server {
            true => Self::Client,
            false => Self::Server,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}
