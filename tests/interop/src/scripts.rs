//! The checks that a browser or a program in `scripts` performs. Our peer echoes in each role.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::foreign::{Foreign, Over, Role};
use crate::network;
use crate::page::Page;
use crate::process::{Output, PATIENCE};
use crate::report::Report;
use crate::stage::{EchoServer, Stage, option};
use crate::tools::Tool;

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

/// The longest wait for the next check of a script. A browser reports at its end.
pub(crate) const CHECK_PATIENCE: Duration = Duration::from_secs(90);

/// Our peers compress only with this option.
const DEFLATE: &str = "--deflate";

/// Returns the checks that the script of a program has to report.
pub(crate) fn checks(foreign: Foreign) -> Vec<&'static str> {
    match foreign {
        Foreign::Chromium => CHECKS.to_vec(),
        Foreign::NodeWs | Foreign::PythonWebsockets => [&CHECKS[..], &MORE_CHECKS].concat(),
        Foreign::NetworkNamespace => network::checks(),
        _ => Vec::new(),
    }
}

/// Runs the script of a pairing.
pub(crate) fn run(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    match (stage.pairing.foreign, stage.pairing.role) {
        (Foreign::Chromium, _) => browser(stage, report),
        (Foreign::NetworkNamespace, _) => network::run(stage, report),
        (_, Role::Client) => client(stage, report),
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

/// Returns a call of the script as a client of `url`.
pub(crate) fn client_of(stage: &Stage<'_>, url: &str) -> Result<Command> {
    let mut command = stage.script(stage.pairing.foreign, Role::Client)?;
    command.arg(url);
    if stage.pairing.over == Over::Tls {
        command.arg(&stage.certificates().authority);
    }
    Ok(command)
}

/// Lets the script check our server.
fn client(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let (_server, url) = our_server(stage, &[DEFLATE])?;
    let mut script = stage.spawn("script", client_of(stage, &url)?)?;
    while let Some(line) = script.line(CHECK_PATIENCE)? {
        report.add_line(&line);
    }
    script.ended_well()
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

/// Lets a page in the browser check our server.
fn browser(stage: &Stage<'_>, report: &mut Report) -> Result<()> {
    let mut lines = Output::new();
    let page = Page::serve(&lines)?;
    let origin = page.origin()?;
    let (_server, url) = our_server(stage, &[DEFLATE, "--origin", &origin])?;
    let mut command = stage.tool(Tool::Chromium)?;
    let home = browser_home(stage)?;
    command.env("HOME", &home).args(BROWSER_OPTIONS);
    command.arg(format!(
        "--user-data-dir={}",
        home.join("profile").display()
    ));
    command.arg(format!("{origin}/?server={url}"));
    let _browser = stage.spawn("browser", command)?;
    while let Some(line) = lines.line(CHECK_PATIENCE)? {
        report.add_line(&line);
    }
    Ok(())
}

/// Makes a home directory for the browser. In it, the browser trusts our authority.
fn browser_home(stage: &Stage<'_>) -> Result<PathBuf> {
    let home = stage.file("home")?;
    if home.exists() {
        fs::remove_dir_all(&home).context("cannot empty the home directory of the browser")?;
    }
    fs::create_dir_all(&home).context("cannot create a home directory for the browser")?;
    if stage.pairing.over == Over::Tls {
        trust(stage, &home)?;
    }
    Ok(home)
}

/// Makes a database of NSS with our authority.
fn trust(stage: &Stage<'_>, home: &Path) -> Result<()> {
    let database = home.join(".pki/nssdb");
    fs::create_dir_all(&database)?;
    let database = format!("sql:{}", database.display());
    let mut create = stage.tool(Tool::Certutil)?;
    create.args(["-N", "--empty-password", "-d", &database]);
    stage.spawn("certutil -N", create)?.ended_well()?;
    let mut add = stage.tool(Tool::Certutil)?;
    add.args(["-A", "-n", "interop", "-t", "C,,", "-d", &database, "-i"]);
    add.arg(&stage.certificates().authority);
    stage.spawn("certutil -A", add)?.ended_well()
}

/// The browser has no window and does nothing on its own.
const BROWSER_OPTIONS: [&str; 9] = [
    "--headless",
    // The sandbox does not work for root, nor in most containers. The page is ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::sources;

    #[test]
    fn the_scripts_have_the_checks() {
        let read = |name| fs::read_to_string(sources().join(name)).unwrap();
        let python = read("peer.py");
        let node = read("checks.mjs") + &read("peer.mjs");
        for check in checks(Foreign::NodeWs) {
            assert!(python.contains(&format!("\"{check}\":")), "{check}");
            let named =
                node.contains(&format!("{check}:")) || node.contains(&format!("\"{check}\":"));
            assert!(named, "{check}");
        }
    }
}
