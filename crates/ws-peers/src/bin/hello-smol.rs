//! Says hello to a server, on smol.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use ws_peers::{Hello, PATIENCE, exit};
use ws_smol::CloseCode;

fn main() -> ExitCode {
    exit("hello-smol", run(&Hello::parse()))
}

fn run(args: &Hello) -> Result<(), Box<dyn Error>> {
    smol::block_on(smol::future::or(hello(&args.url), async {
        smol::Timer::after(PATIENCE).await;
        Err("the server took too long".into())
    }))
}

async fn hello(url: &str) -> Result<(), Box<dyn Error>> {
    let mut ws = ws_smol::connect(url).await?;
    ws.send("hello").await?;
    if ws.recv().await?.is_none() {
        return Err("the server closed the connection instead of answering".into());
    }
    ws.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
