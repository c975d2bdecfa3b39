//! Shows an echo server, which compresses messages if the client agrees. The programs that test and
//! measure servers can use it.
//!
//! It serves HTTP/1.1 and HTTP/2 on one port, and agrees to the subprotocol `echo`. With
//! `--verbose`, it prints the version of HTTP of each WebSocket.
//!
//! ```sh
//! cargo run --release --example echo-axum -- --port 9001
//! cargo run --release --example echo-axum -- --port 9001 --tls chain.pem key.pem
//! ```

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, io};

use axum::Router;
use axum::extract::State;
use axum::http::Version;
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use ws_axum::{DeflateConfig, Error, Upgrade, WebSocket};

const USAGE: &str = "usage: echo-axum --port PORT [--tls CHAIN KEY] [--verbose]";

#[derive(Default)]
struct Args {
    port: Option<u16>,
    /// The files of the certificate chain and of its key.
    tls: Option<[PathBuf; 2]>,
    is_verbose: bool,
}

/// One thread serves all connections.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(args) = Args::parse(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo-axum: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            match &*word {
                "--port" => args.port = Some(words.next()?.parse().ok()?),
                "--tls" => args.tls = Some([words.next()?.into(), words.next()?.into()]),
                "--verbose" => args.is_verbose = true,
                _ => return None,
            }
        }
        args.port.is_some().then_some(args)
    }
}

async fn serve(args: Args) -> io::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], args.port.unwrap_or_default()));
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    // Every path is an echo.
    let app = Router::new()
        .fallback(any(handler))
        .with_state(args.is_verbose);
    let Some([chain, key]) = args.tls else {
        println!("ws://{address}");
        // Answers of HTTP are not delayed either.
        let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
        return axum::serve(listener, app).await;
    };
    println!("wss://{address}");
    // Offers `h2` and `http/1.1` by ALPN.
    let tls = RustlsConfig::from_pem_file(chain, key).await?;
    let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener).acceptor(acceptor);
    server.http_builder().http2().enable_connect_protocol();
    server.serve(app.into_make_service()).await
}

async fn handler(State(is_verbose): State<bool>, version: Version, upgrade: Upgrade) -> Response {
    upgrade
        .deflate(DeflateConfig::default())
        .protocols(["echo"])
        .accept(async move |ws| {
            if is_verbose {
                println!("opened over {version:?}");
            }
            echo(ws).await
        })
}

async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
