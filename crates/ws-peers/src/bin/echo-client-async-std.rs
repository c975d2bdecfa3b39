//! An echo client on async-std.

#![forbid(unsafe_code)]

use async_std::task;
use clap::Parser;
use ws_async_std::AsyncStd;
use ws_peers::EchoClient;

fn main() {
    task::block_on(EchoClient::parse().run::<AsyncStd>());
}
