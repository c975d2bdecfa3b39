//! A program of others and one of our peers.

use std::fmt;

use ws_test_programs::runtime::Runtime;

use crate::foreign::{Foreign, Over, Role};
use crate::{checks, scripts};

/// A program, its role, and the runtime of our peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairing {
    pub(crate) foreign: Foreign,
    /// The role of the foreign program.
    pub(crate) role: Role,
    pub(crate) over: Over,
    pub(crate) runtime: Runtime,
}

impl Pairing {
    /// Returns each role that `foreign` can have, over each transport, with each of these runtimes.
    pub(crate) fn all(foreign: Foreign, runtimes: &[Runtime]) -> Vec<Self> {
        let mut pairings = Vec::new();
        for &over in foreign.transports() {
            for &role in foreign.roles() {
                pairings.extend(runtimes.iter().map(|&runtime| Self {
                    foreign,
                    role,
                    over,
                    runtime,
                }));
            }
        }
        pairings
    }

    /// Returns the names of the checks that the pairing has to do.
    pub(crate) fn checks(&self) -> Vec<&'static str> {
        let mut names = scripts::checks(self.foreign);
        names.extend(checks::of(self).iter().map(|check| check.name));
        names
    }

    /// Returns the foreign program and its role.
    pub(crate) fn theirs(&self) -> String {
        match self.role {
            Role::Network => self.foreign.to_string(),
            Role::Client | Role::Server | Role::Proxy => {
                format!("{} {}", self.foreign, self.role.name())
            }
        }
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} with {} over {}",
            self.theirs(),
            self.runtime,
            self.over
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_a_client_and_the_others_are_both() {
        let runtimes = [Runtime::Tokio, Runtime::Smol];
        assert_eq!(Pairing::all(Foreign::Chromium, &runtimes).len(), 4);
        let pairings = Pairing::all(Foreign::NodeWs, &runtimes);
        assert_eq!(pairings.len(), 8);
        assert_eq!(
            pairings[0].to_string(),
            "Node ws client with tokio over TCP"
        );
        assert_eq!(pairings[7].to_string(), "Node ws server with smol over TLS");
    }

    #[test]
    fn a_network_has_no_role_and_is_checked_over_tcp() {
        let pairings = Pairing::all(Foreign::NetworkNamespace, &[Runtime::Smol]);
        let names: Vec<_> = pairings.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["network namespace with smol over TCP"]);
    }

    #[test]
    fn every_pairing_has_checks_with_names_of_their_own() {
        for foreign in Foreign::these_or_all(&[]) {
            for pairing in Pairing::all(*foreign, &[Runtime::Tokio]) {
                let mut checks = pairing.checks();
                let all = checks.len();
                checks.sort_unstable();
                checks.dedup();
                assert!(all > 0 && checks.len() == all, "{pairing}");
            }
        }
    }
}
