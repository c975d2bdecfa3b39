//! Says hello to a server, on async-std.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use ws_async_std::CloseCode;
use ws_peers::{Hello, PATIENCE, exit};

fn main() -> ExitCode {
    exit("hello-async-std", run(&Hello::parse()))
}

fn run(args: &Hello) -> Result<(), Box<dyn Error>> {
    async_std::task::block_on(async {
        match async_std::future::timeout(PATIENCE, hello(&args.url)).await {
            Ok(result) => result,
            Err(_) => Err("the server took too long".into()),
        }
    })
}

async fn hello(url: &str) -> Result<(), Box<dyn Error>> {
    let mut ws = ws_async_std::connect(url).await?;
    ws.send("hello").await?;
    if ws.recv().await?.is_none() {
        return Err("the server closed the connection instead of answering".into());
    }
    ws.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
