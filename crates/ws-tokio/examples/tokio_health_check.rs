//! Shows a server that answers health checks on the port of its WebSockets.
//!
//! ```sh
//! cargo run --example tokio_health_check -- 127.0.0.1:9001
//! curl http://127.0.0.1:9001/health
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use tokio::net::{TcpListener, TcpStream};
use ws_tokio::http::{Method, Response, StatusCode};
use ws_tokio::{Acceptor, AnyOffer};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener).await;
    Ok(())
}

/// Accepts connections forever, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener) {
    let acceptor = Acceptor::new();
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve_one(acceptor, tcp).await {
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

/// Serves a WebSocket until it ends, or answers one plain request.
async fn serve_one(acceptor: Acceptor, tcp: TcpStream) -> io::Result<()> {
    // With `read` or `accept`, the library itself would refuse a plain request with status 426.
    match acceptor.read_any(tcp).await? {
        AnyOffer::Upgrade(offer) => {
            let mut ws = offer.accept().await?;
            while let Some((message, out)) = ws.recv_ref().await? {
                out.feed(message).await?;
            }
            Ok(())
        }
        AnyOffer::Plain(request) => {
            let response = answer(request.method(), request.path());
            Ok(request.respond(response).await?)
        }
    }
}

/// Returns the answer to a plain request. The library omits the body in the answer to HEAD.
fn answer(method: &Method, path: &str) -> Response<Vec<u8>> {
    let (status, body) = match (path, method.as_str()) {
        ("/health", "GET" | "HEAD") => (StatusCode::OK, "well\n"),
        ("/health", _) => (StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD\n"),
        _ => (StatusCode::NOT_FOUND, "this server has WebSockets only\n"),
    };
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}
