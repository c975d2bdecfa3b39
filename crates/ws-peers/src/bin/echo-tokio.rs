//! An echo server on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use ws_peers::{EchoServer, announce, exit};
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
    let acceptor = Acceptor::new()
        .config(args.config())
        .origins(args.origin_policy());
    announce(format_args!("ws://{}", listener.local_addr()?));
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                // What a peer does wrong is no news: the peer was told by a Close.
                tokio::spawn(echo(acceptor.clone(), tcp));
            }
            // Out of descriptors: connections that end make room.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn echo(acceptor: Acceptor, tcp: TcpStream) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
