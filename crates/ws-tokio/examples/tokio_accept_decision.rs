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
    // Any web page can make the browser of its visitor connect here, with the cookies of this
    // server. The browser names the page in the Origin header. By default only pages of this host
    // are accepted. The pages of this service have another host. Clients other than browsers send
    // no Origin, and are accepted.
    let acceptor = Acceptor::new()
        .origins(OriginPolicy::allow_list(["https://app.example.com"]))
        .max_message(64 << 10);
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                // A clone shares the settings.
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor.read(tcp).await {
                        Ok(offer) => {
                            if let Err(error) = welcome(offer).await {
                                eprintln!("{peer}: {error}");
                            }
                        }
                        // Not a WebSocket request, or one of a foreign page. It has already been
                        // answered with the right status.
                        Err(AcceptError::Rejected(reason)) => {
                            eprintln!("{peer}: rejected: {reason}");
                        }
                        // The client left before it sent a request, which is not worth a report.
                        Err(error) if error.is_disconnect() => {}
                        Err(error) => eprintln!("{peer}: {error}"),
                    }
                });
            }
            // As in `tokio_echo_server`: usually no more file descriptors.
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Decides about one request, and serves the connection.
async fn welcome(offer: Offer) -> io::Result<()> {
    // The decision may take any time, for example to query a database. The handshake timeout does
    // not run meanwhile.
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

/// Returns a response with a reason. `Offer::reject` sends a status alone.
fn refusal(status: StatusCode, reason: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(reason.into());
    *response.status_mut() = status;
    response
}
