//! An echo client on async-std.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use async_std::task;
use clap::Parser;
use ws_async_std::AsyncStd;
use ws_peers::{EchoClient, exit};

fn main() -> ExitCode {
    let client = EchoClient::parse();
    exit(
        "echo-client-async-std",
        task::block_on(client.run::<AsyncStd>()),
    )
}
