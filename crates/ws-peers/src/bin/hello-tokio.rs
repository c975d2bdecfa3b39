//! Says hello to a server, on tokio.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;
use ws_peers::{Hello, PATIENCE, exit};
use ws_tokio::CloseCode;

fn main() -> ExitCode {
    exit("hello-tokio", run(&Hello::parse()))
}

fn run(args: &Hello) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, hello(&args.url)).await {
            Ok(result) => result,
            Err(_) => Err("the server took too long".into()),
        }
    })
}

async fn hello(url: &str) -> Result<(), Box<dyn Error>> {
    let mut ws = ws_tokio::connect(url).await?;
    ws.send("hello").await?;
    if ws.recv().await?.is_none() {
        return Err("the server closed the connection instead of answering".into());
    }
    ws.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
