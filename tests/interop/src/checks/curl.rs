//! `curl` and our server: requests that do not open a WebSocket.

use anyhow::Result;

use super::Check;
use crate::certificates::Defect;
use crate::process::Process;
use crate::stage::Stage;
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
];

/// Requests `url`. The response with its head goes to standard output.
fn curl(stage: &Stage<'_>, url: &str) -> Result<Process> {
    let mut command = stage.tool(Tool::Curl)?;
    command.args(["--silent", "--show-error", "--include", "--max-time", "10"]);
    // A proxy of the environment does not reach this machine.
    command.args(["--noproxy", "*", "--cacert"]);
    command.arg(&stage.certificates().authority).arg(url);
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
