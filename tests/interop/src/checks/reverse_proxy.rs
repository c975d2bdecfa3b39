//! nginx, HAProxy, Caddy and nghttpx in front of a server, with the configurations of the guide.

use std::fs;

use anyhow::{Context, Result};
use ws_test_programs::project;

use super::haproxy::{self, Haproxy};
use super::nginx::{self, Nginx};
use crate::foreign::{Http, Over};
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
    proxy: Option<Proxy>,
}

/// A running proxy.
enum Proxy {
    #[expect(dead_code, reason = "dropping it ends the process")]
    Nginx(Nginx),
    #[expect(dead_code, reason = "dropping it ends the process")]
    Haproxy(Haproxy),
    #[expect(dead_code, reason = "dropping it ends the process")]
    Caddy(Process),
    Nghttpx(Process),
}

impl Front {
    /// Starts the proxy of a route, if it has one, in front of the server at this port. The version
    /// of HTTP to the proxy is that of the pairing, and to the server `upstream`.
    pub(super) fn start(
        stage: &Stage<'_>,
        route: Route,
        server: u16,
        upstream: Http,
    ) -> Result<Self> {
        let port = match route {
            Route::Direct => server,
            Route::Nginx | Route::Haproxy | Route::Caddy | Route::Nghttpx => free_port()?,
        };
        let proxy = match route {
            Route::Direct => None,
            Route::Nginx => Some(Proxy::Nginx(nginx(stage, port, server)?)),
            Route::Haproxy => Some(Proxy::Haproxy(haproxy(stage, port, server, upstream)?)),
            Route::Caddy => Some(Proxy::Caddy(caddy(stage, port, server)?)),
            Route::Nghttpx => Some(Proxy::Nghttpx(nghttpx(stage, port, server, upstream)?)),
        };
        Ok(Self { port, proxy })
    }

    /// Checks that the client has used the version of HTTP of the pairing. The other proxies take
    /// one version only.
    pub(super) fn was_used(&mut self, stage: &Stage<'_>) -> Result<()> {
        match &mut self.proxy {
            Some(Proxy::Nghttpx(process)) => process.expect(match stage.pairing.http {
                Http::Http1 => "client used http/1.1\n",
                // `h2` over TLS, `h2c` over TCP.
                Http::Http2 => "client used h2",
            }),
            _ => Ok(()),
        }
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

fn haproxy(stage: &Stage<'_>, port: u16, server: u16, upstream: Http) -> Result<Haproxy> {
    let options = match (stage.pairing.over, stage.pairing.http) {
        (Over::Tcp, Http::Http1) => String::new(),
        (Over::Tcp, Http::Http2) => "proto h2".to_owned(),
        (Over::Tls, Http::Http1) => haproxy::identity(stage)?,
        (Over::Tls, Http::Http2) => format!("{} alpn h2", haproxy::identity(stage)?),
    };
    let to_server = match upstream {
        Http::Http1 => "",
        Http::Http2 => "proto h2 ws h2",
    };
    let configuration = adapted(
        "frontend public",
        &[
            ("bind :80", &format!("bind {} {options}", address(port))),
            (
                SERVER,
                &format!("{} source {SOURCE} {to_server}", address(server)),
            ),
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

fn nghttpx(stage: &Stage<'_>, port: u16, server: u16, upstream: Http) -> Result<Process> {
    let files = &stage.certificates().server;
    let frontend = match stage.pairing.over {
        Over::Tcp => format!("frontend=127.0.0.1,{port};no-tls"),
        Over::Tls => format!("frontend=127.0.0.1,{port}"),
    };
    let backend = match upstream {
        Http::Http1 => format!("backend=127.0.0.1,{server}"),
        Http::Http2 => format!("backend=127.0.0.1,{server};;proto=h2"),
    };
    let configuration = adapted(
        "frontend=*",
        &[
            ("frontend=*,443", &frontend),
            ("backend=127.0.0.1,9001;;proto=h2", &backend),
            ("chain.pem", &files.certificate.display().to_string()),
            ("key.pem", &files.key.display().to_string()),
        ],
    )?;
    let file = stage.file("nghttpx.conf")?;
    // A browser would choose HTTP/2.
    let protocol = match stage.pairing.http {
        Http::Http1 => "http/1.1",
        Http::Http2 => "h2",
    };
    let log = "accesslog-file=/dev/stdout\naccesslog-format=client used $alpn\n";
    fs::write(&file, format!("{configuration}npn-list={protocol}\n{log}"))?;
    let mut command = stage.tool(Tool::Nghttpx)?;
    command.arg("--conf").arg(&file);
    let mut process = stage.spawn("nghttpx", command)?;
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
        assert!(adapted("frontend=*", &[("chain.pem", "")]).is_ok());
        assert!(adapted("example.com {", &[("no such text", "")]).is_err());
        assert!(adapted("no such block", &[]).is_err());
    }
}
