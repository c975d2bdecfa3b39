//! Hitch as the end of TLS in front of our server, and in front of a WebSocket server of this
//! program.

use std::fs;

use anyhow::Result;

use super::Check;
use super::openssl_client::{converse_from, refused_at};
use super::proxy::client_through;
use super::proxy_protocol::server;
use crate::foreign::Over;
use crate::install::is_root;
use crate::process::Process;
use crate::stage::{Backend, Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| terminator(stage, "TLSv1.2")),
    Check::new("TLS 1.3", |stage| terminator(stage, "TLSv1.3")),
    Check::new("PROXY v1", |stage| in_front(stage, "write-proxy-v1 = on")),
    Check::new("PROXY v2", |stage| in_front(stage, "write-proxy-v2 = on")),
    Check::new("missing header", no_header),
];

/// A running Hitch.
struct Hitch {
    _process: Process,
    port: u16,
}

impl Hitch {
    /// Starts a proxy in front of the port `target` with this setting.
    fn start(stage: &Stage<'_>, target: u16, setting: &str) -> Result<Self> {
        let port = free_port()?;
        let files = &stage.certificates().server;
        let config = stage.file("hitch.conf")?;
        let text = format!(
            "frontend = \"[127.0.0.1]:{port}\"\n\
             backend = \"[127.0.0.1]:{target}\"\n\
             pem-file = {{\n\
             \x20   cert = \"{}\"\n\
             \x20   private-key = \"{}\"\n\
             }}\n\
             alpn-protos = \"http/1.1\"\n\
             workers = 1\n\
             daemon = off\n\
             {setting}\n",
            files.certificate.display(),
            files.key.display()
        );
        fs::write(&config, text)?;
        let mut command = stage.tool(Tool::Hitch)?;
        command.arg("--config").arg(&config);
        if is_root() {
            // Hitch refuses to run as root unless the user is named.
            command.args(["--user", "nobody"]);
        }
        let mut process = stage.spawn("hitch", command)?;
        wait_for_port(&mut process, port)?;
        Ok(Self {
            _process: process,
            port,
        })
    }
}

/// Connects our client over TLS to a WebSocket server of this program.
fn terminator(stage: &Stage<'_>, version: &str) -> Result<()> {
    let backend = Backend::bind()?;
    let protocols = format!("tls-protos = {version}");
    let hitch = Hitch::start(stage, backend.port()?, &protocols)?;
    let url = format!("wss://localhost:{}", hitch.port);
    client_through(stage, &url, &backend, None)
}

/// Connects `openssl` over TLS to our server over TCP.
fn in_front(stage: &Stage<'_>, setting: &str) -> Result<()> {
    let mut server = server(stage, Over::Tcp)?;
    let hitch = Hitch::start(stage, server.port, setting)?;
    let address = converse_from(stage, hitch.port)?;
    server.has_accepted(address)
}

fn no_header(stage: &Stage<'_>) -> Result<()> {
    let mut server = server(stage, Over::Tcp)?;
    let hitch = Hitch::start(stage, server.port, "")?;
    refused_at(stage, hitch.port)?;
    server.runs()
}
