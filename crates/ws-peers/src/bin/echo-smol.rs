//! An echo server on smol.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use smol::net::TcpListener;
use smol::{Executor, Timer, future};
use ws_peers::{ACCEPT_PAUSE, EchoServer, echo, exit};
use ws_smol::Acceptor;

/// The executor of all connections. Every thread runs it.
static EXECUTOR: Executor<'static> = Executor::new();

fn main() -> ExitCode {
    let args = EchoServer::parse();
    // This thread also runs the executor, so one thread fewer than `args.threads` is started.
    for _ in 1..args.threads {
        thread::spawn(|| smol::block_on(EXECUTOR.run(future::pending::<()>())));
    }
    exit("echo-smol", smol::block_on(EXECUTOR.run(serve(&args))))
}

async fn serve(args: &EchoServer) -> io::Result<()> {
    let listener = TcpListener::bind(args.address()).await?;
    let acceptor: Acceptor = args.acceptor()?;
    args.announce(listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => EXECUTOR.spawn(echo(acceptor.clone(), tcp)).detach(),
            Err(_) => drop(Timer::after(ACCEPT_PAUSE).await),
        }
    }
}
