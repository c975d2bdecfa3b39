//! An echo server on async-std.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use async_global_executor::GlobalExecutorConfig;
use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use clap::Parser;
use ws_async_std::Acceptor;
use ws_peers::{EchoServer, announce, exit};

fn main() -> ExitCode {
    let args = EchoServer::parse();
    // Tasks run on the threads of this executor; the main thread only accepts. By itself the runtime would start one
    // for each processor, or as many as the variable says, whose value a process cannot safely set for itself.
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
    let acceptor = Acceptor::new()
        .config(args.config())
        .origins(args.origin_policy());
    announce(format_args!("ws://{}", listener.local_addr()?));
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                // What a peer does wrong is no news: the peer was told by a Close.
                task::spawn(echo(acceptor.clone(), tcp));
            }
            // Out of descriptors: connections that end make room.
            Err(_) => task::sleep(Duration::from_millis(10)).await,
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
