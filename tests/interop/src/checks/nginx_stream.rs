//! The module `stream` of nginx in front of our server.

use std::fs;

use anyhow::{Context, Result};

use super::Check;
use super::proxy_protocol::{converse, refuses, server};
use crate::foreign::Over;
use crate::process::Process;
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const CHECKS: &[Check] = &[
    Check::new("PROXY v1", forwarded),
    Check::new("missing header", no_header),
];

/// A running nginx.
struct Nginx {
    _process: Process,
    port: u16,
}

impl Nginx {
    /// Starts a proxy to the port `target`, over the transport of the pairing.
    fn start(stage: &Stage<'_>, target: u16, settings: &str) -> Result<Self> {
        let port = free_port()?;
        let config = stage.file("nginx.conf")?;
        let dir = config.parent().context("the file is in a directory")?;
        let module = stage.tool(Tool::NginxStream)?;
        let tls = match stage.pairing.over {
            Over::Tcp => String::new(),
            Over::Tls => format!(
                "proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate {}; \
                 proxy_ssl_name localhost; proxy_ssl_server_name on;",
                stage.certificates().authority.display()
            ),
        };
        let text = format!(
            "load_module {};\n\
             daemon off;\n\
             master_process off;\n\
             pid {};\n\
             events {{ worker_connections 64; }}\n\
             stream {{\n\
             \x20   server {{\n\
             \x20       listen 127.0.0.1:{port};\n\
             \x20       proxy_pass 127.0.0.1:{target};\n\
             \x20       {tls}\n\
             \x20       {settings}\n\
             \x20   }}\n\
             }}\n",
            module.get_program().display(),
            dir.join("nginx.pid").display()
        );
        fs::write(&config, text)?;
        let mut command = stage.tool(Tool::Nginx)?;
        command.args(["-e", "stderr", "-p"]).arg(dir);
        command.arg("-c").arg(&config);
        let mut process = stage.spawn("nginx", command)?;
        wait_for_port(&mut process, port)?;
        Ok(Self {
            _process: process,
            port,
        })
    }
}

fn forwarded(stage: &Stage<'_>) -> Result<()> {
    let mut server = server(stage, stage.pairing.over)?;
    let nginx = Nginx::start(stage, server.port, "proxy_protocol on;")?;
    converse(&mut server, nginx.port)
}

fn no_header(stage: &Stage<'_>) -> Result<()> {
    let mut server = server(stage, stage.pairing.over)?;
    let nginx = Nginx::start(stage, server.port, "")?;
    refuses(&mut server, nginx.port)
}
