//! Shows an echo server: the programs that test and measure servers can use it.
//!
//! ```sh
//! cargo run --release --example echo-axum -- --port 9001 --deflate
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
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (port, has_deflate) = match args[..] {
        ["--port", port] => (port, false),
        ["--port", port, "--deflate"] | ["--deflate", "--port", port] => (port, true),
        _ => ("", false),
    };
    let Ok(port) = port.parse() else {
        eprintln!("usage: echo-axum --port PORT [--deflate]");
        return ExitCode::from(2);
    };
    match serve(port, app(has_deflate)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo-axum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: u16, app: Router) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("ws://{}", listener.local_addr()?);
    // Answers of HTTP are not delayed either.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    axum::serve(listener, app).await
}

/// Every path is an echo.
pub(crate) fn app(has_deflate: bool) -> Router {
    let handler = async move |upgrade: Upgrade| -> Response {
        match has_deflate {
            true => upgrade.deflate(DeflateConfig::default()).accept(echo),
            false => upgrade.accept(echo),
        }
    };
    Router::new().fallback(any(handler))
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
