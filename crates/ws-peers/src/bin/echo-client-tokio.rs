//! An echo client on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use ws_peers::{EchoClient, exit};
use ws_tokio::Tokio;

fn main() -> ExitCode {
    exit("echo-client-tokio", run(&EchoClient::parse()))
}

fn run(client: &EchoClient) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(client.run::<Tokio>())
}
