//! `gnutls-cli` and our server.

use std::io::Write;

use anyhow::Result;
use ws_test_certificates::IdentityFiles;

use super::Check;
use crate::certificates::Defect;
use crate::dialogue::Dialogue;
use crate::process::Process;
use crate::stage::{EchoServer, Stage};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| version(stage, "TLS1.2")),
    Check::new("TLS 1.3", |stage| version(stage, "TLS1.3")),
    Check::new("key updates", key_updates),
    Check::new("ALPN http/1.1", alpn),
    Check::new("ALPN h2 is refused", alpn_refused),
    Check::new("no SNI", no_sni),
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
        faulty(stage, Defect::Expired, "uses expired certificate")
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid, "uses not yet valid certificate")
    }),
    Check::new("certificate for another name", |stage| {
        faulty(
            stage,
            Defect::WrongName,
            "name in the certificate does not match",
        )
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(stage, Defect::UnknownIssuer, "issuer is unknown")
    }),
    Check::new("close_notify without a Close", close_notify),
];

/// Starts `gnutls-cli`. It verifies the certificate of our server.
fn client(stage: &Stage<'_>, server: &EchoServer, options: &[&str]) -> Result<Process> {
    let mut command = stage.tool(Tool::GnutlsCli)?;
    command
        .arg("--x509cafile")
        .arg(&stage.certificates().authority);
    command.args(["--port", &server.port.to_string()]);
    command.args(["--verify-hostname", "localhost"]);
    command.args(options).arg("127.0.0.1");
    stage.spawn("gnutls-cli", command)
}

/// Returns the option for one version of TLS.
pub(super) fn priority(version: &str) -> String {
    format!("--priority=NORMAL:-VERS-ALL:+VERS-{version}")
}

/// Lets our server echo, and closes the connection. Our server must end the session properly.
fn converse(client: &mut Process) -> Result<()> {
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.converse()?;
    dialogue.close()?;
    client.expect("- Peer has closed the GnuTLS connection")?;
    client.ended_well()
}

fn version(stage: &Stage<'_>, version: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let options = ["--sni-hostname", "localhost", &priority(version)];
    let mut client = client(stage, &server, &options)?;
    client.expect("- Status: The certificate is trusted.")?;
    client.expect(&format!("- Description: ({version}-"))?;
    converse(&mut client)
}

/// Updates the keys in the middle of messages: those of the client, and those of both ends.
fn key_updates(stage: &Stage<'_>) -> Result<()> {
    let server = stage.tls_server()?;
    let mut client = client(stage, &server, &["--inline-commands", &priority("TLS1.3")])?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    for command in ["^rekey1^\n", "^rekey^\n", "^rekey1^\n", "^rekey^\n"] {
        dialogue.begin()?;
        dialogue.end_line()?;
        dialogue.stream().write_all(command.as_bytes())?;
        client.expect("- Rekey was completed\n")?;
        dialogue.finish()?;
        dialogue.echo(100_000)?;
    }
    dialogue.converse()?;
    dialogue.close()?;
    client.ended_well()
}

fn alpn(stage: &Stage<'_>) -> Result<()> {
    let server = stage.tls_server()?;
    let mut client = client(stage, &server, &["--alpn=h2", "--alpn=http/1.1"])?;
    client.expect("- Application protocol: http/1.1\n")?;
    converse(&mut client)
}

fn alpn_refused(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut client = client(stage, &server, &["--alpn=h2"])?;
    client.expect("Received alert [120]")?;
    client.ended_badly()?;
    server.serves()
}

fn no_sni(stage: &Stage<'_>) -> Result<()> {
    let server = stage.tls_server()?;
    converse(&mut client(stage, &server, &["--disable-sni"])?)
}

/// `gnutls-cli` connects twice. The WebSocket is on the second connection.
fn resumption(stage: &Stage<'_>, version: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let options = ["--resume", "--waitresumption", &priority(version)];
    let mut client = client(stage, &server, &options)?;
    client.expect("*** This is a resumed session")?;
    converse(&mut client)
}

/// Starts a client with a certificate.
fn with_certificate(
    stage: &Stage<'_>,
    server: &EchoServer,
    files: &IdentityFiles,
) -> Result<Process> {
    let certificate = format!("--x509certfile={}", files.certificate.display());
    let key = format!("--x509keyfile={}", files.key.display());
    client(stage, server, &[&certificate, &key])
}

fn client_certificate(stage: &Stage<'_>) -> Result<()> {
    let server = stage.demanding_server()?;
    converse(&mut with_certificate(
        stage,
        &server,
        &stage.certificates().client,
    )?)
}

fn no_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.demanding_server()?;
    let mut client = client(stage, &server, &[])?;
    client.expect("Received alert [116]: Certificate is required")?;
    client.ended_badly()?;
    server.serves()
}

fn stranger(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.demanding_server()?;
    let mut client = with_certificate(stage, &server, &stage.certificates().stranger)?;
    client.expect("Received alert [48]: CA is unknown")?;
    client.ended_badly()?;
    server.serves()
}

fn faulty(stage: &Stage<'_>, defect: Defect, reason: &str) -> Result<()> {
    let mut server = stage.tls_server_with(stage.certificates().faulty(defect))?;
    let mut client = client(stage, &server, &[])?;
    client.expect(reason)?;
    client.ended_badly()?;
    server.serves()
}

/// The end of the input ends the session with a `close_notify`.
fn close_notify(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut client = client(stage, &server, &[])?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.echo(1000)?;
    drop(dialogue);
    client.ended_well()?;
    server.serves()
}
