//! Shows a server that limits the number of its connections, and that closes all of them when the
//! process is asked to end (SIGTERM, Ctrl-C). The handler has no code for it.
//!
//! ```sh
//! cargo run --example tokio_graceful_shutdown -- 127.0.0.1:9001
//! kill -TERM PID      # in another terminal
//! ```

#![forbid(unsafe_code)]

use std::num::NonZeroU32;
use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use ws_tokio::{Acceptor, CloseCode, Config, Registry, Report};

/// The time until the last connection is cut. Shorter than the 30 s after which Kubernetes kills a
/// container.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The most clients that are sent away in a second. They come back to the other servers.
const PACE: NonZeroU32 = NonZeroU32::new(1000).expect("not 0");

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let report = serve(listener, end_requested()).await?;
    println!("{report:?}");
    Ok(())
}

/// Waits until the process is asked to end.
async fn end_requested() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                eprintln!("cannot wait for SIGTERM: {error}");
                std::future::pending().await
            }
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Serves until `stop` is done, and then closes all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<Report> {
    let registry = Registry::new()
        .max_connections(10_000)
        .max_age(Duration::from_secs(24 * 60 * 60));
    let config = Config::default().keepalive(Duration::from_secs(30), Duration::from_secs(10));
    let acceptor = Acceptor::new().config(config).registry(&registry);
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((tcp, _)) => drop(tokio::spawn(echo(acceptor.clone(), tcp))),
                // Usually the process has no more file descriptors: see `tokio_echo_server`.
                Err(error) => {
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    let stopping = async {
        stop.await;
        // The loop above continues to accept, so clients that come now are refused with status 503,
        // and try another server.
        let shutdown = registry.shutdown(CloseCode::GOING_AWAY, "restart", TIMEOUT);
        shutdown.paced(PACE).await.map_err(io::Error::other)
    };
    tokio::select! {
        never = accepting => never,
        report = stopping => report,
    }
}

/// Serves one connection. When the server shuts down, `recv_ref` returns `None`.
async fn echo(acceptor: Acceptor, tcp: TcpStream) -> io::Result<()> {
    let mut ws = acceptor.accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
