//! Reverse proxies that report the address of the client to our server in a PROXY header.

use std::ffi::OsStr;

use anyhow::{Result, ensure};

use crate::dialogue::Dialogue;
use crate::foreign::Over;
use crate::stage::{EchoServer, Stage, connect, option};

/// The options of a server that requires the header and prints the address of the client.
const OPTIONS: [&str; 2] = ["--proxy-protocol", "--verbose"];

/// Starts our server over the transport `over`. It requires the header.
pub(super) fn server(stage: &Stage<'_>, over: Over) -> Result<EchoServer> {
    server_with(stage, over, &[])
}

/// Starts our server as [`server`] does, with more options.
pub(super) fn server_with(stage: &Stage<'_>, over: Over, more: &[&str]) -> Result<EchoServer> {
    let mut options: Vec<_> = OPTIONS.iter().chain(more).map(OsStr::new).collect();
    if over == Over::Tls {
        options.extend(option("--tls", &stage.certificates().server));
    }
    stage.server(&options)
}

/// Connects to the proxy at `port`, lets our server echo, and checks that our server has received
/// the address of the connection.
pub(super) fn converse(server: &mut EchoServer, port: u16) -> Result<()> {
    let tcp = connect(port)?;
    let address = tcp.local_addr()?;
    let mut dialogue = Dialogue::connect(tcp, "localhost")?;
    dialogue.converse()?;
    dialogue.close()?;
    server.has_accepted(address)
}

/// Connects to our server without a proxy. It must refuse the connection.
pub(super) fn direct(server: &mut EchoServer) -> Result<()> {
    refuses(server, server.port)
}

/// Connects to `port`, from which a connection without a header reaches our server.
pub(super) fn refuses(server: &mut EchoServer, port: u16) -> Result<()> {
    let tcp = connect(port)?;
    ensure!(
        Dialogue::connect(tcp, "localhost").is_err(),
        "our server accepts a connection without a header"
    );
    server.runs()
}
