//! An echo server on smol.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, Timer, future};
use ws_peers::{EchoServer, announce, exit};
use ws_smol::Acceptor;

/// Serves connections, on every thread that runs it.
static EXECUTOR: Executor<'static> = Executor::new();

fn main() -> ExitCode {
    let args = EchoServer::parse();
    // This thread serves too.
    for _ in 1..args.threads {
        thread::spawn(|| smol::block_on(EXECUTOR.run(future::pending::<()>())));
    }
    exit("echo-smol", smol::block_on(EXECUTOR.run(serve(&args))))
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
                EXECUTOR.spawn(echo(acceptor.clone(), tcp)).detach();
            }
            // Out of descriptors: connections that end make room.
            Err(_) => {
                Timer::after(Duration::from_millis(10)).await;
            }
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
