//! stunnel as a tunnel in front of our server, and in front of a WebSocket server of this program.

use std::fs;

use anyhow::Result;

use super::Check;
use super::openssl_client::converse_with;
use super::proxy::{client_through, server_through};
use crate::process::Process;
use crate::stage::{Backend, Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const SERVER_CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| terminator(stage, "TLSv1.2")),
    Check::new("TLS 1.3", |stage| terminator(stage, "TLSv1.3")),
    Check::new("client certificate", client_certificate),
    Check::new("missing client certificate", no_client_certificate),
    Check::new("in front of our server", in_front),
];

pub(super) const CLIENT_CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| upstream(stage, "TLSv1.2")),
    Check::new("TLS 1.3", |stage| upstream(stage, "TLSv1.3")),
    Check::new("client certificate", upstream_client_certificate),
];

/// A running stunnel.
struct Stunnel {
    _process: Process,
    port: u16,
}

impl Stunnel {
    /// Starts a tunnel to the port `target` with these settings.
    fn start(stage: &Stage<'_>, target: u16, settings: &[String]) -> Result<Self> {
        let port = free_port()?;
        let config = stage.file("stunnel.conf")?;
        let text = format!(
            "foreground = yes\n\
             pid =\n\
             syslog = no\n\
             [tunnel]\n\
             accept = 127.0.0.1:{port}\n\
             connect = 127.0.0.1:{target}\n\
             {}\n",
            settings.join("\n")
        );
        fs::write(&config, text)?;
        let mut command = stage.tool(Tool::Stunnel)?;
        command.arg(&config);
        let mut process = stage.spawn("stunnel", command)?;
        wait_for_port(&mut process, port)?;
        Ok(Self {
            _process: process,
            port,
        })
    }

    /// Starts a server of TLS in front of the port `target`.
    fn terminator(stage: &Stage<'_>, target: u16, more: &[String]) -> Result<Self> {
        let files = &stage.certificates().server;
        let settings = [
            format!("cert = {}", files.certificate.display()),
            format!("key = {}", files.key.display()),
        ];
        Self::start(stage, target, &[&settings, more].concat())
    }

    /// Starts a client of TLS in front of the port `target`.
    fn upstream(stage: &Stage<'_>, target: u16, more: &[String]) -> Result<Self> {
        let settings = [
            "client = yes".to_owned(),
            "verifyChain = yes".to_owned(),
            "checkHost = localhost".to_owned(),
            "sni = localhost".to_owned(),
            format!("CAfile = {}", stage.certificates().authority.display()),
        ];
        Self::start(stage, target, &[&settings, more].concat())
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}", self.port)
    }
}

/// Connects our client over TLS to a WebSocket server of this program.
fn terminator(stage: &Stage<'_>, version: &str) -> Result<()> {
    let backend = Backend::bind()?;
    let settings = [format!("sslVersion = {version}")];
    let tunnel = Stunnel::terminator(stage, backend.port()?, &settings)?;
    client_through(stage, &tunnel.url(), &backend, None)
}

/// Returns the settings of a server that demands certificates of clients.
fn demand(stage: &Stage<'_>) -> [String; 2] {
    [
        "verifyChain = yes".to_owned(),
        format!("CAfile = {}", stage.certificates().authority.display()),
    ]
}

fn client_certificate(stage: &Stage<'_>) -> Result<()> {
    let backend = Backend::bind()?;
    let tunnel = Stunnel::terminator(stage, backend.port()?, &demand(stage))?;
    let identity = Some(&stage.certificates().client);
    client_through(stage, &tunnel.url(), &backend, identity)
}

fn no_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let tunnel = Stunnel::terminator(stage, free_port()?, &demand(stage))?;
    let mut client = stage.client(&[&tunnel.url()], &[])?;
    client.failed(&["requires a certificate"])
}

/// Connects `openssl` over TLS to our server over TCP.
fn in_front(stage: &Stage<'_>) -> Result<()> {
    let server = stage.plain_server()?;
    let tunnel = Stunnel::terminator(stage, server.port, &[])?;
    converse_with(stage, tunnel.port)
}

/// Connects this program over TCP to our server over TLS.
fn upstream(stage: &Stage<'_>, version: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let settings = [format!("sslVersion = {version}")];
    let tunnel = Stunnel::upstream(stage, server.port, &settings)?;
    server_through(tunnel.port)
}

fn upstream_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let server = stage.demanding_server()?;
    let files = &stage.certificates().client;
    let settings = [
        format!("cert = {}", files.certificate.display()),
        format!("key = {}", files.key.display()),
    ];
    let tunnel = Stunnel::upstream(stage, server.port, &settings)?;
    server_through(tunnel.port)
}
