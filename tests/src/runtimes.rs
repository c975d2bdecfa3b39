//! The runtimes that have an adapter. tokio and smol have two variants: one runs all tasks on one
//! thread, the other runs tasks on several threads.

use std::future::Future;
use std::net;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::time::Duration;

use smol::LocalExecutor;
use tokio::runtime::Builder;
use ws_async_std::AsyncStd;
#[cfg(unix)]
use ws_driver::{AcceptError, Offer};
use ws_smol::Smol;
use ws_tokio::Tokio;

#[cfg(unix)]
use crate::suite::{Acceptor, Transport};
use crate::suite::{Stream, Suite};

/// tokio. If `THREADS` is `true`, tasks run on several threads.
#[derive(Debug)]
pub struct OnTokio<const THREADS: bool>;

/// tokio with all tasks on one thread.
pub type TokioThread = OnTokio<false>;

/// tokio with tasks that move between threads.
pub type TokioThreads = OnTokio<true>;

/// async-std. Its tasks move between the threads of its executor.
#[derive(Debug)]
pub struct AsyncStdThreads;

/// smol. If `THREADS` is `true`, spawned tasks run on another thread than the future of `block_on`.
#[derive(Debug)]
pub struct OnSmol<const THREADS: bool>;

/// smol with all tasks on one thread.
pub type SmolThread = OnSmol<false>;

/// smol with spawned tasks on the thread of the global executor, apart from the future of
/// `block_on`.
pub type SmolThreads = OnSmol<true>;

impl<const THREADS: bool> Suite for OnTokio<THREADS> {
    type Runtime = Tokio;

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut builder = if THREADS {
            Builder::new_multi_thread()
        } else {
            Builder::new_current_thread()
        };
        // A runtime of one thread ignores the number of threads.
        let runtime = builder.worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        stream.set_nonblocking(true).expect("the flag is set");
        tokio::net::TcpStream::from_std(stream).expect("a runtime")
    }

    #[cfg(unix)]
    async fn read_unix(
        acceptor: Acceptor<Self>,
        listener: UnixListener,
    ) -> Result<Offer<Transport<Self>>, AcceptError> {
        listener.set_nonblocking(true).expect("the flag is set");
        let listener = tokio::net::UnixListener::from_std(listener).expect("a runtime");
        let (stream, _) = listener.accept().await.expect("a client");
        acceptor.read(stream).await
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

    #[cfg(unix)]
    async fn read_unix(
        acceptor: Acceptor<Self>,
        listener: UnixListener,
    ) -> Result<Offer<Transport<Self>>, AcceptError> {
        let listener = async_std::os::unix::net::UnixListener::from(listener);
        let (stream, _) = listener.accept().await.expect("a client");
        acceptor.read(stream).await
    }
}

thread_local! {
    /// The executor of [`SmolThread`].
    static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() };
}

impl<const THREADS: bool> Suite for OnSmol<THREADS> {
    type Runtime = Smol;

    fn block_on<F: Future>(future: F) -> F::Output {
        if THREADS {
            smol::block_on(future)
        } else {
            EXECUTOR.with(|executor| smol::block_on(executor.run(future)))
        }
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        if THREADS {
            smol::spawn(future).detach();
        } else {
            EXECUTOR.with(|executor| executor.spawn(future).detach());
        }
    }

    async fn sleep(time: Duration) {
        smol::Timer::after(time).await;
    }

    fn adopt(stream: net::TcpStream) -> Stream<Self> {
        stream.try_into().expect("the stream is nonblocking")
    }

    #[cfg(unix)]
    async fn read_unix(
        acceptor: Acceptor<Self>,
        listener: UnixListener,
    ) -> Result<Offer<Transport<Self>>, AcceptError> {
        let listener = smol::net::unix::UnixListener::try_from(listener);
        let listener = listener.expect("the listener is nonblocking");
        let (stream, _) = listener.accept().await.expect("a client");
        acceptor.read(stream).await
    }
}
