//! The checks that this program performs by controlling other programs.

mod curl;
pub(crate) mod dante;
mod examples;
mod forward;
mod gnutls_client;
mod gnutls_server;
mod haproxy;
mod hitch;
mod http2_proxy;
mod microsocks;
mod nginx;
mod nginx_stream;
mod openssl_client;
mod openssl_server;
mod proxy;
mod proxy_protocol;
mod reverse_proxy;
mod scripts;
mod squid;
mod stunnel;
mod tinyproxy;

use anyhow::Result;

use crate::certificates::Defect;
use crate::foreign::{Foreign, Http, Over, Role};
use crate::ours::Ours;
use crate::pairing::Pairing;
use crate::stage::{EchoClient, Stage};

/// A check.
#[derive(Clone, Copy)]
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
pub(crate) fn of(pairing: &Pairing) -> Vec<Check> {
    if let Ours::Examples(route) = pairing.ours {
        return examples::checks(pairing, route);
    }
    if (pairing.http, pairing.role) == (Http::Http2, Role::Proxy) {
        return http2_proxy::CHECKS.to_vec();
    }
    match pairing.foreign {
        Foreign::Squid => [forward::CHECKS, forward::MORE_CHECKS, squid::CHECKS].concat(),
        Foreign::Tinyproxy => [forward::CHECKS, &[forward::RULES]].concat(),
        Foreign::Dante => [forward::CHECKS, forward::MORE_CHECKS, forward::SOCKS].concat(),
        Foreign::Microsocks => [forward::CHECKS, forward::SOCKS].concat(),
        Foreign::Haproxy => haproxy::checks(pairing.over).to_vec(),
        Foreign::Hitch => hitch::CHECKS.to_vec(),
        Foreign::NginxStream => nginx_stream::CHECKS.to_vec(),
        _ => of_tls(pairing).to_vec(),
    }
}

/// Returns the checks of a program that is checked for its TLS.
fn of_tls(pairing: &Pairing) -> &'static [Check] {
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
        // The scripts have the other checks.
        _ => &[],
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
