//! An echo server on tokio.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use ws_peers::{ACCEPT_PAUSE, EchoServer, EchoService, echo, exit};
use ws_tokio::Tokio;
use ws_tokio::transport::Wrap;

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
