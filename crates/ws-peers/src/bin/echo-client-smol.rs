//! An echo client on smol.

#![forbid(unsafe_code)]

use clap::Parser;
use ws_peers::EchoClient;
use ws_smol::Smol;

fn main() {
    smol::block_on(EchoClient::parse().run::<Smol>());
}
