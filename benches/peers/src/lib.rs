//! The parts that the programs of this package share. These are the command line and the listeners
//! of the echo servers, and the loops over connections that implement `Stream` and `Sink`.

#![forbid(unsafe_code)]

#[path = "../../programs/src/broadcast.rs"]
pub mod broadcast;
#[path = "../../programs/src/client.rs"]
pub mod client;
pub mod tls;

use std::error::Error;
use std::future::Future;
use std::io;
use std::ops::Deref;

use async_global_executor::GlobalExecutorConfig;
use clap::Parser;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio_tungstenite::tungstenite;

use self::client::{Failure, Workload};

/// Accepts WebSocket connections on 127.0.0.1 and echoes every message, until the process is
/// terminated.
///
/// One thread serves all connections.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// The port to listen on.
    #[arg(long)]
    pub port: u16,
    /// Batch the answers to messages that arrived together, and use the buffer sizes of the
    /// library's own benchmark.
    #[arg(long)]
    pub tuned: bool,
    /// Compress messages for clients that offer it (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
    /// The compression level; the default is that of the library.
    #[arg(long, requires = "deflate")]
    pub level: Option<u32>,
}

impl Options {
    /// Parses the command line.
    #[must_use]
    pub fn from_arguments() -> Self {
        Self::parse()
    }
}

/// The longest message in bytes. The project's own servers have the same limit.
pub const MAX_MESSAGE_LEN: usize = 16 << 20;

/// The largest number of messages that a tuned server answers before it writes the answers.
const BATCH: usize = 32;

/// Echoes each message separately. With `tuned`, answers up to 32 messages that arrived together,
/// and flushes once.
pub async fn echo<W, M, E>(mut ws: W, tuned: bool, is_data: fn(&M) -> bool) -> Result<(), E>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    while let Some(first) = ws.next().await {
        let first = first?;
        match is_data(&first) {
            true if tuned => ws.feed(first).await?,
            true => ws.send(first).await?,
            false => {}
        }
        if tuned {
            echo_more(&mut ws, is_data).await?;
        }
    }
    Ok(())
}

/// Echoes the messages that have already arrived, at most `BATCH - 1`, and flushes once.
async fn echo_more<W, M, E>(ws: &mut W, is_data: fn(&M) -> bool) -> Result<(), E>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    for _ in 1..BATCH {
        let Some(Some(message)) = ws.next().now_or_never() else {
            break;
        };
        let message = message?;
        if is_data(&message) {
            ws.feed(message).await?;
        }
    }
    ws.flush().await
}

/// Accepts a connection of tungstenite with `accept`, and echoes its messages until the connection
/// ends.
pub async fn echo_tungstenite<F, W>(accept: impl FnOnce() -> F, tuned: bool)
where
    F: Future<Output = Result<W, tungstenite::Error>>,
    W: Stream<Item = Result<tungstenite::Message, tungstenite::Error>>
        + Sink<tungstenite::Message, Error = tungstenite::Error>
        + Unpin,
{
    let is_data = |message: &tungstenite::Message| message.is_text() || message.is_binary();
    if let Ok(ws) = accept().await {
        // An error only means that the connection has ended.
        drop(echo(ws, tuned, is_data).await);
    }
}

/// Loads an echo server. Sends one message for each reply. If several replies arrived together, the
/// messages for them are flushed once.
pub async fn load<W, M, E, P>(
    mut ws: W,
    workload: &Workload,
    message: M,
    payload: fn(M) -> P,
) -> Result<(), Failure>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Clone,
    P: Deref<Target = [u8]>,
    E: Error + 'static,
{
    let (mut under_way, mut wanted) = (workload.in_flight, workload.in_flight);
    while under_way > 0 {
        for _ in 0..std::mem::take(&mut wanted) {
            ws.feed(message.clone()).await?;
        }
        ws.flush().await?;
        let mut next = ws.next().await;
        loop {
            let reply = next.ok_or("the server ended the connection")??;
            match workload.received(&payload(reply))? {
                true => wanted += 1,
                false => under_way -= 1,
            }
            next = match ws.next().now_or_never() {
                Some(reply) if under_way > 0 => reply,
                _ => break,
            };
        }
    }
    Ok(())
}

/// Serves each connection in a task on a tokio runtime with one thread.
pub fn serve_tokio<E>(port: u16, serve: impl Fn(tokio::net::TcpStream) -> E) -> io::Result<()>
where
    E: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tcp.set_nodelay(true)?;
            tokio::spawn(serve(tcp));
        }
    })
}

/// Serves each connection in a task on a smol executor with one thread.
pub fn serve_smol<E>(port: u16, serve: impl Fn(smol::net::TcpStream) -> E) -> io::Result<()>
where
    E: Future<Output = ()> + Send + 'static,
{
    let executor = smol::Executor::new();
    smol::block_on(executor.run(async {
        let listener = smol::net::TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tcp.set_nodelay(true)?;
            executor.spawn(serve(tcp)).detach();
        }
    }))
}

/// Serves each connection in a task of async-std. One thread runs all tasks.
pub fn serve_async_std<E>(
    port: u16,
    serve: impl Fn(async_std::net::TcpStream) -> E,
) -> io::Result<()>
where
    E: Future<Output = ()> + Send + 'static,
{
    async_global_executor::init_with_config(
        GlobalExecutorConfig::default()
            .with_env_var("ASYNC_STD_THREAD_COUNT")
            .with_min_threads(1)
            .with_max_threads(1),
    );
    async_std::task::block_on(async {
        let listener = async_std::net::TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tcp.set_nodelay(true)?;
            async_std::task::spawn(serve(tcp));
        }
    })
}
