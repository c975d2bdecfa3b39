//! HAProxy in front of our server.

use std::fs;

use anyhow::Result;

use super::Check;
use super::openssl_client::converse_from;
use super::proxy_protocol::{converse, direct, refuses, server, server_with};
use crate::foreign::Over;
use crate::process::Process;
use crate::stage::{EchoServer, Stage, free_port, wait_for_port};
use crate::tools::Tool;

const TCP_CHECKS: &[Check] = &[
    Check::new("PROXY v1", |stage| forwarded(stage, "tcp", "send-proxy")),
    Check::new("PROXY v2", |stage| forwarded(stage, "tcp", "send-proxy-v2")),
    Check::new("PROXY v2 with a checksum", |stage| {
        let options = "send-proxy-v2 proxy-v2-options crc32c,unique-id";
        forwarded(stage, "tcp", options)
    }),
    Check::new("HTTP with PROXY v1", |stage| {
        forwarded(stage, "http", "send-proxy")
    }),
    Check::new("HTTP with PROXY v2", |stage| {
        forwarded(stage, "http", "send-proxy-v2")
    }),
    Check::new("missing header", |stage| no_header(stage, Over::Tcp)),
    Check::new("direct connection", |stage| {
        direct(&mut server(stage, Over::Tcp)?)
    }),
    Check::new("health checks with PROXY v1", |stage| {
        health(stage, "send-proxy")
    }),
    Check::new("health checks with PROXY v2", |stage| {
        health(stage, "send-proxy-v2")
    }),
    Check::new("health checks of another path", ill),
];

const TLS_CHECKS: &[Check] = &[
    Check::new("PROXY v1 in front of TLS", |stage| {
        forwarded_by_tls(stage, "send-proxy")
    }),
    Check::new("PROXY v2 in front of TLS", |stage| {
        forwarded_by_tls(stage, "send-proxy-v2")
    }),
    Check::new("PROXY v2 after TLS of the proxy", terminated),
    Check::new("missing header", |stage| no_header(stage, Over::Tls)),
    Check::new("direct connection", |stage| {
        direct(&mut server(stage, Over::Tls)?)
    }),
];

/// Returns the checks over a transport.
pub(super) fn checks(over: Over) -> &'static [Check] {
    match over {
        Over::Tcp => TCP_CHECKS,
        Over::Tls => TLS_CHECKS,
    }
}

/// A running HAProxy.
pub(super) struct Haproxy {
    process: Process,
    port: u16,
}

impl Haproxy {
    /// Starts a proxy in front of our server. `mode` is `tcp` or `http`. `bind` are the options of
    /// the listener, `options` those of the connection to our server. `settings` are more settings.
    fn start(
        stage: &Stage<'_>,
        server: &EchoServer,
        mode: &str,
        [bind, options, settings]: [&str; 3],
    ) -> Result<Self> {
        let port = free_port()?;
        let text = format!(
            "global\n\
             \x20   maxconn 64\n\
             \x20   log stderr format raw daemon\n\
             listen front\n\
             \x20   mode {mode}\n\
             \x20   log global\n\
             \x20   timeout connect 10s\n\
             \x20   timeout client 60s\n\
             \x20   timeout server 60s\n\
             \x20   unique-id-format %[uuid()]\n\
             \x20   bind 127.0.0.1:{port} {bind}\n\
             \x20   {settings}\n\
             \x20   server ours 127.0.0.1:{} {options}\n",
            server.port
        );
        Self::run(stage, port, &text)
    }

    /// Starts a proxy with this configuration, which listens on `port`.
    pub(super) fn run(stage: &Stage<'_>, port: u16, configuration: &str) -> Result<Self> {
        let config = stage.file("haproxy.cfg")?;
        fs::write(&config, configuration)?;
        let mut command = stage.tool(Tool::Haproxy)?;
        command.args(["-db", "-f"]).arg(&config);
        let mut process = stage.spawn("haproxy", command)?;
        wait_for_port(&mut process, port)?;
        Ok(Self { process, port })
    }
}

fn forwarded(stage: &Stage<'_>, mode: &str, options: &str) -> Result<()> {
    let mut server = server(stage, Over::Tcp)?;
    let proxy = Haproxy::start(stage, &server, mode, ["", options, ""])?;
    converse(&mut server, proxy.port)
}

/// Connects this program over TCP to our server over TLS.
fn forwarded_by_tls(stage: &Stage<'_>, options: &str) -> Result<()> {
    let mut server = server(stage, Over::Tls)?;
    let options = format!("{} {options}", upstream(stage));
    let proxy = Haproxy::start(stage, &server, "tcp", ["", &options, ""])?;
    converse(&mut server, proxy.port)
}

/// Returns the options of a connection over TLS.
fn upstream(stage: &Stage<'_>) -> String {
    format!(
        "ssl verify required verifyhost localhost sni str(localhost) ca-file {}",
        stage.certificates().authority.display()
    )
}

/// Connects `openssl` over TLS to our server over TCP. The header has fields about the session.
fn terminated(stage: &Stage<'_>) -> Result<()> {
    let mut server = server(stage, Over::Tcp)?;
    let bind = format!("{} alpn http/1.1", identity(stage)?);
    let options = "send-proxy-v2-ssl-cn proxy-v2-options ssl,crc32c,authority";
    let proxy = Haproxy::start(stage, &server, "tcp", [&bind, options, ""])?;
    let address = converse_from(stage, proxy.port)?;
    server.has_accepted(address)
}

/// Returns the options of a listener with the certificate of our servers.
pub(super) fn identity(stage: &Stage<'_>) -> Result<String> {
    let files = &stage.certificates().server;
    // HAProxy reads both from one file.
    let pem = stage.file("both.pem")?;
    let both = [fs::read(&files.certificate)?, fs::read(&files.key)?].concat();
    fs::write(&pem, both)?;
    Ok(format!("ssl crt {}", pem.display()))
}

fn no_header(stage: &Stage<'_>, over: Over) -> Result<()> {
    let mut server = server(stage, over)?;
    let options = match over {
        Over::Tcp => String::new(),
        Over::Tls => upstream(stage),
    };
    let proxy = Haproxy::start(stage, &server, "tcp", ["", &options, ""])?;
    refuses(&mut server, proxy.port)
}

/// HAProxy requests `/health` ten times per second. It sends a header without an address, because
/// there is no client.
fn health(stage: &Stage<'_>, options: &str) -> Result<()> {
    let mut server = server_with(stage, Over::Tcp, &["--health", "/health"])?;
    let options = format!("{options} check inter 100 check-send-proxy");
    let mut proxy = Haproxy::start(stage, &server, "http", ["", &options, HEALTH])?;
    proxy.process.expect_error("succeeded")?;
    proxy.process.expect_error("code: 200")?;
    converse(&mut server, proxy.port)
}

/// Our server refuses the request, because it does not open a WebSocket.
fn ill(stage: &Stage<'_>) -> Result<()> {
    let server = server_with(stage, Over::Tcp, &["--health", "/other"])?;
    let options = "send-proxy check inter 100";
    let mut proxy = Haproxy::start(stage, &server, "http", ["", options, HEALTH])?;
    proxy.process.expect_error("failed")?;
    proxy.process.expect_error("code: 4")
}

/// The settings of health checks.
const HEALTH: &str = "\
    option httpchk GET /health\n\
    \x20   option log-health-checks\n\
    \x20   http-check expect status 200";
