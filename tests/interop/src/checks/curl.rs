//! `curl` and our server: requests that do not open a WebSocket.

use std::ffi::OsStr;

use anyhow::Result;

use super::Check;
use crate::certificates::Defect;
use crate::process::Process;
use crate::stage::{Stage, option};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("HTTPS without an upgrade", no_upgrade),
    Check::new("HTTP at the TLS port", plain_http),
    Check::new("HTTPS at the plain port", tls_at_plain_port),
    Check::new("expired certificate", |stage| {
        faulty(stage, Defect::Expired, "certificate has expired")
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid, "certificate is not yet valid")
    }),
    Check::new("certificate for another name", |stage| {
        faulty(
            stage,
            Defect::WrongName,
            "no alternative certificate subject name matches",
        )
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(
            stage,
            Defect::UnknownIssuer,
            "unable to get local issuer certificate",
        )
    }),
    Check::new("health check", health),
    Check::new("health check of another path", other_path),
    Check::new("health check behind a PROXY header", proxy_header),
    Check::new("missing PROXY header", no_proxy_header),
    Check::new("health check over a Unix socket", unix_socket),
];

/// Requests `url`. The response with its head goes to standard output.
fn curl(stage: &Stage<'_>, url: &str) -> Result<Process> {
    curl_with(stage, url, &[])
}

/// Requests `url` with these options.
fn curl_with(stage: &Stage<'_>, url: &str, options: &[&OsStr]) -> Result<Process> {
    let mut command = stage.tool(Tool::Curl)?;
    command.args(["--silent", "--show-error", "--include", "--max-time", "10"]);
    // A proxy of the environment does not reach this machine.
    command.args(["--noproxy", "*", "--cacert"]);
    command.arg(&stage.certificates().authority);
    command.args(options).arg(url);
    stage.spawn("curl", command)
}

fn no_upgrade(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut curl = curl(stage, &format!("https://localhost:{}/", server.port))?;
    curl.expect("HTTP/1.1 4")?;
    curl.ended_well()?;
    server.serves()
}

fn plain_http(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.tls_server()?;
    let mut curl = curl(stage, &format!("http://localhost:{}/", server.port))?;
    curl.expect("HTTP/1.1 400 ")?;
    curl.expect("This port requires TLS")?;
    curl.ended_well()?;
    server.serves()
}

fn tls_at_plain_port(stage: &Stage<'_>) -> Result<()> {
    let mut server = stage.plain_server()?;
    let mut curl = curl(stage, &format!("https://localhost:{}/", server.port))?;
    // The answer of our server is not TLS.
    curl.expect_error("wrong version number")?;
    curl.ended_badly()?;
    server.serves()
}

fn faulty(stage: &Stage<'_>, defect: Defect, reason: &str) -> Result<()> {
    let mut server = stage.tls_server_with(stage.certificates().faulty(defect))?;
    let mut curl = curl(stage, &format!("https://localhost:{}/", server.port))?;
    curl.expect_error(reason)?;
    curl.ended_badly()?;
    server.serves()
}

fn health(stage: &Stage<'_>) -> Result<()> {
    let mut options = option("--tls", &stage.certificates().server);
    options.extend(["--health", "/health"].map(OsStr::new));
    let server = stage.server(&options)?;
    let url = format!("https://localhost:{}/health", server.port);
    healthy(&mut curl(stage, &url)?)
}

fn other_path(stage: &Stage<'_>) -> Result<()> {
    let server = stage.server(&["--health", "/health"].map(OsStr::new))?;
    let mut curl = curl(stage, &format!("http://localhost:{}/", server.port))?;
    curl.expect("HTTP/1.1 404 ")?;
    curl.ended_well()
}

fn proxy_header(stage: &Stage<'_>) -> Result<()> {
    let options = ["--proxy-protocol", "--health", "/health"];
    let server = stage.server(&options.map(OsStr::new))?;
    let url = format!("http://127.0.0.1:{}/health", server.port);
    healthy(&mut curl_with(
        stage,
        &url,
        &[OsStr::new("--haproxy-protocol")],
    )?)
}

/// Our server ends the connection without an answer.
fn no_proxy_header(stage: &Stage<'_>) -> Result<()> {
    let options = ["--proxy-protocol", "--health", "/health"];
    let mut server = stage.server(&options.map(OsStr::new))?;
    let url = format!("http://127.0.0.1:{}/health", server.port);
    curl(stage, &url)?.ended_badly()?;
    server.runs()
}

fn unix_socket(stage: &Stage<'_>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("socket");
    let options = ["--health", "/health"].map(OsStr::new);
    let _server = stage.unix_server(&socket, &options)?;
    let options = [OsStr::new("--unix-socket"), socket.as_os_str()];
    healthy(&mut curl_with(stage, "http://localhost/health", &options)?)
}

fn healthy(curl: &mut Process) -> Result<()> {
    curl.expect("HTTP/1.1 200 ")?;
    curl.expect("\r\n\r\nok\n")?;
    curl.ended_well()
}
