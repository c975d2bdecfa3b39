//! The behaviours on tokio, with one thread and with several.

#![forbid(unsafe_code)]

use std::future::Future;
use std::net;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use ws_tests::suite::Suite;
use ws_tokio::Tokio;

fn block_on<F: Future>(builder: &mut Builder, future: F) -> F::Output {
    let runtime: Runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn adopt(stream: net::TcpStream) -> TcpStream {
    stream.set_nonblocking(true).expect("a flag");
    TcpStream::from_std(stream).expect("a runtime")
}

/// Everything on one thread.
struct CurrentThread;

impl Suite for CurrentThread {
    type Runtime = Tokio;

    fn block_on<F: Future>(future: F) -> F::Output {
        block_on(&mut Builder::new_current_thread(), future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> TcpStream {
        adopt(stream)
    }
}

/// Tasks that move between threads.
struct MultiThread;

impl Suite for MultiThread {
    type Runtime = Tokio;

    fn block_on<F: Future>(future: F) -> F::Output {
        block_on(Builder::new_multi_thread().worker_threads(2), future)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }

    fn adopt(stream: net::TcpStream) -> TcpStream {
        adopt(stream)
    }
}

mod current_thread {
    ws_tests::instantiate!(super::super::CurrentThread);
}

mod multi_thread {
    ws_tests::instantiate!(super::super::MultiThread);
}
