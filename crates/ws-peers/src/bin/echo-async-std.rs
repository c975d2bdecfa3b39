//! An echo server on async-std.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use async_global_executor::GlobalExecutorConfig;
use async_std::net::TcpListener;
use async_std::task;
use clap::Parser;
use ws_async_std::Acceptor;
use ws_peers::{ACCEPT_PAUSE, EchoServer, echo, exit};

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
    let listener = TcpListener::bind(args.address()).await?;
    let acceptor: Acceptor = args.acceptor()?;
    args.announce(listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => drop(task::spawn(echo(acceptor.clone(), tcp))),
            Err(_) => task::sleep(ACCEPT_PAUSE).await,
        }
    }
}
