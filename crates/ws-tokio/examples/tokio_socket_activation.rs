//! Shows a server that takes its listener from systemd. The listener stays open during a restart,
//! so no client is refused.
//!
//! ```sh
//! cargo build --example tokio_socket_activation
//! systemd-socket-activate -l 127.0.0.1:9001 target/debug/examples/tokio_socket_activation
//! ```
//!
//! The two units of a service:
//!
//! ```ini
//! # echo.socket
//! [Socket]
//! ListenStream=9001
//!
//! # echo.service
//! [Service]
//! Type=notify
//! ExecStart=/usr/local/bin/tokio_socket_activation
//! ```

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = listener().await?;
    println!("listening on ws://{}", listener.local_addr()?);
    ready();
    serve(listener).await;
    Ok(())
}

/// Returns the listener that the parent process has opened, or a new one.
pub(crate) async fn listener() -> io::Result<TcpListener> {
    match ListenFd::from_env().take_tcp_listener(0)? {
        Some(listener) => {
            // Listeners block when the parent process passes them.
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        }
        None => TcpListener::bind("127.0.0.1:9001").await,
    }
}

/// Reports to systemd that the server is ready. Without systemd, this does nothing.
pub(crate) fn ready() {
    #[cfg(unix)]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        eprintln!("cannot notify systemd: {error}");
    }
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                tokio::spawn(async move {
                    if let Err(error) = echo(tcp).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // Usually the process has no more file descriptors: see `tokio_echo_server`.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn echo(tcp: TcpStream) -> io::Result<()> {
    let mut ws = ws_tokio::accept(tcp).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
