//! `gnutls-serv` and our client. The program is an HTTP server that cannot open a WebSocket, so our
//! client must report the HTTP response. The program reports the session.

use anyhow::Result;
use ws_test_certificates::IdentityFiles;

use super::Check;
use super::gnutls_client::priority;
use crate::certificates::Defect;
use crate::process::Process;
use crate::stage::{EchoClient, Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| version(stage, "TLS1.2")),
    Check::new("TLS 1.3", |stage| version(stage, "TLS1.3")),
    Check::new("ALPN http/1.1 and SNI", alpn),
    Check::new("ALPN h2 is refused", alpn_refused),
    Check::new("resumption with TLS 1.2", |stage| {
        resumption(stage, "TLS1.2")
    }),
    Check::new("resumption with TLS 1.3", |stage| {
        resumption(stage, "TLS1.3")
    }),
    Check::new("client certificate", client_certificate),
    Check::new("missing client certificate", no_client_certificate),
    Check::new("client certificate of a stranger", stranger),
    Check::new("expired certificate", |stage| {
        faulty(stage, Defect::Expired)
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid)
    }),
    Check::new("certificate for another name", |stage| {
        faulty(stage, Defect::WrongName)
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(stage, Defect::UnknownIssuer)
    }),
    Check::new("ws:// at the TLS port", plain_client),
];

/// Starts `gnutls-serv`. Returns its port, too.
fn server(stage: &Stage<'_>, files: &IdentityFiles, options: &[&str]) -> Result<(Process, u16)> {
    let port = free_port()?;
    let mut command = stage.tool(Tool::GnutlsServ)?;
    command.args(["--http", "--port", &port.to_string()]);
    command.arg("--x509certfile").arg(&files.certificate);
    command.arg("--x509keyfile").arg(&files.key);
    command.args(options);
    let mut process = stage.spawn("gnutls-serv", command)?;
    wait_for_port(&mut process, port)?;
    Ok((process, port))
}

/// Starts a server with a good certificate, and our client with these options.
fn session(
    stage: &Stage<'_>,
    options: &[&str],
    identity: Option<&IdentityFiles>,
) -> Result<(Process, EchoClient)> {
    let (process, port) = server(stage, &stage.certificates().server, options)?;
    let client = stage.client_as(&format!("wss://localhost:{port}"), identity)?;
    Ok((process, client))
}

impl EchoClient {
    /// Waits until a connection has failed because the server is not a WebSocket server.
    fn received_http(&mut self) -> Result<()> {
        self.failed(&["status 200"])
    }
}

fn version(stage: &Stage<'_>, version: &str) -> Result<()> {
    let options = ["--disable-client-cert", &priority(version)];
    let (mut server, mut client) = session(stage, &options, None)?;
    client.received_http()?;
    server.expect(&format!("- Version: {version}\n"))
}

fn alpn(stage: &Stage<'_>) -> Result<()> {
    let (mut server, mut client) = session(stage, &["--alpn=http/1.1"], None)?;
    client.received_http()?;
    server.expect("- Given server name[1]: localhost\n")?;
    server.expect("- Application protocol: http/1.1\n")
}

fn alpn_refused(stage: &Stage<'_>) -> Result<()> {
    let (_server, mut client) = session(stage, &["--alpn=h2", "--alpn-fatal"], None)?;
    client.failed(&["NoApplicationProtocol"])
}

/// Lets our client connect twice.
fn resumption(stage: &Stage<'_>, version: &str) -> Result<()> {
    let options = ["--disable-client-cert", &priority(version)];
    let (mut server, port) = server(stage, &stage.certificates().server, &options)?;
    let url = format!("wss://localhost:{port}");
    let mut client = stage.client(&[&url, &url], &[])?;
    client.received_http()?;
    client.received_http()?;
    server.expect("*** This is a resumed session")
}

/// Starts a server that demands certificates of clients, and our client with one.
fn demanding(stage: &Stage<'_>, identity: Option<&IdentityFiles>) -> Result<(Process, EchoClient)> {
    let authority = format!("--x509cafile={}", stage.certificates().authority.display());
    session(
        stage,
        &["--require-client-cert", "--verify-client-cert", &authority],
        identity,
    )
}

fn client_certificate(stage: &Stage<'_>) -> Result<()> {
    let (mut server, mut client) = demanding(stage, Some(&stage.certificates().client))?;
    client.received_http()?;
    server.expect("a client for tests")
}

fn no_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let (_server, mut client) = demanding(stage, None)?;
    client.failed(&["requires a certificate"])
}

fn stranger(stage: &Stage<'_>) -> Result<()> {
    let (_server, mut client) = demanding(stage, Some(&stage.certificates().stranger))?;
    client.failed(&["refused the certificate"])
}

fn faulty(stage: &Stage<'_>, defect: Defect) -> Result<()> {
    let (mut server, port) = server(stage, stage.certificates().faulty(defect), &[])?;
    let mut client = stage.client(&[&format!("wss://localhost:{port}")], &[])?;
    client.refused(defect)?;
    server.expect_error("alert")
}

fn plain_client(stage: &Stage<'_>) -> Result<()> {
    let (_server, port) = server(stage, &stage.certificates().server, &[])?;
    let mut client = stage.client(&[&format!("ws://localhost:{port}")], &[])?;
    client.failed(&["TLS"])
}
