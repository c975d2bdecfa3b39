//! An echo client on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use ws_peers::{EchoClient, announce, exit};
use ws_tokio::Connector;

fn main() -> ExitCode {
    exit("echo-client-tokio", run(&EchoClient::parse()))
}

fn run(args: &EchoClient) -> io::Result<()> {
    let connector = Connector::new().config(args.config());
    let runtime = Builder::new_current_thread().enable_all().build()?;
    for url in args.each_url() {
        match runtime.block_on(echo(&connector, &url)) {
            Ok(()) => announce(format_args!("done {url}")),
            Err(error) => announce(format_args!("failed {url}: {error}")),
        }
    }
    Ok(())
}

async fn echo(connector: &Connector, url: &str) -> io::Result<()> {
    let mut ws = connector.connect(url).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
