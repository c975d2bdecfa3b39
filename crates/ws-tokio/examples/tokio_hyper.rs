//! Shows WebSockets and ordinary requests on one HTTP server.
//!
//! hyper reads the requests. `ws-tokio` checks a request for an upgrade, makes the answer, and then
//! uses the upgraded stream. Messages are compressed if the client offers compression.
//!
//! ```sh
//! cargo run --example tokio_hyper --features deflate -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use std::{env, io};

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::handshake::{Agreed, Answer, UpgradeRequest};
use ws_tokio::http::{Request, Response, StatusCode};
use ws_tokio::{Acceptor, Bytes, Config, DeflateConfig, OriginPolicy};

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
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                tokio::spawn(async move {
                    if let Err(error) = speak_http(tcp, peer).await {
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

async fn speak_http(tcp: TcpStream, peer: SocketAddr) -> hyper::Result<()> {
    // Without `TCP_NODELAY`, small messages would be delayed. `ws-tokio` sets this option only if a
    // `TcpStream` is passed to it directly.
    let _ = tcp.set_nodelay(true);
    let service =
        service_fn(move |request| async move { Ok::<_, Infallible>(route(request, peer)) });
    http1::Builder::new()
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades()
        .await
}

fn route(request: Request<Incoming>, peer: SocketAddr) -> Page {
    match request.uri().path() {
        "/" => page(StatusCode::OK, "connect a WebSocket to /echo\n"),
        "/echo" => upgrade(request, peer),
        _ => page(StatusCode::NOT_FOUND, "there is no such page\n"),
    }
}

/// Answers an opening request, and starts the task that serves the WebSocket after the answer.
fn upgrade(mut request: Request<Incoming>, peer: SocketAddr) -> Page {
    // This makes the checks of `Acceptor::read`. The error contains the response to send.
    let offer = match UpgradeRequest::from_request(&request, OriginPolicy::default()) {
        Ok(offer) => offer,
        Err(rejection) => return rejection.response().map(Full::from),
    };
    let accepted = match offer.accept(Answer::new().deflate(&DeflateConfig::default())) {
        Ok(accepted) => accepted,
        Err(error) => return page(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    };
    let (response, agreed) = accepted.into_parts();
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Err(error) = echo(upgrading, agreed, peer).await {
            eprintln!("{peer}: {error}");
        }
    });
    response.map(|()| Full::default())
}

/// Serves one WebSocket until it ends.
async fn echo(upgrading: OnUpgrade, agreed: Agreed, peer: SocketAddr) -> io::Result<()> {
    let upgraded = upgrading.await.map_err(io::Error::other)?;
    // These are the compression settings that `upgrade` used for the answer. `agreed` has the
    // negotiated parameters, or none if the client did not offer compression.
    let config = Config::default().deflate(DeflateConfig::default());
    let acceptor = Acceptor::new().config(config).max_message(1 << 20);
    // hyper's stream also returns the bytes that arrived after the request. So no bytes are left
    // over.
    let mut ws = acceptor.upgraded(TokioIo::new(upgraded), agreed, []);
    ws.set_peer_addr(peer);
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
