//! `openssl s_server` and our client.

use std::io::Write;

use anyhow::Result;
use ws_test_certificates::IdentityFiles;

use super::Check;
use super::openssl_client::expect_key_updates;
use crate::certificates::Defect;
use crate::dialogue::Dialogue;
use crate::process::Process;
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| version(stage, "-tls1_2")),
    Check::new("TLS 1.3", |stage| version(stage, "-tls1_3")),
    Check::new("old versions are refused", old_versions),
    Check::new("key updates", key_updates),
    Check::new("ALPN http/1.1", alpn),
    Check::new("ALPN h2 is refused", alpn_refused),
    Check::new("SNI", sni),
    Check::new("no SNI for an address", no_sni),
    Check::new("resumption with TLS 1.2", |stage| {
        resumption(stage, "-tls1_2")
    }),
    Check::new("resumption with TLS 1.3", |stage| {
        resumption(stage, "-tls1_3")
    }),
    Check::new("client certificate with TLS 1.2", |stage| {
        client_certificate(stage, "-tls1_2")
    }),
    Check::new("client certificate with TLS 1.3", |stage| {
        client_certificate(stage, "-tls1_3")
    }),
    Check::new("missing client certificate with TLS 1.2", |stage| {
        no_client_certificate(stage, "-tls1_2")
    }),
    Check::new("missing client certificate with TLS 1.3", |stage| {
        no_client_certificate(stage, "-tls1_3")
    }),
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
    Check::new("close_notify without a Close", close_notify),
    Check::new("connection that is cut", cut),
    Check::new("connection that is cut after both Closes", cut_after_closes),
    Check::new("plain text in the session", plain_text),
    Check::new("ws:// at the TLS port", plain_client),
];

/// A running `openssl s_server`.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) port: u16,
}

impl Server {
    /// Starts a server whose standard input and output have nothing but plaintext.
    pub(super) fn quiet(stage: &Stage<'_>, options: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let options = [&["-quiet"], options].concat();
        let mut process = start(stage, port, &stage.certificates().server, &options)?;
        wait_for_port(&mut process, port)?;
        Ok(Self { process, port })
    }

    /// Starts a server that prints what it does, and takes commands.
    fn verbose(stage: &Stage<'_>, options: &[&str]) -> Result<Self> {
        Self::verbose_with(stage, &stage.certificates().server, options)
    }

    fn verbose_with(stage: &Stage<'_>, files: &IdentityFiles, options: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let mut process = start(stage, port, files, options)?;
        process.expect("ACCEPT\n")?;
        Ok(Self { process, port })
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}", self.port)
    }
}

fn start(stage: &Stage<'_>, port: u16, files: &IdentityFiles, options: &[&str]) -> Result<Process> {
    let mut command = stage.tool(Tool::Openssl)?;
    command.args(["s_server", "-accept", &format!("127.0.0.1:{port}")]);
    command.arg("-cert").arg(&files.certificate);
    command.arg("-key").arg(&files.key);
    command.args(options);
    stage.spawn("s_server", command)
}

fn version(stage: &Stage<'_>, option: &str) -> Result<()> {
    let mut server = Server::quiet(stage, &[option])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.converse()?;
    dialogue.close()?;
    client.done()
}

fn old_versions(stage: &Stage<'_>) -> Result<()> {
    let options = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
    let mut server = Server::verbose(stage, &options)?;
    let mut client = stage.client(&[&server.url()], &[])?;
    client.failed(&["TLS"])?;
    server.process.expect_error("unsupported protocol")
}

/// Updates the keys in the middle of messages. `k` updates the keys of the server, and `K` also
/// requests an update of the client. The option `-state` reports them.
fn key_updates(stage: &Stage<'_>) -> Result<()> {
    let messages = stage.file("messages")?;
    let trace = ["-state", "-msg", "-msgfile", &messages.to_string_lossy()];
    let mut server = Server::verbose(stage, &[&["-tls1_3", "-naccept", "1"], &trace[..]].concat())?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    for command in ["k\n", "K\n", "k\n", "K\n"] {
        dialogue.begin()?;
        dialogue.stream().write_all(command.as_bytes())?;
        server.process.expect_error("write server key update")?;
        dialogue.finish()?;
        dialogue.echo(100_000)?;
    }
    dialogue.converse()?;
    dialogue.close()?;
    client.done()?;
    // The server ends after one connection, and writes the end of the trace then.
    server.process.ended()?;
    expect_key_updates(&messages, 2)
}

fn alpn(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::verbose(stage, &["-alpn", "h2,http/1.1"])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    server
        .process
        .expect("ALPN protocols advertised by the client: http/1.1\n")?;
    server
        .process
        .expect("ALPN protocols selected: http/1.1\n")?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()
}

fn alpn_refused(stage: &Stage<'_>) -> Result<()> {
    let server = Server::verbose(stage, &["-alpn", "h2"])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    client.failed(&["NoApplicationProtocol"])
}

/// The certificate for the name `localhost` is good. The other one is for another name.
fn sni(stage: &Stage<'_>) -> Result<()> {
    let files = &stage.certificates().server;
    let (certificate, key) = (
        files.certificate.to_string_lossy(),
        files.key.to_string_lossy(),
    );
    let options = [
        "-servername",
        "localhost",
        "-cert2",
        &certificate,
        "-key2",
        &key,
    ];
    let faulty = stage.certificates().faulty(Defect::WrongName);
    let mut server = Server::verbose_with(stage, faulty, &options)?;
    let mut client = stage.client(&[&server.url()], &[])?;
    server
        .process
        .expect("Hostname in TLS extension: \"localhost\"")?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()
}

/// A name in the request would select the certificate for another name. RFC 6066 §3 forbids
/// addresses.
fn no_sni(stage: &Stage<'_>) -> Result<()> {
    let faulty = stage.certificates().faulty(Defect::WrongName);
    let (certificate, key) = (
        faulty.certificate.to_string_lossy(),
        faulty.key.to_string_lossy(),
    );
    let options = [
        "-servername",
        "127.0.0.1",
        "-cert2",
        &certificate,
        "-key2",
        &key,
    ];
    let mut server = Server::verbose(stage, &options)?;
    let mut client = stage.client(&[&format!("wss://127.0.0.1:{}", server.port)], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()
}

/// Lets our client connect twice.
fn resumption(stage: &Stage<'_>, option: &str) -> Result<()> {
    let mut server = Server::verbose(stage, &[option])?;
    let mut client = stage.client(&[&server.url(), &server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()?;
    server.process.expect("Reused session-id\n")?;
    let mut dialogue = dialogue.accept_next()?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()
}

/// Starts a server that demands certificates of clients.
fn demanding(stage: &Stage<'_>, option: &str) -> Result<Server> {
    let authority = stage.certificates().authority.to_string_lossy();
    let demand = [
        "-Verify",
        "1",
        "-verify_return_error",
        "-CAfile",
        &authority,
    ];
    Server::verbose(stage, &[&demand[..], &[option]].concat())
}

fn client_certificate(stage: &Stage<'_>, option: &str) -> Result<()> {
    let mut server = demanding(stage, option)?;
    let mut client = stage.client_as(&server.url(), Some(&stage.certificates().client))?;
    server.process.expect("Client certificate\n")?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    client.done()
}

fn no_client_certificate(stage: &Stage<'_>, option: &str) -> Result<()> {
    let mut server = demanding(stage, option)?;
    let mut client = stage.client(&[&server.url()], &[])?;
    server
        .process
        .expect_error("peer did not return a certificate")?;
    // Before TLS 1.3, `openssl` reports a failure of the handshake without the reason.
    client.failed(&["requires a certificate", "HandshakeFailure"])
}

fn stranger(stage: &Stage<'_>) -> Result<()> {
    let mut server = demanding(stage, "-tls1_3")?;
    let mut client = stage.client_as(&server.url(), Some(&stage.certificates().stranger))?;
    server.process.expect_error("certificate verify failed")?;
    client.failed(&["refused the certificate"])
}

/// The server must receive an alert with the reason, too.
fn faulty(stage: &Stage<'_>, defect: Defect) -> Result<()> {
    let files = stage.certificates().faulty(defect);
    let mut server = Server::verbose_with(stage, files, &[])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    client.refused(defect)?;
    server.process.expect_error(match defect {
        Defect::Expired => "alert certificate expired",
        Defect::UnknownIssuer => "alert unknown ca",
        Defect::NotYetValid | Defect::WrongName => "alert ",
    })
}

/// Ends the session with a `close_notify`, but without a Close.
fn close_notify(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::quiet(stage, &[])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    // The end of the input ends the session.
    drop(dialogue);
    client.failed(&["without a Close"])
}

/// Ends TCP without a `close_notify`.
fn cut(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::verbose(stage, &[])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    drop(server);
    client.failed(&["without a Close"])
}

/// Ends TCP without a `close_notify` where nothing can be missing.
fn cut_after_closes(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::verbose(stage, &[])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.close()?;
    drop(server);
    client.done()
}

/// The command `P` sends text below TLS.
fn plain_text(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::verbose(stage, &[])?;
    let mut client = stage.client(&[&server.url()], &[])?;
    let mut dialogue = Dialogue::accept(server.process.pipes()?)?;
    dialogue.echo(1000)?;
    dialogue.stream().write_all(b"P\n")?;
    client.failed(&["the TLS session failed"])
}

/// `openssl` closes the connection without an answer.
fn plain_client(stage: &Stage<'_>) -> Result<()> {
    let mut server = Server::verbose(stage, &[])?;
    let mut client = stage.client(&[&format!("ws://localhost:{}", server.port)], &[])?;
    server.process.expect_error("http request")?;
    client.failed(&["check host, port and scheme"])
}
