//! An echo server on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use ws_peers::{ACCEPT_PAUSE, EchoServer, EchoService, echo, exit};
use ws_tokio::Tokio;
use ws_tokio::listen::reuse_port;
use ws_tokio::transport::Wrap;

#[derive(Debug, Parser)]
#[command(version, about = "An echo server on tokio")]
struct Options {
    #[command(flatten)]
    server: EchoServer,
    /// Give each thread a runtime and a listener of its own (`SO_REUSEPORT`). By default, the
    /// threads share one runtime and one listener.
    #[arg(long, conflicts_with = "unix")]
    per_core: bool,
}

fn main() -> ExitCode {
    let Options { server, per_core } = Options::parse();
    let served = match per_core {
        true => serve_per_core(&server),
        false => runtime(server.threads).and_then(|runtime| runtime.block_on(serve(&server))),
    };
    exit("echo-tokio", served)
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
    let service = args.service()?;
    #[cfg(unix)]
    if let Some(path) = args.unix() {
        let listener = tokio::net::UnixListener::bind(path)?;
        args.announce_unix(path);
        serve_each(service, async || Ok(listener.accept().await?.0)).await;
    }
    let listener = TcpListener::bind(args.address()).await?;
    args.announce(listener.local_addr()?);
    serve_each(service, async || Ok(listener.accept().await?.0)).await
}

/// Serves with one runtime and one listener for each thread. They share the settings only.
fn serve_per_core(args: &EchoServer) -> io::Result<()> {
    let service = args.service()?;
    let listeners = reuse_port(args.address(), args.threads.into())?;
    if let Some(first) = listeners.first() {
        args.announce(first.local_addr()?);
    }
    let serve = &|listener: std::net::TcpListener| -> io::Result<()> {
        runtime(1)?.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            let service = Arc::clone(&service);
            serve_each(service, async || Ok(listener.accept().await?.0)).await
        })
    };
    thread::scope(|scope| {
        let threads = listeners.into_iter();
        let threads: Vec<_> = threads
            .map(|listener| scope.spawn(move || serve(listener)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("serving does not panic"))
    })
}

/// Serves each stream that `accept` returns.
async fn serve_each<S>(
    service: Arc<EchoService<Tokio>>,
    accept: impl AsyncFn() -> io::Result<S>,
) -> !
where
    Tokio: Wrap<S>,
    S: Send + 'static,
{
    loop {
        match accept().await {
            Ok(stream) => drop(tokio::spawn(echo(Arc::clone(&service), stream))),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
