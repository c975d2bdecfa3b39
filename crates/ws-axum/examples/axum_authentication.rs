//! Shows two ways to authenticate clients: by a header, and by the first message.
//!
//! Programs send a header. Browsers cannot set headers of a WebSocket, so a page sends its token as
//! the first message. A token in the URL would end up in logs.
//!
//! ```sh
//! cargo run --example axum_authentication -- 127.0.0.1:9001
//! ```

#![forbid(unsafe_code)]

use std::time::Duration;
use std::{env, io};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::time::timeout;
use ws_axum::{CloseCode, Error, Upgrade, WebSocket};

/// The time for the first message.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    axum::serve(listener, app()).await
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/by-header", any(by_header))
        .route("/by-message", any(by_message))
}

/// The user to whom a token belongs.
struct User(&'static str);

/// Looks up a token. A real server asks its database, and compares hashes.
fn user_of(token: &str) -> Option<User> {
    (token == "secret-of-ann").then_some(User("Ann"))
}

/// An extractor that stands before `Upgrade`: without a user there is no WebSocket.
impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let value = parts.headers.get(header::AUTHORIZATION);
        let token = value.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        token.and_then(user_of).ok_or(StatusCode::UNAUTHORIZED)
    }
}

async fn by_header(user: User, upgrade: Upgrade) -> Response {
    upgrade.accept(|ws| serve(ws, user))
}

async fn by_message(upgrade: Upgrade) -> Response {
    // A token is short. Strangers cannot make the server store more.
    upgrade.max_message(4096).accept(authenticate)
}

async fn authenticate(mut ws: WebSocket) -> Result<(), Error> {
    let first = match timeout(PATIENCE, ws.recv()).await {
        Ok(message) => message?,
        Err(_) => None,
    };
    let token = first.as_ref().and_then(|message| message.as_text());
    match token.and_then(user_of) {
        Some(user) => serve(ws, user).await,
        None => ws.close(CloseCode::POLICY, "no valid token").await,
    }
}

async fn serve(mut ws: WebSocket, User(name): User) -> Result<(), Error> {
    ws.send(format!("welcome, {name}")).await?;
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}
