//! Proxies between our client and a WebSocket server of this program.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail, ensure};

use super::{Check, dante, microsocks, openssl_server, squid, tinyproxy};
use crate::dialogue::Dialogue;
use crate::foreign::{Foreign, Over};
use crate::process::Process;
use crate::stage::{Backend, EchoClient, Stage, free_port, is_connected, wait_for_input};

/// A port on which no program listens. The system does not assign it, because the ports that it
/// assigns are above 1023.
const CLOSED_PORT: u16 = 1;

/// The checks of every proxy.
pub(super) const CHECKS: &[Check] = &[
    Check::new("open proxy", open),
    Check::new("user and password", authentication),
    Check::new("wrong password", wrong_password),
    Check::new("missing password", no_password),
    Check::new("proxy of the environment", from_environment),
    Check::new("server that does not listen", unreachable),
    Check::new("proxy that does not listen", no_proxy),
    Check::new("death of the proxy in mid-stream", death),
    Check::new("death of the proxy while connecting", early_death),
];

/// The check of a proxy that has rules for servers.
pub(super) const RULES: Check = Check::new("server that the rules forbid", forbidden);

/// The checks of a proxy that has rules for servers and its own list of hosts.
pub(super) const MORE_CHECKS: &[Check] = &[
    RULES,
    Check::new("name that only the proxy resolves", name_of_proxy),
];

/// The check of a SOCKS proxy.
pub(super) const SOCKS: &[Check] = &[Check::new("address instead of a name", address)];

/// The user of a guarded proxy. Tinyproxy takes no other punctuation in a password.
pub(super) const USER: &str = "interop";
pub(super) const PASSWORD: &str = "pass-word";

/// The same in a URL, with an escaped character.
const CREDENTIALS: &str = "interop:pass%2Dword";

/// A name of this machine that is in no other list of hosts.
const NAME: &str = "interop.test";

/// The list of hosts of a proxy.
pub(super) const HOSTS: &str = "127.0.0.1 localhost\n127.0.0.1 interop.test\n";

/// The address from which a proxy connects to a server. A connection that has not come through the
/// proxy has another one.
pub(super) const OUTGOING: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A kind of proxy.
pub(super) struct Kind {
    pub(super) scheme: &'static str,
    pub(super) start: fn(&Stage<'_>, &Rules) -> Result<Proxy>,
    pub(super) reasons: Reasons,
}

/// Distinctive parts of the reasons that our client must give.
pub(super) struct Reasons {
    pub(super) wrong_password: &'static str,
    pub(super) no_password: &'static str,
    /// `None` if the proxy has no rules.
    pub(super) forbidden: Option<&'static str>,
    pub(super) unreachable: &'static str,
}

/// The rules of a proxy.
pub(super) struct Rules {
    /// `true` if the proxy demands [`USER`] and [`PASSWORD`].
    pub(super) is_guarded: bool,
    /// The only port that the proxy connects to, if it has rules for ports.
    pub(super) port: u16,
}

/// A running proxy. Dropping it kills it.
pub(super) struct Proxy {
    pub(super) process: Process,
    pub(super) port: u16,
}

impl Proxy {
    fn open(stage: &Stage<'_>, port: u16) -> Result<Self> {
        let rules = Rules {
            is_guarded: false,
            port,
        };
        (kind(stage)?.start)(stage, &rules)
    }

    fn guarded(stage: &Stage<'_>, port: u16) -> Result<Self> {
        let rules = Rules {
            is_guarded: true,
            port,
        };
        (kind(stage)?.start)(stage, &rules)
    }

    /// Returns the URL, with this text in front of the host.
    fn url(&self, stage: &Stage<'_>, credentials: &str) -> Result<String> {
        url(stage, credentials, self.port)
    }
}

fn kind(stage: &Stage<'_>) -> Result<&'static Kind> {
    Ok(match stage.pairing.foreign {
        Foreign::Squid => &squid::KIND,
        Foreign::Tinyproxy => &tinyproxy::KIND,
        Foreign::Dante => &dante::KIND,
        Foreign::Microsocks => &microsocks::KIND,
        foreign => bail!("{foreign} is not a proxy"),
    })
}

fn url(stage: &Stage<'_>, credentials: &str, port: u16) -> Result<String> {
    let scheme = kind(stage)?.scheme;
    Ok(format!("{scheme}://{credentials}127.0.0.1:{port}"))
}

/// The stream of a [`Dialogue`] with our client.
pub(super) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// The server behind a proxy. This program is its other end.
pub(super) enum FarEnd {
    Tcp(Backend),
    Tls(Box<openssl_server::Server>),
}

impl FarEnd {
    /// Starts a server over the transport of the pairing.
    pub(super) fn start(stage: &Stage<'_>) -> Result<Self> {
        Ok(match stage.pairing.over {
            Over::Tcp => Self::Tcp(Backend::bind()?),
            Over::Tls => Self::Tls(Box::new(openssl_server::Server::quiet(stage, &[])?)),
        })
    }

    pub(super) fn port(&self) -> Result<u16> {
        match self {
            Self::Tcp(backend) => backend.port(),
            Self::Tls(server) => Ok(server.port),
        }
    }

    /// Accepts a connection of our client, which must come from the proxy.
    pub(super) fn accept(&mut self) -> Result<Dialogue<Box<dyn Stream>>> {
        let stream: Box<dyn Stream> = match self {
            Self::Tcp(backend) => Box::new(backend.accept()?),
            Self::Tls(server) => Box::new(server.process.pipes()?),
        };
        let dialogue = Dialogue::accept(stream)?;
        ensure!(
            is_connected(self.port()?, OUTGOING)?,
            "our client has connected without the proxy"
        );
        Ok(dialogue)
    }

    /// Accepts a connection of our client and lets it echo.
    pub(super) fn converse(mut self, client: &mut EchoClient) -> Result<()> {
        let mut dialogue = self.accept()?;
        dialogue.converse()?;
        dialogue.close()?;
        drop(dialogue);
        client.done()
    }
}

/// Returns the URL of a server over the transport of the pairing.
pub(super) fn server_url(stage: &Stage<'_>, host: &str, port: u16) -> String {
    let scheme = match stage.pairing.over {
        Over::Tcp => "ws",
        Over::Tls => "wss",
    };
    format!("{scheme}://{host}:{port}")
}

/// Starts our client with a proxy.
pub(super) fn client(stage: &Stage<'_>, proxy: &str, url: &str) -> Result<EchoClient> {
    stage.client(&[url], &[OsStr::new("--proxy"), OsStr::new(proxy)])
}

fn open(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::open(stage, far_end.port()?)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    far_end.converse(&mut client(stage, &proxy.url(stage, "")?, &url)?)
}

fn authentication(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::guarded(stage, far_end.port()?)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let proxy = proxy.url(stage, &format!("{CREDENTIALS}@"))?;
    far_end.converse(&mut client(stage, &proxy, &url)?)
}

fn wrong_password(stage: &Stage<'_>) -> Result<()> {
    let proxy = Proxy::guarded(stage, free_port()?)?;
    let url = server_url(stage, "localhost", free_port()?);
    let mut client = client(stage, &proxy.url(stage, "interop:wrong@")?, &url)?;
    client.failed(&[kind(stage)?.reasons.wrong_password])
}

fn no_password(stage: &Stage<'_>) -> Result<()> {
    let proxy = Proxy::guarded(stage, free_port()?)?;
    let url = server_url(stage, "localhost", free_port()?);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    client.failed(&[kind(stage)?.reasons.no_password])
}

/// The variable that is checked depends on the schemes of the proxy and of the server.
fn from_environment(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::guarded(stage, far_end.port()?)?;
    let variable = match (kind(stage)?.scheme, stage.pairing.over) {
        ("http", Over::Tcp) => "http_proxy",
        ("http", Over::Tls) => "https_proxy",
        _ => "ALL_PROXY",
    };
    let value = proxy.url(stage, &format!("{CREDENTIALS}@"))?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let option = OsStr::new("--proxy-from-env");
    far_end.converse(&mut stage.client_in(&[(variable, &value)], &[&url], &[option])?)
}

fn forbidden(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::open(stage, free_port()?)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    let reason = kind(stage)?.reasons.forbidden;
    client.failed(&[reason.context("the proxy has no rules")?])
}

fn unreachable(stage: &Stage<'_>) -> Result<()> {
    let proxy = Proxy::open(stage, CLOSED_PORT)?;
    let url = server_url(stage, "localhost", CLOSED_PORT);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    client.failed(&[kind(stage)?.reasons.unreachable])
}

fn no_proxy(stage: &Stage<'_>) -> Result<()> {
    let proxy = url(stage, "", CLOSED_PORT)?;
    let url = server_url(stage, "localhost", CLOSED_PORT);
    client(stage, &proxy, &url)?.failed(&["the proxy cannot be reached"])
}

/// The certificate of the server is for another name. Its refusal shows that the proxy has reached
/// the server.
fn name_of_proxy(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::open(stage, far_end.port()?)?;
    let url = server_url(stage, NAME, far_end.port()?);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    match stage.pairing.over {
        Over::Tcp => far_end.converse(&mut client),
        Over::Tls => client.failed(&["is for another host name"]),
    }
}

/// With the scheme `socks5`, our client resolves the name of the server.
fn address(stage: &Stage<'_>) -> Result<()> {
    let far_end = FarEnd::start(stage)?;
    let proxy = Proxy::open(stage, far_end.port()?)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let proxy = format!("socks5://localhost:{}", proxy.port);
    far_end.converse(&mut client(stage, &proxy, &url)?)
}

fn death(stage: &Stage<'_>) -> Result<()> {
    let mut far_end = FarEnd::start(stage)?;
    let proxy = Proxy::open(stage, far_end.port()?)?;
    let url = server_url(stage, "localhost", far_end.port()?);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    let mut dialogue = far_end.accept()?;
    dialogue.echo(100_000)?;
    drop(proxy);
    client.failed(&["without a Close", "reset"])
}

/// Stops the proxy, so that it cannot answer the request of our client before it dies.
fn early_death(stage: &Stage<'_>) -> Result<()> {
    let proxy = Proxy::open(stage, free_port()?)?;
    proxy.process.stop()?;
    let url = server_url(stage, "localhost", free_port()?);
    let mut client = client(stage, &proxy.url(stage, "")?, &url)?;
    wait_for_input(proxy.port)?;
    drop(proxy);
    client.failed(&[
        "the transport to the proxy failed: Connection reset",
        "ended the connection before",
    ])
}
