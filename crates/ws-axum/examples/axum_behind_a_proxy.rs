//! Shows a server behind a load balancer: the address of the client, and the origins of its pages.
//!
//! ```sh
//! cargo run --example axum_behind_a_proxy -- 127.0.0.1:9001 https://app.example.com
//! ```

#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::{env, io};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use ws_axum::{CloseCode, OriginPolicy, Upgrade};

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let address = args.next();
    let origins: Vec<_> = args.collect();
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // With an address, handlers can ask whether the connection comes from the load balancer.
    let service = app(origins).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

/// Pages of `origins` may connect. If there are none, pages of the requested host may. The load
/// balancer then has to pass the header `Host` on.
pub(crate) fn app(origins: Vec<String>) -> Router {
    let policy = match &*origins {
        [] => OriginPolicy::default(),
        origins => OriginPolicy::allow_list(origins),
    };
    Router::new().route("/", any(greet)).with_state(policy)
}

async fn greet(
    State(origins): State<OriginPolicy>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    let client = client_address(peer.ip(), &headers);
    upgrade.origins(origins).accept(async move |mut ws| {
        ws.send(format!("your address is {client}")).await?;
        ws.close(CloseCode::NORMAL, "").await
    })
}

/// Returns the address that the load balancer has seen.
///
/// Each proxy appends an address to `X-Forwarded-For`. The last one is from our own load balancer.
/// Those before it may be forged. So is the whole header if the peer is not the load balancer.
fn client_address(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let last_line = headers.get_all("x-forwarded-for").iter().next_back();
    let last =
        last_line.and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    match last {
        Some(client) if is_load_balancer(peer) => client,
        _ => peer,
    }
}

/// The load balancer of this example is on the same machine.
fn is_load_balancer(peer: IpAddr) -> bool {
    peer.is_loopback()
}
