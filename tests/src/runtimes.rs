//! The runtimes that have an adapter, each with all its tasks on one thread or with tasks on several, where it offers
//! both.

use std::future::Future;
use std::net;
use std::time::Duration;

use smol::LocalExecutor;
use tokio::runtime::{Builder, Runtime};
use ws_async_std::AsyncStd;
use ws_smol::Smol;
use ws_tokio::Tokio;

use crate::suite::{Stream, Suite};

/// tokio with everything on one thread.
#[derive(Debug)]
pub struct TokioThread;

/// tokio with tasks that move between threads.
#[derive(Debug)]
pub struct TokioThreads;

/// async-std, whose tasks move between the threads of the process.
#[derive(Debug)]
pub struct AsyncStdThreads;

/// smol with everything on one thread.
#[derive(Debug)]
pub struct SmolThread;

/// smol with tasks on the threads of the process.
#[derive(Debug)]
pub struct SmolThreads;

fn block_on_tokio<F: Future>(builder: &mut Builder, future: F) -> F::Output {
    let runtime: Runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn adopt_by_tokio(stream: net::TcpStream) -> tokio::net::TcpStream {
    stream.set_nonblocking(true).expect("a flag");
    tokio::net::TcpStream::from_std(stream).expect("a runtime")
}

impl Suite for TokioThread {
    type Runtime = Tokio;

    fn block_on<F: Future>(future: F) -> F::Output {
        block_on_tokio(&mut Builder::new_current_thread(), future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        adopt_by_tokio(stream)
    }
}

impl Suite for TokioThreads {
    type Runtime = Tokio;

    fn block_on<F: Future>(future: F) -> F::Output {
        block_on_tokio(Builder::new_multi_thread().worker_threads(2), future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        adopt_by_tokio(stream)
    }
}

impl Suite for AsyncStdThreads {
    type Runtime = AsyncStd;

    fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        async_std::task::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        async_std::task::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        stream.into()
    }
}

thread_local! {
    /// Of [`SmolThread`].
    static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() };
}

fn adopt_by_smol(stream: net::TcpStream) -> smol::net::TcpStream {
    stream.try_into().expect("a flag")
}

async fn sleep_on_smol(time: Duration) {
    smol::Timer::after(time).await;
}

impl Suite for SmolThread {
    type Runtime = Smol;

    fn block_on<F: Future>(future: F) -> F::Output {
        EXECUTOR.with(|executor| smol::block_on(executor.run(future)))
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        EXECUTOR.with(|executor| executor.spawn(future).detach());
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        sleep_on_smol(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        adopt_by_smol(stream)
    }
}

impl Suite for SmolThreads {
    type Runtime = Smol;

    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        sleep_on_smol(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        adopt_by_smol(stream)
    }
}
