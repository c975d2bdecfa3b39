//! What is run: which runtime's peers, in which role, under which name.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::runtime::Runtime;

/// The part that the testee plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// An echo server; the suite is the client.
    Server,
    /// An echo client; the suite is the server.
    Client,
}

/// One pass of the suite over one testee.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) runtime: Runtime,
    pub(crate) role: Role,
    /// The testee's name in the reports, `ws-tokio-server`.
    pub(crate) agent: String,
}

impl Run {
    pub(crate) fn new(runtime: Runtime, role: Role) -> Self {
        Self {
            runtime,
            role,
            agent: format!("ws-{runtime}-{role}"),
        }
    }

    /// The command of `ws-peers` that is tested.
    pub(crate) fn testee_name(&self) -> String {
        match self.role {
            Role::Server => self.runtime.echo_server(),
            Role::Client => format!("echo-client-{}", self.runtime),
        }
    }
}

/// Every run for these choices; an empty choice means all.
pub(crate) fn plan(runtimes: &[Runtime], role: Option<Role>) -> Vec<Run> {
    let roles = role.map_or_else(|| Role::value_variants().to_vec(), |role| vec![role]);
    Runtime::these_or_all(runtimes)
        .iter()
        .flat_map(|runtime| roles.iter().map(|role| Run::new(*runtime, *role)))
        .collect()
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_roles_of_all_runtimes_are_the_default() {
        let agents: Vec<_> = plan(&[], None).into_iter().map(|run| run.agent).collect();
        assert_eq!(agents, ["ws-tokio-server", "ws-tokio-client"]);
    }

    #[test]
    fn testees_have_their_command_names() {
        let runs = plan(&[Runtime::Tokio], Some(Role::Client));
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].testee_name(), "echo-client-tokio");
        assert_eq!(
            Run::new(Runtime::Tokio, Role::Server).testee_name(),
            "echo-tokio"
        );
    }
}
