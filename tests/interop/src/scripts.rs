//! The checks that a browser or a program in `scripts` performs. Our peer echoes in each role.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::browser::Browser;
use crate::foreign::{Foreign, Http, Over, Role};
use crate::install::sources;
use crate::network;
use crate::ours::Ours;
use crate::pairing::Pairing;
use crate::plan::Plan;
use crate::process::{PATIENCE, Process};
use crate::report::Report;
use crate::stage::{EchoServer, Stage, option};

/// The checks of every script.
const CHECKS: [&str; 8] = [
    "negotiated",
    "text",
    "binary",
    "json",
    "incompressible",
    "non-ascii",
    "many small",
    "close",
];

/// The checks for which a browser has no interface.
const MORE_CHECKS: [&str; 2] = ["fragments", "ping"];

/// The checks of a client that opens more WebSockets in its connection of HTTP/2.
const STREAM_CHECKS: [&str; 3] = [
    "subprotocol",
    "one stream is reset",
    "one stream is not read",
];

/// The longest wait for the next check of a script. A browser reports at its end.
pub(crate) const CHECK_PATIENCE: Duration = Duration::from_secs(90);

/// Our peers compress only with this option.
pub(crate) const DEFLATE: &str = "--deflate";

/// Our client uses HTTP/2 only with this option.
pub(crate) const HTTP2: &str = "--http2";

/// Returns the checks of a pairing that the script reports one by one.
pub(crate) fn checks_of(pairing: &Pairing) -> Vec<&'static str> {
    match (pairing.ours, pairing.foreign) {
        (Ours::Peers(_), Foreign::NetworkNamespace) => network::checks(),
        (Ours::Peers(_), foreign) => checks(foreign),
        (Ours::Examples(_), _) => Vec::new(),
    }
}

/// Returns the checks of the script of a program.
pub(crate) fn checks(foreign: Foreign) -> Vec<&'static str> {
    match foreign {
        Foreign::Chromium | Foreign::Firefox => CHECKS.to_vec(),
        Foreign::NodeWs | Foreign::PythonWebsockets => [&CHECKS[..], &MORE_CHECKS].concat(),
        Foreign::PythonH2 => [&CHECKS[..], &MORE_CHECKS, &STREAM_CHECKS].concat(),
        Foreign::Hypercorn => [&CHECKS[..], &["version of HTTP"]].concat(),
        _ => Vec::new(),
    }
}

/// Runs the script of a pairing.
pub(crate) fn run(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    match (stage.pairing.foreign, stage.pairing.role) {
        (Foreign::NetworkNamespace, _) => network::run(stage, report),
        (_, Role::Client) => client(stage, report),
        (Foreign::Hypercorn, _) => hypercorn(stage, report),
        (_, Role::Server) => server(stage, report),
        (foreign, Role::Proxy | Role::Network) => bail!("{foreign} has no script"),
    }
}

/// Starts our server over the transport of the pairing, and returns its URL.
fn our_server(stage: &Stage<'_>, options: &[&str]) -> Result<(EchoServer, String)> {
    let mut all: Vec<_> = options.iter().map(OsStr::new).collect();
    if stage.pairing.over == Over::Tls {
        all.extend(option("--tls", &stage.certificates().server));
    }
    let server = stage.server(&all)?;
    let url = match stage.pairing.over {
        Over::Tcp => server.url.clone(),
        Over::Tls => server.named_url(),
    };
    Ok((server, url))
}

/// Returns a call of the script as a client that follows `plan`.
pub(crate) fn client_of(stage: &Stage<'_>, plan: &Plan<'_>) -> Result<Command> {
    let mut command = stage.script(stage.pairing.foreign, Role::Client)?;
    command.arg(plan.json()?);
    Ok(command)
}

/// Lets the script check our server.
fn client(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let (_server, url) = our_server(stage, &[DEFLATE])?;
    visit(stage, &Plan::all(stage, &url), |line| report.add_line(line))
}

/// Lets the script check our client.
fn server(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let mut command = stage.script(stage.pairing.foreign, Role::Server)?;
    if stage.pairing.over == Over::Tls {
        let files = &stage.certificates().server;
        command.args([&files.certificate, &files.key]);
    }
    let mut script = stage.spawn("script", command)?;
    let url = script
        .line(PATIENCE)?
        .context("the script printed no URL")?;
    let mut client = stage.client(&[&url], &[OsStr::new(DEFLATE)])?;
    while let Some(line) = script.line(CHECK_PATIENCE)? {
        report.add_line(&line);
    }
    client.done()?;
    script.ended_well()
}

/// Lets Hypercorn check our client.
fn hypercorn(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let server = Hypercorn::start(stage, Http::Http2, stage.pairing.over)?;
    let url = server.url.clone();
    server.check(stage, &url, |line| report.add_line(line))
}

/// The script of Hypercorn, before our client connects.
pub(crate) struct Hypercorn {
    script: Process,
    url: String,
}

impl Hypercorn {
    /// Starts a server that is used over this version of HTTP and this transport.
    pub(crate) fn start(stage: &Stage<'_>, http: Http, over: Over) -> Result<Self> {
        let mut command = stage.script(Foreign::Hypercorn, Role::Server)?;
        command.arg(match http {
            Http::Http1 => "1.1",
            Http::Http2 => "2",
        });
        if over == Over::Tls {
            let files = &stage.certificates().server;
            command.args([&files.certificate, &files.key]);
        }
        let mut script = stage.spawn("hypercorn", command)?;
        let url = script.line(PATIENCE)?.context("Hypercorn printed no URL")?;
        Ok(Self { script, url })
    }

    pub(crate) fn port(&self) -> Result<u16> {
        let port = self.url.rsplit(':').next();
        Ok(port.context("a URL of Hypercorn has a port")?.parse()?)
    }

    /// Lets our client connect to `url`, over HTTP/2. Passes on a line for each check.
    pub(crate) fn check(
        mut self,
        stage: &Stage<'_>,
        url: &str,
        mut report: impl FnMut(&str),
    ) -> Result<()> {
        let mut client = stage.client(&[url], &[DEFLATE, HTTP2].map(OsStr::new))?;
        while let Some(line) = self.script.line(CHECK_PATIENCE)? {
            report(&line);
        }
        // Hypercorn does not report the answer to its Close.
        match client.done() {
            Ok(()) => report("ok close"),
            Err(error) => report(&format!("failed close: {error:#}")),
        }
        self.script.ended_well()
    }
}

/// Lets a page in the browser follow a plan. Returns a line for each check. The page has the origin
/// of the server.
fn visit_by_browser(stage: &Stage<'_>, plan: &Plan<'_>) -> Result<Vec<String>> {
    let page = plan.url.replacen("ws", "http", 1);
    let origin = page.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let checks = fs::read(sources().join("checks.mjs"))?;
    let expression = format!(
        r#"import("data:text/javascript;base64,{}").then(({{ visit }}) => visit({}))"#,
        STANDARD.encode(checks),
        plan.json()?
    );
    let lines = Browser::open(stage, &page, &origin)?.evaluate(&expression)?;
    serde_json::from_value(lines).context("the page returned no lines")
}

/// Lets the client of the pairing follow a plan. Passes on a line for each check.
pub(crate) fn visit(
    stage: &Stage<'_>,
    plan: &Plan<'_>,
    mut report: impl FnMut(&str),
) -> Result<()> {
    if stage.pairing.foreign.is_browser() {
        let lines = visit_by_browser(stage, plan)?;
        lines.iter().for_each(|line| report(line));
        return Ok(());
    }
    let mut script = stage.spawn("script", client_of(stage, plan)?)?;
    while let Some(line) = script.line(CHECK_PATIENCE)? {
        report(&line);
    }
    script.ended_well()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_have_the_checks() {
        let read = |name| fs::read_to_string(sources().join(name)).unwrap();
        let python = read("checks.py") + &read("http2_client.py") + &read("http2_server.py");
        let node = read("checks.mjs") + &read("peer.mjs");
        for foreign in [Foreign::PythonH2, Foreign::Hypercorn] {
            for check in checks(foreign) {
                assert!(python.contains(&format!("\"{check}\":")), "{check}");
            }
        }
        for check in checks(Foreign::NodeWs) {
            let named =
                node.contains(&format!("{check}:")) || node.contains(&format!("\"{check}\":"));
            assert!(named, "{check}");
        }
    }
}
