//! A server that looks at a request before it accepts: the page it comes from, its path, its subprotocols.
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

/// The rooms there are.
const ROOMS: [&str; 2] = ["garden", "kitchen"];

/// The subprotocols this server speaks, the best first.
const SUBPROTOCOLS: [&str; 2] = ["chat.v2", "chat.v1"];

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener).await;
    Ok(())
}

/// Accepts connections for ever, each with a task of its own.
pub(crate) async fn serve(listener: TcpListener) {
    // Any web page can make its visitor's browser connect here, cookies included, and the Origin header tells which
    // page it was. By default only pages of this very host may; this service has its pages elsewhere. Programs that
    // are no browsers send no Origin, and pass.
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
                        // No WebSocket request, or a foreign page's: it was answered with the right status.
                        Err(AcceptError::Rejected(reason)) => {
                            eprintln!("{peer}: turned away: {reason}")
                        }
                        // Clients come and go.
                        Err(error) if error.is_disconnect() => {}
                        Err(error) => eprintln!("{peer}: {error}"),
                    }
                });
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Decides about one request, and serves it.
async fn welcome(offer: Offer) -> io::Result<()> {
    // The decision may take its time, to ask a database for instance: the time limit of the handshake
    // stands still.
    let path = offer.path().strip_prefix("/rooms/");
    let Some(room) = ROOMS.into_iter().find(|room| path == Some(room)) else {
        let response = refusal(StatusCode::NOT_FOUND, "there is no such room\n");
        return Ok(offer.reject_with(response).await?);
    };
    let spoken = |name: &&str| offer.protocols().any(|offered| offered == *name);
    let Some(subprotocol) = SUBPROTOCOLS.into_iter().find(spoken) else {
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

/// A response that says why. For a status alone there is `Offer::reject`.
fn refusal(status: StatusCode, why: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(why.into());
    *response.status_mut() = status;
    response
}
