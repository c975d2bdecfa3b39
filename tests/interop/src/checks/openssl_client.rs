//! `openssl s_client` and our server.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Check;
use crate::certificates::Defect;
use crate::dialogue::Dialogue;
use crate::process::Process;
use crate::stage::{EchoServer, Stage, free_port};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| version(stage, "-tls1_2", "TLSv1.2")),
    Check::new("TLS 1.3", |stage| version(stage, "-tls1_3", "TLSv1.3")),
    Check::new("old versions are refused", old_versions),
    Check::new("key updates", key_updates),
    Check::new("renegotiation is refused", renegotiation),
    Check::new("ALPN http/1.1", |stage| alpn(stage, "http/1.1")),
    Check::new("ALPN h2 or http/1.1", |stage| alpn(stage, "h2,http/1.1")),
    Check::new("ALPN h2 is refused", alpn_refused),
    Check::new("no SNI", no_sni),
    Check::new("resumption with TLS 1.2", |stage| {
        resumption(stage, "-tls1_2", "TLSv1.2")
    }),
    Check::new("resumption with TLS 1.3", |stage| {
        resumption(stage, "-tls1_3", "TLSv1.3")
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
        faulty(stage, Defect::Expired, "certificate has expired")
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid, "certificate is not yet valid")
    }),
    Check::new("certificate for another name", |stage| {
        faulty(stage, Defect::WrongName, "hostname mismatch")
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(
            stage,
            Defect::UnknownIssuer,
            "unable to get local issuer certificate",
        )
    }),
    Check::new("close_notify without a Close", close_notify),
    Check::new("connection that is cut", cut),
];

/// The option for plain output and no commands.
const PLAIN: [&str; 2] = ["-brief", "-ign_eof"];

/// The name of the server in its certificate.
const NAME: [&str; 2] = ["-servername", "localhost"];

/// Starts `openssl s_client`. It verifies the certificate of our server.
fn s_client(stage: &Stage<'_>, server: &EchoServer, options: &[&str]) -> Result<Process> {
    s_client_to(stage, server.port, options)
}

/// Starts `openssl s_client` with a connection to `port`.
pub(super) fn s_client_to(stage: &Stage<'_>, port: u16, options: &[&str]) -> Result<Process> {
    let mut command = stage.tool(Tool::Openssl)?;
    command.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]);
    command.arg("-CAfile").arg(&stage.certificates().authority);
    command.args(["-verify_return_error", "-verify_hostname", "localhost"]);
    stage.spawn("s_client", {
        command.args(options);
        command
    })
}

/// Starts `openssl s_client` with plain output, and lets our echo peer behind `port` echo.
pub(super) fn converse_with(stage: &Stage<'_>, port: u16) -> Result<()> {
    let mut client = s_client_to(stage, port, &[&PLAIN[..], &NAME].concat())?;
    converse(&mut client)
}

/// Does the same as [`converse_with`], and returns the address of the connection.
pub(super) fn converse_from(stage: &Stage<'_>, port: u16) -> Result<SocketAddr> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let bind = ["-bind", &address.to_string()];
    let mut client = s_client_to(stage, port, &[&PLAIN[..], &NAME, &bind].concat())?;
    converse(&mut client)?;
    Ok(address)
}

/// Starts `openssl s_client` with a connection to `port`. The server behind the port must not open
/// a WebSocket.
pub(super) fn refused_at(stage: &Stage<'_>, port: u16) -> Result<()> {
    let mut client = s_client_to(stage, port, &[&PLAIN[..], &NAME].concat())?;
    let opened = Dialogue::connect(client.pipes()?, "localhost");
    ensure!(opened.is_err(), "the server opens a WebSocket");
    client.expect_error("Verification: OK")
}

/// Lets our server echo, and closes the connection. Our server must end the session properly:
/// otherwise `openssl` reports an error.
fn converse(client: &mut Process) -> Result<()> {
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.converse()?;
    dialogue.close()?;
    client.ended_well()
}

fn version(stage: &Stage<'_>, option: &str, name: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let options = [&PLAIN[..], &NAME, &[option]].concat();
    let mut client = s_client(stage, &server, &options)?;
    client.expect_error(&format!("Protocol version: {name}"))?;
    client.expect_error("Verification: OK")?;
    converse(&mut client)
}

/// Offers only TLS 1.1, which RFC 8996 forbids.
fn old_versions(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    // Otherwise `openssl` itself refuses the version.
    let options = ["-brief", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
    let mut client = s_client(stage, &server, &options)?;
    client.expect_error("alert ")?;
    client.ended_badly()?;
    server.serves()
}

/// Updates the keys in the middle of messages. `k` updates the keys of the client, and `K` also
/// requests an update of the server.
fn key_updates(stage: &Stage<'_>) -> Result<()> {
    let server = stage.tls_server()?;
    let messages = stage.file("messages")?;
    let trace = ["-msg", "-msgfile", &messages.to_string_lossy()];
    let options = [&NAME[..], &["-brief", "-tls1_3"], &trace].concat();
    let mut client = s_client(stage, &server, &options)?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    for command in ["k\n", "K\n", "k\n", "K\n"] {
        dialogue.begin()?;
        dialogue.stream().write_all(command.as_bytes())?;
        client.expect_error("KEYUPDATE")?;
        dialogue.finish()?;
        dialogue.echo(100_000)?;
    }
    dialogue.converse()?;
    dialogue.close()?;
    client.ended_well()?;
    expect_key_updates(&messages, 2)
}

/// Checks that `openssl` has received `count` key updates, according to its trace of messages.
pub(super) fn expect_key_updates(messages: &Path, count: usize) -> Result<()> {
    let messages = fs::read_to_string(messages).context("openssl wrote no trace")?;
    let is_received = |line: &&str| line.starts_with("<<<") && line.ends_with("KeyUpdate");
    let received = messages.lines().filter(is_received).count();
    ensure!(
        received == count,
        "openssl has received {received} key updates, expected {count}"
    );
    Ok(())
}

/// `R` begins another handshake within a session of TLS 1.2.
fn renegotiation(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let options = [&NAME[..], &["-brief", "-tls1_2"]].concat();
    let mut client = s_client(stage, &server, &options)?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.echo(1000)?;
    dialogue.stream().write_all(b"R\n")?;
    client.expect_error("RENEGOTIATING")?;
    client.expect_error("no renegotiation")?;
    client.ended_badly()?;
    server.serves()
}

fn alpn(stage: &Stage<'_>, offer: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let options = [&NAME[..], &["-ign_eof", "-alpn", offer]].concat();
    let mut client = s_client(stage, &server, &options)?;
    client.expect("ALPN protocol: http/1.1\n")?;
    converse(&mut client)
}

fn alpn_refused(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut client = s_client(stage, &server, &["-brief", "-alpn", "h2"])?;
    client.expect_error("alert no application protocol")?;
    client.ended_badly()?;
    server.serves()
}

fn no_sni(stage: &Stage<'_>) -> Result<()> {
    let server = stage.tls_server()?;
    let options = [&PLAIN[..], &["-noservername"]].concat();
    converse(&mut s_client(stage, &server, &options)?)
}

fn resumption(stage: &Stage<'_>, option: &str, name: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let session = stage.file("session")?;
    let session = session.to_string_lossy();
    for (file, state) in [("-sess_out", "New"), ("-sess_in", "Reused")] {
        let options = [&NAME[..], &["-ign_eof", option, file, &session]].concat();
        let mut client = s_client(stage, &server, &options)?;
        client.expect(&format!("{state}, {name}"))?;
        converse(&mut client)?;
    }
    Ok(())
}

fn client_certificate(stage: &Stage<'_>, option: &str) -> Result<()> {
    let server = stage.demanding_server()?;
    let files = &stage.certificates().client;
    let (certificate, key) = (
        files.certificate.to_string_lossy(),
        files.key.to_string_lossy(),
    );
    let identity = ["-cert", &certificate, "-key", &key];
    let options = [&PLAIN[..], &NAME, &identity, &[option]].concat();
    converse(&mut s_client(stage, &server, &options)?)
}

fn no_client_certificate(stage: &Stage<'_>, option: &str) -> Result<()> {
    let mut server = stage.demanding_server()?;
    let mut client = s_client(stage, &server, &[&PLAIN[..], &[option]].concat())?;
    client.expect_error("alert certificate required")?;
    client.ended_badly()?;
    server.serves()
}

fn stranger(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.demanding_server()?;
    let files = &stage.certificates().stranger;
    let (certificate, key) = (
        files.certificate.to_string_lossy(),
        files.key.to_string_lossy(),
    );
    let identity = ["-cert", &certificate, "-key", &key];
    let mut client = s_client(stage, &server, &[&PLAIN[..], &identity].concat())?;
    client.expect_error("alert unknown ca")?;
    client.ended_badly()?;
    server.serves()
}

/// Lets our server present a faulty certificate. `openssl` must refuse it, and a client that does
/// not verify it must be served afterwards.
fn faulty(stage: &Stage<'_>, defect: Defect, reason: &str) -> Result<()> {
    let mut server = stage.tls_server_with(stage.certificates().faulty(defect))?;
    let mut client = s_client(stage, &server, &[&PLAIN[..], &NAME].concat())?;
    client.expect_error(reason)?;
    client.ended_badly()?;
    server.serves()?;
    let mut command = stage.tool(Tool::Openssl)?;
    let address = format!("127.0.0.1:{}", server.port);
    command.args(["s_client", "-connect", &address]).args(PLAIN);
    converse(&mut stage.spawn("s_client without verification", command)?)
}

/// Ends the session with a `close_notify`, but without a Close.
fn close_notify(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut client = s_client(stage, &server, &["-brief"])?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.echo(1000)?;
    // Without the option `-ign_eof`, the end of the input ends the session.
    drop(dialogue);
    client.ended_well()?;
    server.serves()
}

/// Ends TCP without a `close_notify`, in the middle of a message.
fn cut(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut client = s_client(stage, &server, &PLAIN)?;
    let mut dialogue = Dialogue::connect(client.pipes()?, "localhost")?;
    dialogue.begin()?;
    ensure!(client.is_running()?, "openssl has ended too early");
    drop(client);
    server.serves()
}
