//! Shows REST and WebSockets on one port over TLS, with HTTP/1.1 and HTTP/2.
//!
//! ```sh
//! cargo run --example axum_tls -- 127.0.0.1:9001 chain.pem key.pem
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, process};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get};
use axum_server::tls_rustls::RustlsConfig;
use ws_axum::Upgrade;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    let [address, chain, key] = &args[..] else {
        eprintln!("usage: axum_tls ADDRESS CHAIN KEY");
        process::exit(2);
    };
    let tls = RustlsConfig::from_pem_file(chain, key).await?;
    let address: SocketAddr = address.parse()?;
    println!("listening on https://{address} and wss://{address}/count");
    let mut server = axum_server::bind_rustls(address, tls);
    // Otherwise a browser that has loaded a page over HTTP/2 connects again for its WebSocket.
    server.http_builder().http2().enable_connect_protocol();
    server.serve(app().into_make_service()).await?;
    Ok(())
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/count", get(read).post(increment))
        .route("/watch", any(watch))
        .with_state(Arc::default())
}

async fn read(State(count): State<Arc<AtomicU64>>) -> String {
    count.load(Ordering::Relaxed).to_string()
}

async fn increment(State(count): State<Arc<AtomicU64>>) -> String {
    (count.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

/// Answers each message with the count.
async fn watch(State(count): State<Arc<AtomicU64>>, upgrade: Upgrade) -> Response {
    upgrade.accept(async move |mut ws| {
        while ws.recv().await?.is_some() {
            ws.send(count.load(Ordering::Relaxed).to_string()).await?;
        }
        Ok::<_, ws_axum::Error>(())
    })
}
