//! Shows an echo server, which compresses messages if the client agrees. The programs that test and
//! measure servers can use it.
//!
//! ```sh
//! cargo run --release --example echo-axum -- --port 9001
//! ```

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::{env, io};

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use ws_axum::{DeflateConfig, Error, Upgrade, WebSocket};

/// One thread serves all connections.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let port = match &args[..] {
        [option, port] if option == "--port" => port.parse().ok(),
        _ => None,
    };
    let Some(port) = port else {
        eprintln!("usage: echo-axum --port PORT");
        return ExitCode::from(2);
    };
    match serve(port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo-axum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("ws://{}", listener.local_addr()?);
    // Answers of HTTP are not delayed either.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    // Every path is an echo.
    axum::serve(listener, Router::new().fallback(any(handler))).await
}

async fn handler(upgrade: Upgrade) -> Response {
    upgrade.deflate(DeflateConfig::default()).accept(echo)
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
