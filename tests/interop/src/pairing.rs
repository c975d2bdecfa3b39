//! A program of others and one of our peers.

use std::fmt;

use crate::foreign::{Foreign, Http, Over, Role};
use crate::ours::{Ours, Route};
use crate::tools::Tool;
use crate::{checks, scripts};

/// A program, its role, and our programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairing {
    pub(crate) foreign: Foreign,
    /// The role of the foreign program.
    pub(crate) role: Role,
    pub(crate) http: Http,
    pub(crate) over: Over,
    pub(crate) ours: Ours,
}

impl Pairing {
    /// Returns each role that `foreign` can have, with each version of HTTP, over each transport,
    /// with each of `ours`.
    pub(crate) fn all(foreign: Foreign, ours: &[Ours]) -> Vec<Self> {
        let mut pairings = Vec::new();
        for &http in foreign.versions() {
            for &over in foreign.transports() {
                for &role in foreign.roles() {
                    pairings.extend(ours.iter().map(|&ours| Self {
                        foreign,
                        role,
                        http,
                        over,
                        ours,
                    }));
                }
            }
        }
        pairings.retain(Self::exists);
        pairings
    }

    fn exists(&self) -> bool {
        match (self.ours, self.http) {
            // HAProxy is between our client and a server only over HTTP/2.
            (Ours::Peers(_), Http::Http1) => {
                (self.foreign, self.role) != (Foreign::Haproxy, Role::Proxy)
            }
            // Of our peers, only clients use HTTP/2.
            (Ours::Peers(_), Http::Http2) => self.role != Role::Client,
            // The examples are servers of the clients that have scripts.
            (Ours::Examples(route), http) => {
                self.role == Role::Client
                    && self.foreign.is_scripted()
                    && (http == Http::Http1 || route.has_http2())
                    && (!self.foreign.is_browser() || self.is_choice_of_browsers(route))
            }
        }
    }

    /// Returns `true` if a browser chooses this version of HTTP on this route. Browsers choose
    /// HTTP/2 if a server offers both, which our servers do over TLS. Over TCP, they cannot know.
    fn is_choice_of_browsers(&self, route: Route) -> bool {
        match self.http {
            Http::Http1 => route != Route::Direct || self.over == Over::Tcp,
            Http::Http2 => self.over == Over::Tls,
        }
    }

    /// Returns the executables that the checks need.
    pub(crate) fn tools(&self) -> impl Iterator<Item = Tool> {
        let foreign = self.foreign.tools(self.over).iter().copied();
        let python = self.needs_python().then_some(Tool::Python);
        foreign.chain(self.ours.tool()).chain(python)
    }

    /// Returns `true` if the checks need the scripts in Python. Over HTTP/2, the server behind a
    /// proxy is such a script.
    pub(crate) fn needs_python(&self) -> bool {
        self.foreign.is_python() || (self.http == Http::Http2 && self.role == Role::Proxy)
    }

    /// Returns the names of the checks that the pairing has to do.
    pub(crate) fn checks(&self) -> Vec<&'static str> {
        let mut names = scripts::checks_of(self);
        names.extend(checks::of(self).iter().map(|check| check.name));
        names
    }

    /// Returns the layers below the WebSocket.
    pub(crate) fn layers(&self) -> String {
        match self.http {
            Http::Http1 => self.over.to_string(),
            Http::Http2 => format!("HTTP/2 over {}", self.over),
        }
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
        let (theirs, ours) = (self.theirs(), self.ours);
        write!(f, "{theirs} with {ours} over {}", self.layers())
    }
}

#[cfg(test)]
mod tests {
    use ws_test_programs::runtime::Runtime;

    use super::*;

    #[test]
    fn a_browser_is_a_client_and_the_others_are_both() {
        let peers = [Runtime::Tokio, Runtime::Smol].map(Ours::Peers);
        assert_eq!(Pairing::all(Foreign::Chromium, &peers).len(), 4);
        let pairings = Pairing::all(Foreign::NodeWs, &peers);
        assert_eq!(pairings.len(), 8);
        assert_eq!(
            pairings[0].to_string(),
            "Node ws client with tokio over TCP"
        );
        assert_eq!(pairings[7].to_string(), "Node ws server with smol over TLS");
    }

    #[test]
    fn a_network_has_no_role_and_is_checked_over_tcp() {
        let pairings = Pairing::all(Foreign::NetworkNamespace, &[Ours::Peers(Runtime::Smol)]);
        let names: Vec<_> = pairings.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["network namespace with smol over TCP"]);
    }

    #[test]
    fn examples_are_servers_of_clients_with_scripts() {
        let examples = [Ours::Examples(Route::Nginx)];
        let pairings = Pairing::all(Foreign::PythonWebsockets, &examples);
        let names: Vec<_> = pairings.iter().map(ToString::to_string).collect();
        let client = "Python websockets client with the examples behind nginx";
        assert_eq!(
            names,
            [format!("{client} over TCP"), format!("{client} over TLS")]
        );
        assert!(Pairing::all(Foreign::Openssl, &examples).is_empty());
    }

    #[test]
    fn browsers_use_http2_over_tls_and_nginx_does_not_forward_it() {
        let examples = [Route::Direct, Route::Nginx].map(Ours::Examples);
        let pairings = Pairing::all(Foreign::Firefox, &examples);
        let over_http2 = pairings.iter().filter(|one| one.http == Http::Http2);
        let names: Vec<_> = over_http2.map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["Firefox client with the examples over HTTP/2 over TLS"]
        );
    }

    #[test]
    fn every_pairing_has_checks_with_names_of_their_own() {
        for foreign in Foreign::these_or_all(&[]) {
            for pairing in Pairing::all(*foreign, &Ours::all()) {
                let mut checks = pairing.checks();
                let all = checks.len();
                checks.sort_unstable();
                checks.dedup();
                assert!(all > 0 && checks.len() == all, "{pairing}");
            }
        }
    }
}
