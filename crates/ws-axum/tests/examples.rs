//! Tests of the example programs.

#![forbid(unsafe_code)]

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::time::timeout;
use ws_axum::ws_tokio::{self, Connector};
use ws_axum::{CloseCode, WebSocket};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../examples/axum_authentication.rs"]
mod authentication;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../examples/axum_behind_a_proxy.rs"]
mod behind_a_proxy;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../examples/axum_chat.rs"]
mod chat;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../examples/axum_tls.rs"]
mod tls;

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    address
}

async fn text(ws: &mut WebSocket) -> String {
    let received = timeout(Duration::from_secs(10), ws.recv()).await;
    let message = received.expect("in time").unwrap().expect("a message");
    message.as_text().expect("a text").to_owned()
}

#[tokio::test]
async fn each_member_of_the_chat_gets_each_message() {
    let address = serve(chat::app()).await;
    let join = async |name: &str| {
        let url = format!("ws://{address}/chat?name={name}");
        ws_tokio::connect(&url).await.unwrap()
    };
    let mut ann = join("Ann").await;
    assert_eq!(text(&mut ann).await, "Ann has joined");
    let mut bob = join("Bob").await;
    assert_eq!(text(&mut ann).await, "Bob has joined");
    assert_eq!(text(&mut bob).await, "Bob has joined");
    bob.send("hello").await.unwrap();
    assert_eq!(text(&mut ann).await, "Bob: hello");
    assert_eq!(text(&mut bob).await, "Bob: hello");
    drop(bob);
    assert_eq!(text(&mut ann).await, "Bob has left");
}

#[tokio::test]
async fn a_token_in_a_header_is_checked_before_the_upgrade() {
    let address = serve(authentication::app()).await;
    let url = format!("ws://{address}/by-header");
    let error = ws_tokio::connect(&url).await.unwrap_err();
    assert_eq!(error.response().expect("a refusal").status(), 401);
    let connector = Connector::new().header("authorization", "Bearer secret-of-ann");
    let mut ws = connector.connect(&url).await.unwrap();
    assert_eq!(text(&mut ws).await, "welcome, Ann");
}

#[tokio::test]
async fn a_token_in_the_first_message_is_checked() {
    let address = serve(authentication::app()).await;
    let url = format!("ws://{address}/by-message");
    let mut ann = ws_tokio::connect(&url).await.unwrap();
    ann.send("secret-of-ann").await.unwrap();
    assert_eq!(text(&mut ann).await, "welcome, Ann");

    let mut stranger = ws_tokio::connect(&url).await.unwrap();
    stranger.send("a guess").await.unwrap();
    assert_eq!(stranger.recv().await.unwrap(), None);
    let end = stranger.end().expect("an end");
    let close = end.peer.as_ref().expect("a Close");
    assert_eq!(close.code, CloseCode::POLICY);
}

#[tokio::test]
async fn only_the_last_address_of_the_load_balancer_counts() {
    let url = format!("ws://{}/", serve(behind_a_proxy::app(Vec::new())).await);
    for (forwarded, expected) in [
        (None, "127.0.0.1"),
        (Some("192.0.2.7"), "192.0.2.7"),
        (Some("203.0.113.9, 192.0.2.7"), "192.0.2.7"),
        (Some("nonsense"), "127.0.0.1"),
    ] {
        let connector = Connector::new();
        let connector = match forwarded {
            Some(value) => connector.header("x-forwarded-for", value),
            None => connector,
        };
        let mut ws = connector.connect(&url).await.unwrap();
        assert_eq!(text(&mut ws).await, format!("your address is {expected}"));
        assert!(ws.recv().await.unwrap().is_none(), "a clean end");
    }
}

#[tokio::test]
async fn rest_and_web_sockets_share_their_state() {
    let address = serve(tls::app()).await;
    let mut ws = ws_tokio::connect(&format!("ws://{address}/watch"))
        .await
        .unwrap();
    ws.send("?").await.unwrap();
    assert_eq!(text(&mut ws).await, "0");
}
