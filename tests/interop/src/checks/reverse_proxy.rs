//! nginx, HAProxy and Caddy in front of an example, with the configurations of the guide.

use std::fs;

use anyhow::{Context, Result};
use ws_test_programs::project;

use super::haproxy::{self, Haproxy};
use super::nginx::{self, Nginx};
use crate::foreign::Over;
use crate::ours::Route;
use crate::process::Process;
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

/// The page of the guide.
const GUIDE: &str = "docs/hyper-and-axum.md";

/// The address of a server in the guide.
const SERVER: &str = "127.0.0.1:9001";

/// The address from which nginx and HAProxy connect to the server. It differs from that of the
/// client, which the server must find in a header.
const SOURCE: &str = "127.0.0.2";

/// The start of the route to an example, which ends when this is dropped.
pub(super) struct Front {
    /// The port to which clients connect.
    pub(super) port: u16,
    _proxy: Option<Proxy>,
}

/// A running proxy.
#[expect(dead_code, reason = "dropping it ends the process")]
enum Proxy {
    Nginx(Nginx),
    Haproxy(Haproxy),
    Caddy(Process),
}

impl Front {
    /// Starts the proxy of a route, if it has one, in front of the server at this port.
    pub(super) fn start(stage: &Stage<'_>, route: Route, server: u16) -> Result<Self> {
        let port = match route {
            Route::Direct => server,
            Route::Nginx | Route::Haproxy | Route::Caddy => free_port()?,
        };
        let proxy = match route {
            Route::Direct => None,
            Route::Nginx => Some(Proxy::Nginx(nginx(stage, port, server)?)),
            Route::Haproxy => Some(Proxy::Haproxy(haproxy(stage, port, server)?)),
            Route::Caddy => Some(Proxy::Caddy(caddy(stage, port, server)?)),
        };
        Ok(Self {
            port,
            _proxy: proxy,
        })
    }
}

fn nginx(stage: &Stage<'_>, port: u16, server: u16) -> Result<Nginx> {
    let location = adapted(
        "location /chat {",
        &[
            ("/chat {", &format!("/ {{ proxy_bind {SOURCE};")),
            (SERVER, &address(server)),
        ],
    )?;
    let (options, identity) = match stage.pairing.over {
        Over::Tcp => ("", String::new()),
        Over::Tls => ("ssl", nginx::identity(&stage.certificates().server)),
    };
    let listen = format!("listen {} {options}; {identity}", address(port));
    Nginx::serve(stage, port, &format!("{listen}\n{location}"))
}

fn haproxy(stage: &Stage<'_>, port: u16, server: u16) -> Result<Haproxy> {
    let identity = match stage.pairing.over {
        Over::Tcp => String::new(),
        Over::Tls => haproxy::identity(stage)?,
    };
    let configuration = adapted(
        "frontend public",
        &[
            ("bind :80", &format!("bind {} {identity}", address(port))),
            (SERVER, &format!("{} source {SOURCE}", address(server))),
        ],
    )?;
    Haproxy::run(stage, port, &configuration)
}

fn caddy(stage: &Stage<'_>, port: u16, server: u16) -> Result<Process> {
    let files = &stage.certificates().server;
    let (site, tls) = match stage.pairing.over {
        Over::Tcp => (format!("http://127.0.0.1:{port}"), String::new()),
        Over::Tls => {
            let (chain, key) = (files.certificate.display(), files.key.display());
            let tls = format!("tls {chain} {key}");
            (format!("https://localhost:{port}"), tls)
        }
    };
    let configuration = adapted(
        "example.com {",
        &[
            (
                "example.com {",
                &format!("{site} {{\n bind 127.0.0.1\n {tls}"),
            ),
            (SERVER, &address(server)),
        ],
    )?;
    let file = stage.file("Caddyfile")?;
    // Nothing else listens, and no certificate is requested.
    let options = "{\n admin off\n auto_https off\n}\n";
    fs::write(&file, format!("{options}{configuration}"))?;
    let mut command = stage.tool(Tool::Caddy)?;
    command.env("HOME", stage.file("home")?);
    command.args(["run", "--adapter", "caddyfile", "--config"]);
    command.arg(&file);
    let mut process = stage.spawn("caddy", command)?;
    wait_for_port(&mut process, port)?;
    Ok(process)
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Returns the block of the guide that contains `line`, with these replacements.
fn adapted(line: &str, replacements: &[(&str, &str)]) -> Result<String> {
    let path = project::root().join(GUIDE);
    let guide =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let block = guide.split("```").find_map(|block| {
        block
            .strip_prefix("text\n")
            .filter(|text| text.contains(line))
    });
    let mut block = block
        .with_context(|| format!("{GUIDE} has no block with {line:?}"))?
        .to_owned();
    for (old, new) in replacements {
        let at = block.find(old);
        let at = at.with_context(|| format!("the block with {line:?} has no {old:?}"))?;
        block.replace_range(at..at + old.len(), new);
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_of_the_guide_are_adapted() {
        let block = adapted("example.com {", &[(SERVER, "127.0.0.1:1")]).unwrap();
        assert_eq!(block, "example.com {\n    reverse_proxy 127.0.0.1:1\n}\n");
        for line in ["location /chat {", "frontend public"] {
            assert!(adapted(line, &[(SERVER, "")]).is_ok(), "{line}");
        }
        assert!(adapted("example.com {", &[("no such text", "")]).is_err());
        assert!(adapted("no such block", &[]).is_err());
    }
}
