//! The runs: the programs of a testee, in a role, with a name.

use clap::ValueEnum;
use ws_conformance::case::{CaseId, Http};
use ws_conformance::cases;
#[cfg(test)]
use ws_conformance::expect::Testee;
use ws_conformance::role::Role;

use ws_test_programs::Outcome;
use ws_test_programs::runtime::Runtime;

/// One pass of a suite over one testee.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Names the executables: `echo-NAME` and `echo-client-NAME`. Those of the project are named
    /// after runtimes.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The testee's name in the reports: `ws-tokio-server`, or `beast-server` if it is foreign.
    pub(crate) agent: String,
}

impl Run {
    pub(crate) fn new(name: &str, role: Role) -> Self {
        let prefix = if is_ours(name) { "ws-" } else { "" };
        Self {
            name: name.to_owned(),
            role,
            agent: format!("{prefix}{name}-{role}"),
        }
    }

    /// Returns `true` if the testee is on another library. Nothing is expected of its verdicts.
    pub(crate) fn is_foreign(&self) -> bool {
        !is_ours(&self.name)
    }

    /// Returns `true` if the testee is a program of `ws-peers`.
    pub(crate) fn is_peer(&self) -> bool {
        is_runtime(&self.name)
    }

    /// Returns `true` if the testee supports this version of HTTP. The echo servers of the runtimes
    /// do not serve HTTP/2.
    pub(crate) fn supports(&self, http: Http) -> bool {
        http == Http::One || self.role == Role::Client || !self.is_peer()
    }

    /// Returns the name of the executable that is tested.
    pub(crate) fn testee_name(&self) -> String {
        match self.role {
            Role::Server => format!("echo-{}", self.name),
            Role::Client => format!("echo-client-{}", self.name),
        }
    }

    /// Returns the selected cases that are for this role.
    pub(crate) fn cases(&self, selected: &[CaseId]) -> Vec<CaseId> {
        let is_for_it =
            |case: &CaseId| cases::find(*case).is_none_or(|case| case.roles().include(self.role));
        selected.iter().copied().filter(is_for_it).collect()
    }

    /// Returns the outcome of a run. Failed cases of foreign testees are no faults of the project.
    pub(crate) fn excused(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed if self.is_foreign() => Outcome::Passed,
            outcome => outcome,
        }
    }

    /// Returns the testee for the expectations.
    #[cfg(test)]
    pub(crate) fn testee(&self) -> Testee {
        Testee {
            agent: self.agent.clone(),
            role: self.role,
        }
    }
}

/// The echo server on `ws-axum`, an example of that package.
const AXUM: &str = "axum";

/// Returns `true` if the testees with this name are on this project's library.
fn is_ours(name: &str) -> bool {
    is_runtime(name) || name == AXUM
}

fn is_runtime(name: &str) -> bool {
    Runtime::from_str(name, false).is_ok()
}

/// Returns every run for these names and this role. No names means all runtimes, and no role both
/// roles.
pub(crate) fn plan(names: &[String], role: Option<Role>) -> Vec<Run> {
    let runtimes = || Runtime::value_variants().iter().map(ToString::to_string);
    let names = match names {
        [] => runtimes().collect(),
        names => names.to_vec(),
    };
    let roles = role.map_or_else(|| Role::value_variants().to_vec(), |role| vec![role]);
    names
        .iter()
        .flat_map(|name| roles.iter().map(|role| Run::new(name, *role)))
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
        let cases = |role| Run::new("smol", role).cases(&selected);
        assert_eq!(cases(Role::Server), [selected[0], selected[1], selected[3]]);
        assert_eq!(cases(Role::Client), [selected[0], selected[2], selected[3]]);
    }

    #[test]
    fn servers_of_runtimes_have_no_http2() {
        let supports = |name, role| Run::new(name, role).supports(Http::Two);
        assert!(supports("tokio", Role::Client) && supports("axum", Role::Server));
        assert!(!supports("tokio", Role::Server));
        assert!(Run::new("tokio", Role::Server).supports(Http::One));
    }

    #[test]
    fn testees_have_their_command_names() {
        let runs = plan(&["tokio".to_owned()], Some(Role::Client));
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].testee_name(), "echo-client-tokio");
        assert_eq!(Run::new("tokio", Role::Server).testee_name(), "echo-tokio");
    }

    #[test]
    fn other_names_are_those_of_foreign_testees() {
        let names = ["beast", "tokio", "axum", "tokio-websockets"].map(str::to_owned);
        let runs = plan(&names, Some(Role::Server));
        let described = runs.iter().map(|run| (&*run.agent, run.is_foreign()));
        assert!(described.eq([
            ("beast-server", true),
            ("ws-tokio-server", false),
            ("ws-axum-server", false),
            ("tokio-websockets-server", true),
        ]));
        let client = Run::new("beast", Role::Client);
        assert_eq!(client.testee_name(), "echo-client-beast");
    }
}
