//! Shows headers in both directions: a client logs in with a bearer token, receives a cookie, and
//! connects again with the cookie alone. The server runs in the same program.
//!
//! ```sh
//! cargo run --example tokio_headers_and_cookies
//! ```

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io;

use tokio::net::{TcpListener, TcpStream};
use ws_tokio::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use ws_tokio::http::{HeaderMap, Response, StatusCode};
use ws_tokio::{Acceptor, ConnectError, Connector, Message, WebSocket};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    tokio::spawn(serve(listener));

    let mut cookies = Cookies::default();
    for token in [Some("0123"), None] {
        let mut ws = connect(&url, token, &mut cookies).await?;
        let greeting = ws.recv().await?;
        let greeting = greeting.as_ref().and_then(Message::as_text);
        println!("{greeting:?}, with the cookies {:?}", cookies.0);
    }
    Ok(())
}

/// Connects with the cookies of earlier connections and, if there is one, with a token. Stores the
/// cookies of the response.
pub(crate) async fn connect(
    url: &str,
    token: Option<&str>,
    cookies: &mut Cookies,
) -> Result<WebSocket, ConnectError> {
    let mut connector = Connector::new();
    if let Some(token) = token {
        connector = connector.bearer_auth(token);
    }
    if let Some(line) = cookies.to_header() {
        connector = connector.header(COOKIE, line);
    }
    let connected = connector.connect(url).await;
    match &connected {
        Ok(ws) => {
            // `None` only for connections that another HTTP library has opened.
            if let Some(response) = ws.response() {
                cookies.store(response.headers());
            }
        }
        // A refusal may have cookies, too.
        Err(error) => {
            if let Some(response) = error.response() {
                cookies.store(response.headers());
            }
        }
    }
    connected
}

/// The cookies of one server: names and values. A library such as `cookie_store` also knows their
/// domains, paths and lifetimes, which a client of several servers needs.
#[derive(Default)]
pub(crate) struct Cookies(pub(crate) BTreeMap<String, String>);

impl Cookies {
    /// Stores the cookies of a response. Each `Set-Cookie` has one cookie and its attributes (RFC
    /// 6265 §4.1).
    fn store(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let text = line.to_str().unwrap_or_default();
            let pair = text.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.0.insert(name.trim().into(), value.trim().into());
            }
        }
    }

    /// Returns the value of the `Cookie` header (RFC 6265 §4.2).
    fn to_header(&self) -> Option<String> {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// Accepts connections until this fails, and serves each in its own task.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        tokio::spawn(greet(tcp));
    }
}

/// Accepts clients with the token or with the cookie, and refuses all others.
async fn greet(tcp: TcpStream) -> io::Result<()> {
    let offer = Acceptor::new().read(tcp).await?;
    let headers = offer.headers();
    // A real server has many sessions. It compares secrets in constant time.
    let has_cookie = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split("; "))
        .any(|pair| pair == "session=42");
    let has_token = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value == "Bearer 0123");
    let mut ws = if has_cookie {
        offer.accept().await?
    } else if has_token {
        // With TLS, add `; Secure`.
        let cookie = "session=42; HttpOnly; SameSite=Strict";
        offer.header(SET_COOKIE, cookie).accept().await?
    } else {
        let refusal = Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header(WWW_AUTHENTICATE, "Bearer")
            .body(b"log in with a token\n".to_vec());
        return Ok(offer
            .reject_with(refusal.map_err(io::Error::other)?)
            .await?);
    };
    let greeting = if has_cookie {
        "welcome back"
    } else {
        "welcome"
    };
    ws.send(greeting).await?;
    while ws.recv().await?.is_some() {}
    Ok(())
}
