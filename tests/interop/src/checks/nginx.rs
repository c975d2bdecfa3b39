//! nginx as a proxy in front of our server, and in front of a WebSocket server of this program.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ws_test_certificates::IdentityFiles;

use super::Check;
use super::openssl_client::converse_with;
use super::proxy::{client_through, converse, server_through};
use crate::process::Process;
use crate::stage::{Backend, EchoClient, Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const SERVER_CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| terminator(stage, "TLSv1.2")),
    Check::new("TLS 1.3", |stage| terminator(stage, "TLSv1.3")),
    Check::new("client certificate", client_certificate),
    Check::new("missing client certificate", no_client_certificate),
    Check::new("in front of our server", in_front),
    Check::new("ws:// at the TLS port", plain_client),
    Check::new("wss:// at a plain port", tls_client),
    Check::new("redirect", redirect),
    Check::new("redirect that is not followed", no_redirect),
    Check::new("redirect loop", redirect_loop),
    Check::new("redirect from wss:// to ws://", insecure_redirect),
    Check::new("Unix socket", unix_socket),
];

pub(super) const CLIENT_CHECKS: &[Check] = &[
    Check::new("TLS 1.2", |stage| upstream(stage, "TLSv1.2")),
    Check::new("TLS 1.3", |stage| upstream(stage, "TLSv1.3")),
    Check::new("client certificate", upstream_client_certificate),
    Check::new("Unix socket", upstream_unix_socket),
];

/// The settings that forward the opening handshake.
const UPGRADE: &str = "\
    proxy_http_version 1.1; \
    proxy_set_header Upgrade $http_upgrade; \
    proxy_set_header Connection \"upgrade\"; \
    proxy_set_header Host $host;";

/// A running nginx.
pub(super) struct Nginx {
    _process: Process,
    port: u16,
}

impl Nginx {
    /// Starts a proxy to the port `target`. `listen` are the options of the listener, `scheme` is
    /// that of the target, and `settings` are more settings of the server.
    fn start(
        stage: &Stage<'_>,
        listen: &str,
        scheme: &str,
        target: u16,
        settings: &str,
    ) -> Result<Self> {
        let port = free_port()?;
        let server = format!(
            "listen 127.0.0.1:{port} {listen};\n\
             {settings}\n\
             location / {{\n\
             \x20   proxy_pass {scheme}://127.0.0.1:{target};\n\
             \x20   {UPGRADE}\n\
             }}\n"
        );
        Self::serve(stage, port, &server)
    }

    /// Starts a server with this configuration, which listens on `port`.
    pub(super) fn serve(stage: &Stage<'_>, port: u16, server: &str) -> Result<Self> {
        let dir = stage.file("nginx")?;
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let config = dir.join("nginx.conf");
        fs::write(&config, configuration(&dir, server))?;
        let mut command = stage.tool(Tool::Nginx)?;
        command
            .args(["-e", "stderr", "-p"])
            .arg(&dir)
            .arg("-c")
            .arg(&config);
        let mut process = stage.spawn("nginx", command)?;
        wait_for_port(&mut process, port)?;
        Ok(Self {
            _process: process,
            port,
        })
    }

    /// Starts a terminator of TLS in front of the port `target`.
    fn terminator(stage: &Stage<'_>, target: u16, settings: &str) -> Result<Self> {
        let settings = format!("{} {settings}", identity(&stage.certificates().server));
        Self::start(stage, "ssl", "http", target, &settings)
    }

    /// Starts a proxy that connects to the port `target` over TLS.
    fn upstream(stage: &Stage<'_>, target: u16, settings: &str) -> Result<Self> {
        let settings = format!(
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate {}; \
             proxy_ssl_name localhost; proxy_ssl_server_name on; {settings}",
            stage.certificates().authority.display()
        );
        Self::start(stage, "", "https", target, &settings)
    }

    fn url(&self) -> String {
        format!("wss://localhost:{}", self.port)
    }
}

/// Returns the configuration of one process that writes below `dir` only.
fn configuration(dir: &Path, server: &str) -> String {
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("    {name}_temp_path {};\n", dir.join(name).display()));
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid {};\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
         {}\
         \x20   access_log off;\n\
         \x20   server {{\n\
         {server}\n\
         \x20   }}\n\
         }}\n",
        dir.join("nginx.pid").display(),
        paths.concat()
    )
}

/// Returns the settings of a server with this certificate.
pub(super) fn identity(files: &IdentityFiles) -> String {
    format!(
        "ssl_certificate {}; ssl_certificate_key {};",
        files.certificate.display(),
        files.key.display()
    )
}

/// Connects our client over TLS to a WebSocket server of this program.
fn terminator(stage: &Stage<'_>, version: &str) -> Result<()> {
    let backend = Backend::bind()?;
    let nginx = Nginx::terminator(stage, backend.port()?, &format!("ssl_protocols {version};"))?;
    client_through(stage, &nginx.url(), &backend, None)
}

/// Returns the settings of a server that demands certificates of clients.
fn demand(stage: &Stage<'_>) -> String {
    let authority = stage.certificates().authority.display();
    format!("ssl_verify_client on; ssl_client_certificate {authority};")
}

fn client_certificate(stage: &Stage<'_>) -> Result<()> {
    let backend = Backend::bind()?;
    let nginx = Nginx::terminator(stage, backend.port()?, &demand(stage))?;
    let identity = Some(&stage.certificates().client);
    client_through(stage, &nginx.url(), &backend, identity)
}

/// nginx completes the handshake without a certificate, and answers the request with the
/// status 400.
fn no_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let nginx = Nginx::terminator(stage, free_port()?, &demand(stage))?;
    let mut client = stage.client(&[&nginx.url()], &[])?;
    client.failed(&["400"])
}

/// Connects `openssl` over TLS to our server over TCP.
fn in_front(stage: &Stage<'_>) -> Result<()> {
    let server = stage.plain_server()?;
    let nginx = Nginx::terminator(stage, server.port, "")?;
    converse_with(stage, nginx.port)
}

/// nginx answers with the status 400.
fn plain_client(stage: &Stage<'_>) -> Result<()> {
    let nginx = Nginx::terminator(stage, free_port()?, "")?;
    let mut client = stage.client(&[&format!("ws://localhost:{}", nginx.port)], &[])?;
    client.failed(&["400"])
}

fn tls_client(stage: &Stage<'_>) -> Result<()> {
    let nginx = Nginx::start(stage, "", "http", free_port()?, "")?;
    let mut client = stage.client(&[&nginx.url()], &[])?;
    client.failed(&["does not speak TLS"])
}

/// Starts our client, which may follow this number of redirects.
fn follower(stage: &Stage<'_>, url: &str, redirects: &str) -> Result<EchoClient> {
    stage.client(&[url], &["--redirects", redirects].map(OsStr::new))
}

/// Starts a server that redirects every request.
fn redirecting(stage: &Stage<'_>, location: &str) -> Result<Nginx> {
    Nginx::terminator(stage, free_port()?, &format!("return 302 {location};"))
}

/// The scheme of a `Location` is that of HTTP.
fn redirect(stage: &Stage<'_>) -> Result<()> {
    let backend = Backend::bind()?;
    let next = Nginx::terminator(stage, backend.port()?, "")?;
    let first = redirecting(stage, &format!("https://localhost:{}/next", next.port))?;
    converse(&backend, follower(stage, &first.url(), "1")?)
}

fn no_redirect(stage: &Stage<'_>) -> Result<()> {
    let nginx = redirecting(stage, "/next")?;
    stage.client(&[&nginx.url()], &[])?.failed(&["302"])
}

fn redirect_loop(stage: &Stage<'_>) -> Result<()> {
    let nginx = redirecting(stage, "/again")?;
    follower(stage, &nginx.url(), "5")?.failed(&["redirects too often"])
}

fn insecure_redirect(stage: &Stage<'_>) -> Result<()> {
    let nginx = redirecting(stage, &format!("http://localhost:{}/", free_port()?))?;
    follower(stage, &nginx.url(), "5")?.failed(&["redirects from wss:// to ws://"])
}

/// Connects our client to a Unix socket of the proxy.
fn unix_socket(stage: &Stage<'_>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("socket");
    let backend = Backend::bind()?;
    let listen = format!("listen unix:{} ssl;", socket.display());
    let _nginx = Nginx::terminator(stage, backend.port()?, &listen)?;
    let options = [OsStr::new("--unix"), socket.as_os_str()];
    converse(&backend, stage.client(&["wss://localhost"], &options)?)
}

/// Connects this program to a Unix socket of our server.
fn upstream_unix_socket(stage: &Stage<'_>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let socket = dir.path().join("socket");
    let _server = stage.unix_server(&socket, &[])?;
    let settings = format!(
        "location = / {{ proxy_pass http://unix:{}:/; {UPGRADE} }}",
        socket.display()
    );
    let nginx = Nginx::start(stage, "", "http", free_port()?, &settings)?;
    server_through(nginx.port)
}

/// Connects this program over TCP to our server over TLS.
fn upstream(stage: &Stage<'_>, version: &str) -> Result<()> {
    let server = stage.tls_server()?;
    let nginx = Nginx::upstream(
        stage,
        server.port,
        &format!("proxy_ssl_protocols {version};"),
    )?;
    server_through(nginx.port)
}

fn upstream_client_certificate(stage: &Stage<'_>) -> Result<()> {
    let server = stage.demanding_server()?;
    let files = &stage.certificates().client;
    let settings = format!(
        "proxy_ssl_certificate {}; proxy_ssl_certificate_key {};",
        files.certificate.display(),
        files.key.display()
    );
    let nginx = Nginx::upstream(stage, server.port, &settings)?;
    server_through(nginx.port)
}
