//! Shows an echo server, which compresses messages if the client agrees. It serves HTTP/1.1 and
//! HTTP/2 on one port. The programs that test and measure servers can use it.
//!
//! ```sh
//! cargo run --release --example echo-axum -- --port 9001
//! cargo run --release --example echo-axum -- --tls chain.pem key.pem --port 9001
//! ```

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::{env, io};

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use axum_server::tls_rustls::RustlsConfig;
use tokio::net::TcpListener;
use ws_axum::{DeflateConfig, Error, Upgrade, WebSocket};

/// One thread serves all connections.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let served = match args[..] {
        ["--port", port] => serve(port).await,
        ["--tls", chain, key, "--port", port] => serve_tls(port, chain, key).await,
        _ => {
            eprintln!("usage: echo-axum [--tls CHAIN KEY] --port PORT");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo-axum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(port: &str) -> io::Result<TcpListener> {
    TcpListener::bind(format!("127.0.0.1:{port}")).await
}

/// Serves plain HTTP. A client uses HTTP/2 if it knows that the server does (RFC 9113 §3.3).
async fn serve(port: &str) -> io::Result<()> {
    let listener = listen(port).await?;
    println!("ws://{}", listener.local_addr()?);
    // Answers of HTTP are not delayed either.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    axum::serve(listener, app()).await
}

/// Serves HTTP over TLS, where ALPN negotiates the version.
async fn serve_tls(port: &str, chain: &str, key: &str) -> io::Result<()> {
    let listener = listen(port).await?;
    println!("wss://{}", listener.local_addr()?);
    let tls = RustlsConfig::from_pem_file(chain, key).await?;
    let mut server = axum_server::from_tcp_rustls(listener.into_std()?, tls)?;
    // axum-server does not enable WebSockets over HTTP/2 by itself, unlike `axum::serve`.
    server.http_builder().http2().enable_connect_protocol();
    server.serve(app().into_make_service()).await
}

/// Every path is an echo.
fn app() -> Router {
    Router::new().fallback(any(handler))
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
