//! Shows a server that decides about each request by its origin, path and subprotocols.
//!
//! ```sh
//! cargo run --example tokio_accept_decision -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use tokio::net::TcpListener;
use ws_tokio::http::{Response, StatusCode};
use ws_tokio::{AcceptError, Acceptor, Offer, OriginPolicy};

const ROOMS: [&str; 2] = ["garden", "kitchen"];

/// The subprotocols of this server, in the order of preference.
const SUBPROTOCOLS: [&str; 2] = ["chat.v2", "chat.v1"];

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
    // Any web page can make the browser of a visitor connect to this server. The browser then sends
    // the visitor's cookies for this server, and names the host of the page in the header Origin.
    // By default, only pages of the server's own host are accepted. The pages of this service are
    // on another host, so that host is allowed. Clients that are not browsers usually send no
    // Origin, and are accepted.
    let acceptor = Acceptor::new()
        .origins(OriginPolicy::allow_list(["https://app.example.com"]))
        .max_message(64 << 10);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                // Cloning is cheap, because clones share the settings.
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor.read(tcp).await {
                        Ok(offer) => {
                            if let Err(error) = welcome(offer).await {
                                eprintln!("{peer}: {error}");
                            }
                        }
                        // This is not a WebSocket request, or it comes from a page of another
                        // origin. The library has already answered with the right HTTP status.
                        Err(AcceptError::Rejected(reason)) => {
                            eprintln!("{peer}: rejected: {reason}");
                        }
                        // The client disconnected, or sent no complete request in time. This needs
                        // no report.
                        Err(error) if error.is_disconnect() => {}
                        Err(error) => eprintln!("{peer}: {error}"),
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

/// Decides about one request, and serves the connection.
async fn welcome(offer: Offer) -> io::Result<()> {
    // The handshake timeout is paused until the decision. So the decision may take any time, for
    // example to query a database.
    let path = offer.path().strip_prefix("/rooms/");
    let Some(room) = ROOMS.into_iter().find(|room| path == Some(room)) else {
        let response = refusal(StatusCode::NOT_FOUND, "there is no such room\n");
        return Ok(offer.reject_with(response).await?);
    };
    let is_offered = |name: &&str| offer.protocols().any(|offered| offered == *name);
    let Some(subprotocol) = SUBPROTOCOLS.into_iter().find(is_offered) else {
        let response = refusal(StatusCode::BAD_REQUEST, "offer chat.v2 or chat.v1\n");
        return Ok(offer.reject_with(response).await?);
    };
    let mut ws = offer
        .subprotocol(subprotocol)
        .header("X-Room", room)
        .accept()
        .await?;
    ws.feed(format!("welcome to the {room}, in {subprotocol}"))
        .await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Returns a response with a status and a body. `Offer::reject` would send only a status.
fn refusal(status: StatusCode, reason: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(reason.into());
    *response.status_mut() = status;
    response
}
