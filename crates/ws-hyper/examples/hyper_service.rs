//! Shows WebSockets and ordinary requests on one server of hyper.
//!
//! Messages are compressed if the client offers compression.
//!
//! ```sh
//! cargo run --example hyper_service --features deflate,tokio -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use std::{env, io};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use ws_hyper::{Refusal, Upgrade, Upgrading};
use ws_tokio::{Acceptor, Config, DeflateConfig, Tokio};

type Page = Response<Full<Bytes>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener).await;
    Ok(())
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener) {
    let config = Config::default().deflate(DeflateConfig::default());
    let acceptor = Acceptor::new().config(config).max_message(1 << 20);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Err(error) = speak_http(tcp, acceptor, peer).await {
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

async fn speak_http(tcp: TcpStream, acceptor: Acceptor, peer: SocketAddr) -> hyper::Result<()> {
    let service = service_fn(async |request| {
        let page = route(&acceptor, request, peer);
        Ok::<_, Infallible>(page.unwrap_or_else(|refusal| refusal.response()))
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades()
        .await
}

fn route(
    acceptor: &Acceptor,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Page, Refusal> {
    match request.uri().path() {
        "/" => Ok(page(StatusCode::OK, "connect a WebSocket to /echo\n")),
        "/echo" => {
            let (response, upgrading) = Upgrade::new(acceptor, request)?.accept()?;
            tokio::spawn(async move {
                if let Err(error) = echo(upgrading).await {
                    eprintln!("{peer}: {error}");
                }
            });
            Ok(response)
        }
        _ => Ok(page(StatusCode::NOT_FOUND, "there is no such page\n")),
    }
}

/// Serves one WebSocket until it ends. hyper sends the answer first.
async fn echo(upgrading: Upgrading<Tokio>) -> io::Result<()> {
    let mut ws = upgrading.await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

fn page(status: StatusCode, text: &str) -> Page {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
