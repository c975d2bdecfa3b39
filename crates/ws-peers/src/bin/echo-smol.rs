//! An echo server on smol.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Parser;
use smol::net::TcpListener;
use smol::{Executor, Timer, future};
use ws_peers::{ACCEPT_PAUSE, EchoServer, EchoService, echo, exit};
use ws_smol::Smol;
use ws_smol::transport::Wrap;

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
    let service = args.service()?;
    #[cfg(unix)]
    if let Some(path) = args.unix() {
        let listener = smol::net::unix::UnixListener::bind(path)?;
        args.announce_unix(path);
        serve_each(service, async || Ok(listener.accept().await?.0)).await;
    }
    let listener = TcpListener::bind(args.address()).await?;
    args.announce(listener.local_addr()?);
    serve_each(service, async || Ok(listener.accept().await?.0)).await
}

/// Serves each stream that `accept` returns.
async fn serve_each<S>(
    service: Arc<EchoService<Smol>>,
    accept: impl AsyncFn() -> io::Result<S>,
) -> !
where
    Smol: Wrap<S>,
    S: Send + 'static,
{
    loop {
        match accept().await {
            Ok(stream) => EXECUTOR.spawn(echo(Arc::clone(&service), stream)).detach(),
            Err(_) => drop(Timer::after(ACCEPT_PAUSE).await),
        }
    }
}
