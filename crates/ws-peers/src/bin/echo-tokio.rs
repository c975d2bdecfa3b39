//! An echo server on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use ws_peers::{ACCEPT_PAUSE, EchoServer, echo, exit};
use ws_tokio::Acceptor;

fn main() -> ExitCode {
    let args = EchoServer::parse();
    exit(
        "echo-tokio",
        runtime(args.threads).and_then(|runtime| runtime.block_on(serve(&args))),
    )
}

fn runtime(threads: u16) -> io::Result<Runtime> {
    match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        threads => Builder::new_multi_thread()
            .worker_threads(threads.into())
            .enable_all()
            .build(),
    }
}

async fn serve(args: &EchoServer) -> io::Result<()> {
    let listener = TcpListener::bind(args.address()).await?;
    let acceptor: Acceptor = args.acceptor()?;
    args.announce(listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => drop(tokio::spawn(echo(acceptor.clone(), tcp))),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
