//! An echo client on smol.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use ws_peers::{EchoClient, exit};
use ws_smol::Smol;

fn main() -> ExitCode {
    let client = EchoClient::parse();
    exit("echo-client-smol", smol::block_on(client.run::<Smol>()))
}
