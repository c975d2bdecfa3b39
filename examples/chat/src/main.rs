//! The program `chat`: a server with a page for browsers, a client for terminals, and a load.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use chat::args::{Args, Command};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Serve(args) => chat::server::run(args).await,
        Command::Join(args) => chat::client::run(args).await,
        Command::Load(args) => chat::load::run(args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error:#}");
            ExitCode::FAILURE
        }
    }
}
