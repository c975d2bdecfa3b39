//! The checks that this program performs by controlling other programs.

mod curl;
mod gnutls_client;
mod gnutls_server;
mod nginx;
mod openssl_client;
mod openssl_server;
mod proxy;
mod scripts;
mod stunnel;

use anyhow::Result;

use crate::certificates::Defect;
use crate::foreign::{Foreign, Over, Role};
use crate::pairing::Pairing;
use crate::stage::{EchoClient, Stage};

/// A check.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Stage<'_>) -> Result<()>,
}

impl Check {
    const fn new(name: &'static str, run: fn(&Stage<'_>) -> Result<()>) -> Self {
        Self { name, run }
    }
}

/// Returns the checks of a pairing.
pub(crate) fn of(pairing: &Pairing) -> &'static [Check] {
    if pairing.over == Over::Tcp {
        return &[];
    }
    match (pairing.foreign, pairing.role) {
        (Foreign::Openssl, Role::Client) => openssl_client::CHECKS,
        (Foreign::Openssl, Role::Server) => openssl_server::CHECKS,
        (Foreign::Gnutls, Role::Client) => gnutls_client::CHECKS,
        (Foreign::Gnutls, Role::Server) => gnutls_server::CHECKS,
        (Foreign::Nginx, Role::Client) => nginx::CLIENT_CHECKS,
        (Foreign::Nginx, Role::Server) => nginx::SERVER_CHECKS,
        (Foreign::Stunnel, Role::Client) => stunnel::CLIENT_CHECKS,
        (Foreign::Stunnel, Role::Server) => stunnel::SERVER_CHECKS,
        (Foreign::Curl, _) => curl::CHECKS,
        (Foreign::NodeWs, Role::Client) => scripts::NODE_CHECKS,
        (Foreign::PythonWebsockets, Role::Client) => scripts::PYTHON_CHECKS,
        (Foreign::NodeWs | Foreign::PythonWebsockets | Foreign::Chromium, _) => &[],
    }
}

impl EchoClient {
    /// Waits until a connection has failed because of the certificate of the server. The client
    /// must report the kind of the defect.
    fn refused(&mut self, defect: Defect) -> Result<()> {
        self.failed(&[match defect {
            Defect::Expired => "has expired",
            Defect::NotYetValid => "is not valid yet",
            Defect::WrongName => "is for another host name",
            Defect::UnknownIssuer => "is from an authority that is not trusted",
        }])
    }
}
