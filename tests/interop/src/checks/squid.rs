//! Squid as an HTTP proxy of our client.

use std::fs;

use anyhow::Result;
use ws_test_certificates::IdentityFiles;

use super::Check;
use super::forward::{self, FarEnd, HOSTS, Kind, OUTGOING, Proxy, Reasons, Rules, server_url};
use crate::certificates::Defect;
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const KIND: Kind = Kind {
    scheme: "http",
    start: |stage, rules| start(stage, rules, None),
    reasons: Reasons {
        wrong_password: "407",
        no_password: "407",
        forbidden: Some("403"),
        unreachable: "503",
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::new("TLS to the proxy", tls),
    Check::new("expired certificate of the proxy", |stage| {
        faulty(stage, Defect::Expired)
    }),
    Check::new("certificate of the proxy for another name", |stage| {
        faulty(stage, Defect::WrongName)
    }),
    Check::new("certificate of the proxy of an unknown issuer", |stage| {
        faulty(stage, Defect::UnknownIssuer)
    }),
    Check::new("https:// at the plain port of the proxy", tls_at_plain_port),
    Check::new("http:// at the TLS port of the proxy", plain_at_tls_port),
];

/// The options of `sed` as a program that reads `USER PASSWORD` and prints `OK` or `ERR`, for each
/// line. They have no more spaces, because Squid splits them at spaces.
const HELPER: &str = "--unbuffered s/^interop.pass-word$/OK/;t;s/.*/ERR/";

/// Starts a proxy, over TLS if there is a certificate.
fn start(stage: &Stage<'_>, rules: &Rules, tls: Option<&IdentityFiles>) -> Result<Proxy> {
    let port = free_port()?;
    let hosts = stage.file("hosts")?;
    fs::write(&hosts, HOSTS)?;
    let config = stage.file("squid.conf")?;
    let listen = match tls {
        None => format!("http_port 127.0.0.1:{port}"),
        Some(files) => format!(
            "https_port 127.0.0.1:{port} tls-cert={} tls-key={}",
            files.certificate.display(),
            files.key.display()
        ),
    };
    let access = if rules.is_guarded {
        let sed = stage.tool(Tool::Sed)?;
        format!(
            "auth_param basic program {} {HELPER}\n\
             auth_param basic children 1\n\
             acl users proxy_auth REQUIRED\n\
             http_access deny !users",
            sed.get_program().display()
        )
    } else {
        String::new()
    };
    let text = format!(
        "{listen}\n\
         {access}\n\
         acl allowed port {}\n\
         http_access allow allowed\n\
         http_access deny all\n\
         hosts_file {}\n\
         tcp_outgoing_address {OUTGOING}\n\
         {SETTINGS}",
        rules.port,
        hosts.display()
    );
    fs::write(&config, text)?;
    let mut command = stage.tool(Tool::Squid)?;
    // Squids with the same name share memory.
    let name = format!("interop{port}");
    command
        .args(["-N", "-d", "1", "-n", &name, "-f"])
        .arg(&config);
    let mut process = stage.spawn("squid", command)?;
    wait_for_port(&mut process, port)?;
    forget_memory(&name);
    Ok(Proxy { process, port })
}

/// The settings of a proxy that stores nothing.
const SETTINGS: &str = "\
    pid_filename none\n\
    cache_log /dev/null\n\
    access_log none\n\
    cache deny all\n\
    cache_mem 0\n\
    memory_cache_shared off\n\
    sslproxy_session_cache_size 0\n\
    coredump_dir none\n\
    netdb_filename none\n\
    pinger_enable off\n\
    shutdown_lifetime 0 seconds\n\
    visible_hostname localhost\n";

/// Removes the names of shared memory, which would outlive a process that is killed. The running
/// process does not need the names any more.
fn forget_memory(name: &str) {
    for part in ["metadata", "queues", "readers"] {
        // A version that does not use such memory has no file.
        drop(fs::remove_file(format!("/dev/shm/{name}-cf__{part}.shm")));
    }
}

fn start_tls(stage: &Stage<'_>, port: u16, files: &IdentityFiles) -> Result<Proxy> {
    let rules = Rules {
        is_guarded: false,
        port,
    };
    start(stage, &rules, Some(files))
}

fn tls(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = start_tls(stage, far_end.port()?, &stage.certificates().server)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let proxy = format!("https://localhost:{}", proxy.port);
    far_end.converse(&mut forward::client(stage, &proxy, &url)?)
}

fn faulty(stage: &Stage<'_>, defect: Defect) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let files = stage.certificates().faulty(defect);
    let proxy = start_tls(stage, far_end.port()?, files)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let proxy = format!("https://localhost:{}", proxy.port);
    forward::client(stage, &proxy, &url)?.refused(defect)
}

fn tls_at_plain_port(stage: &Stage<'_>) -> Result<()> {
    let proxy = (KIND.start)(
        stage,
        &Rules {
            is_guarded: false,
            port: free_port()?,
        },
    )?;
    let url = server_url(stage, "localhost", free_port()?);
    let proxy = format!("https://localhost:{}", proxy.port);
    forward::client(stage, &proxy, &url)?.failed(&["does not speak TLS"])
}

fn plain_at_tls_port(stage: &Stage<'_>) -> Result<()> {
    let proxy = start_tls(stage, free_port()?, &stage.certificates().server)?;
    let url = server_url(stage, "localhost", free_port()?);
    let proxy = format!("http://localhost:{}", proxy.port);
    forward::client(stage, &proxy, &url)?.failed(&["the proxy"])
}
