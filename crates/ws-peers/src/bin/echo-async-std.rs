//! An echo server on async-std.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use async_global_executor::GlobalExecutorConfig;
use async_std::net::TcpListener;
use async_std::task;
use clap::Parser;
use ws_async_std::AsyncStd;
use ws_async_std::transport::Wrap;
use ws_peers::{ACCEPT_PAUSE, EchoServer, EchoService, echo, exit};

fn main() -> ExitCode {
    let args = EchoServer::parse();
    // Tasks run on the threads of this executor. The main thread only accepts connections. By
    // default, the runtime starts one thread for each processor, or as many as the environment
    // variable `ASYNC_STD_THREAD_COUNT` says. A process cannot safely set its own environment, so
    // the number is passed here.
    let threads = args.threads.into();
    async_global_executor::init_with_config(
        GlobalExecutorConfig::default()
            .with_env_var("ASYNC_STD_THREAD_COUNT")
            .with_min_threads(threads)
            .with_max_threads(threads),
    );
    exit("echo-async-std", task::block_on(serve(&args)))
}

async fn serve(args: &EchoServer) -> io::Result<()> {
    let service = args.service()?;
    #[cfg(unix)]
    if let Some(path) = args.unix() {
        let listener = async_std::os::unix::net::UnixListener::bind(path).await?;
        args.announce_unix(path);
        serve_each(service, async || Ok(listener.accept().await?.0)).await;
    }
    let listener = TcpListener::bind(args.address()).await?;
    args.announce(listener.local_addr()?);
    serve_each(service, async || Ok(listener.accept().await?.0)).await
}

/// Serves each stream that `accept` returns.
async fn serve_each<S>(
    service: Arc<EchoService<AsyncStd>>,
    accept: impl AsyncFn() -> io::Result<S>,
) -> !
where
    AsyncStd: Wrap<S>,
    S: Send + 'static,
{
    loop {
        match accept().await {
            Ok(stream) => drop(task::spawn(echo(Arc::clone(&service), stream))),
            Err(_) => task::sleep(ACCEPT_PAUSE).await,
        }
    }
}
