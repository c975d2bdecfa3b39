//! The runs: the peers of a runtime, in a role, with a name.

use clap::ValueEnum;
use ws_conformance::case::CaseId;
use ws_conformance::cases;
use ws_conformance::expect::Testee;
use ws_conformance::role::Role;

use crate::runtime::Runtime;

/// One pass of a suite over one testee.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) runtime: Runtime,
    pub(crate) role: Role,
    /// The testee's name in the reports, such as `ws-tokio-server`.
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

    /// Returns the command of `ws-peers` that is tested.
    pub(crate) fn testee_name(&self) -> String {
        match self.role {
            Role::Server => self.runtime.echo_server(),
            Role::Client => format!("echo-client-{}", self.runtime),
        }
    }

    /// Returns the selected cases that are for this role.
    pub(crate) fn cases(&self, selected: &[CaseId]) -> Vec<CaseId> {
        let is_for_it =
            |case: &CaseId| cases::find(*case).is_none_or(|case| case.roles().include(self.role));
        selected.iter().copied().filter(is_for_it).collect()
    }

    /// Returns the testee for the expectations.
    pub(crate) fn testee(&self) -> Testee {
        Testee {
            agent: self.agent.clone(),
            role: self.role,
        }
    }
}

/// Returns every run for these runtimes and this role. No runtimes, or no role, means all of them.
pub(crate) fn plan(runtimes: &[Runtime], role: Option<Role>) -> Vec<Run> {
    let roles = role.map_or_else(|| Role::value_variants().to_vec(), |role| vec![role]);
    Runtime::these_or_all(runtimes)
        .iter()
        .flat_map(|runtime| roles.iter().map(|role| Run::new(*runtime, *role)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_roles_of_all_runtimes_are_the_default() {
        let agents: Vec<_> = plan(&[], None).into_iter().map(|run| run.agent).collect();
        assert_eq!(agents.len(), 2 * Runtime::value_variants().len());
        assert_eq!(agents[..2], ["ws-tokio-server", "ws-tokio-client"]);
    }

    #[test]
    fn a_run_has_the_cases_for_its_role() {
        let selected = ["1.1.1", "20.1.1", "22.1.1", "23.1.1"].map(|case| case.parse().unwrap());
        let cases = |role| Run::new(Runtime::Smol, role).cases(&selected);
        assert_eq!(cases(Role::Server), [selected[0], selected[1], selected[3]]);
        assert_eq!(cases(Role::Client), [selected[0], selected[2], selected[3]]);
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
