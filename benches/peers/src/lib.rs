//! What the echo servers of this package share: their command line, listeners, and the loop of
//! those libraries whose connections are a stream and a sink.

#![forbid(unsafe_code)]

#[path = "../../src/broadcast.rs"]
pub mod broadcast;
#[path = "../../src/client.rs"]
pub mod client;

use std::error::Error;
use std::future::Future;
use std::io;
use std::ops::Deref;

use async_global_executor::GlobalExecutorConfig;
use clap::Parser;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use self::client::{Course, Failure};

/// Accepts WebSocket connections on 127.0.0.1 and echoes every message, until it is ended.
///
/// All connections are served by one thread.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// The port to listen on.
    #[arg(long)]
    pub port: u16,
    /// Answer the messages that arrived together together, and use the buffers that the library's
    /// own measurements use.
    #[arg(long)]
    pub tuned: bool,
    /// Compress messages for clients that offer it (permessage-deflate).
    #[arg(long)]
    pub deflate: bool,
    /// The level of compression, if not the library's default.
    #[arg(long, requires = "deflate")]
    pub level: Option<u32>,
}

impl Options {
    /// Those of the command line.
    #[must_use]
    pub fn from_arguments() -> Self {
        Self::parse()
    }
}

/// The longest message, as the project's own servers have it.
pub const MAX_MESSAGE_LEN: usize = 16 << 20;

/// How many messages a tuned server answers before their answers are written, at most.
const BATCH: usize = 32;

/// Answers each message by itself, or, `tuned`, those that are there together.
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

/// Answers what is there already, and flushes.
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

/// Loads an echo server: what arrived together is answered together by as many messages.
pub async fn load<W, M, E, P>(
    mut ws: W,
    course: &Course,
    message: M,
    payload: fn(M) -> P,
) -> Result<(), Failure>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Clone,
    P: Deref<Target = [u8]>,
    E: Error + 'static,
{
    let (mut under_way, mut wanted) = (course.in_flight, course.in_flight);
    while under_way > 0 {
        for _ in 0..std::mem::take(&mut wanted) {
            ws.feed(message.clone()).await?;
        }
        ws.flush().await?;
        let mut next = ws.next().await;
        loop {
            let reply = next.ok_or("the server ended the connection")??;
            match course.received(&payload(reply))? {
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

/// Serves each connection by a task on a tokio runtime of one thread.
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

/// Serves each connection by a task on a smol executor that one thread runs.
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

/// Serves each connection by a task of async-std, which has one thread for tasks.
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
