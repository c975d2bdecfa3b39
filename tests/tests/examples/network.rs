//! Tests of the example programs of ws-tokio about the way to the server.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::handshake::{Proxies, Proxy};
use ws_tokio::http::StatusCode;
use ws_tokio::http::header::WWW_AUTHENTICATE;
use ws_tokio::{ConnectError, Message, WebSocket};

use crate::{echo_server, soon};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_behind_a_proxy.rs"]
mod behind_a_proxy;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_custom_resolver.rs"]
mod custom_resolver;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_headers_and_cookies.rs"]
mod headers_and_cookies;
#[cfg(unix)]
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../../crates/ws-tokio/examples/tokio_unix_socket.rs"]
mod unix_socket;

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn start_echo_server() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(echo_server::serve(listener));
    address
}

/// Starts an HTTP proxy that connects every tunnel to `server`. It requires the user `alice` with
/// the password `secret`.
async fn start_proxy(server: SocketAddr) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(tunnel(client, server));
        }
    });
    address
}

async fn tunnel(client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let is_connect = head.starts_with("CONNECT chat.internal:80 HTTP/1.1\r\n");
    let has_password = head.contains("\r\nproxy-authorization: Basic YWxpY2U6c2VjcmV0\r\n")
        || head.contains("\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n");
    if !(is_connect && has_password) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 16\r\n\r\n\
            who are you, sir";
        return client.write_all(refusal.as_bytes()).await;
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut server = TcpStream::connect(server).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_behind_a_proxy_reaches_the_server() {
    let proxy = start_proxy(start_echo_server().await).await;
    let ask = |user: &str| {
        let proxy = Proxy::parse(&format!("http://{user}@{proxy}")).unwrap();
        behind_a_proxy::ask("ws://chat.internal/", "hello", proxy.into())
    };
    let answer = soon(ask("alice:secret")).await.unwrap();
    assert_eq!(answer, Message::from("hello"));

    let error = soon(ask("alice:wrong")).await.unwrap_err();
    let error: &ConnectError = error.downcast_ref().unwrap();
    assert!(error.to_string().contains(&format!("http://{proxy}")));
    assert!(!error.to_string().contains("alice"));
    let advice = behind_a_proxy::advice(error);
    assert_eq!(advice.as_deref(), Some("who are you, sir"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_bypasses_the_proxy_for_exceptions() {
    let server = start_echo_server().await;
    // No proxy listens on this port.
    let (listener, closed) = listen().await;
    drop(listener);
    let proxies = Proxies::from_vars(|name| match name {
        "ALL_PROXY" => Some(format!("socks5h://{closed}")),
        "NO_PROXY" => Some("localhost, 127.0.0.0/8".into()),
        _ => None,
    })
    .unwrap();
    let url = format!("ws://{server}/");
    let answer = soon(behind_a_proxy::ask(&url, "hello", proxies.clone())).await;
    assert_eq!(answer.unwrap(), Message::from("hello"));

    let answer = soon(behind_a_proxy::ask("ws://example.com/", "hello", proxies)).await;
    let error = answer.unwrap_err();
    let error: &ConnectError = error.downcast_ref().unwrap();
    let advice = behind_a_proxy::advice(error);
    assert_eq!(advice.as_deref(), Some("try again later"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_resolver_reads_the_hosts_of_the_caller() {
    let port = start_echo_server().await.port();
    // No server listens on the first address, so the client uses the second one.
    let entry = custom_resolver::parse("Chat.Internal=127.0.0.2,127.0.0.1").unwrap();
    let connector = custom_resolver::connector([entry].into());
    for host in ["chat.internal", "CHAT.internal", "localhost"] {
        let url = format!("ws://{host}:{port}/");
        let answer = soon(custom_resolver::ask(&connector, &url, "hello")).await;
        assert_eq!(answer.unwrap(), "hello", "{host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_resolver_reports_every_address_that_failed() {
    let (listener, closed) = listen().await;
    drop(listener);
    let entry = custom_resolver::parse("chat.internal=127.0.0.1,127.0.0.2").unwrap();
    let connector = custom_resolver::connector([entry].into());
    let url = format!("ws://chat.internal:{}/", closed.port());
    let error = soon(custom_resolver::ask(&connector, &url, "hello")).await;
    let error = error.unwrap_err().to_string();
    for address in ["127.0.0.1", "127.0.0.2"] {
        let address = format!("{address}:{}", closed.port());
        assert!(error.contains(&address), "{error}");
    }
}

#[test]
fn the_resolver_refuses_malformed_entries() {
    for entry in ["", "name", "name=", "name=here", "name=127.0.0.1,"] {
        assert_eq!(custom_resolver::parse(entry), None, "{entry}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unix_socket_serves_and_is_replaced() {
    let name = format!("ws-tests-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    let listener = unix_socket::bind(&path).unwrap();
    // A server that runs is not replaced.
    let error = unix_socket::bind(&path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    drop(listener);
    // A server that has ended leaves its socket behind.
    let error = soon(unix_socket::ask(&path, "hello")).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);

    tokio::spawn(unix_socket::serve(unix_socket::bind(&path).unwrap()));
    let answer = soon(unix_socket::ask(&path, "hello")).await;
    assert_eq!(answer.unwrap(), "hello");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_of_the_first_connection_opens_the_second() {
    async fn greeting(connected: Result<WebSocket, ConnectError>) -> Message {
        let mut ws = connected.unwrap();
        soon(ws.recv()).await.unwrap().expect("a greeting")
    }
    let (listener, address) = listen().await;
    tokio::spawn(headers_and_cookies::serve(listener));
    let url = format!("ws://{address}/");
    let mut cookies = headers_and_cookies::Cookies::default();

    for token in [None, Some("wrong")] {
        let refused = soon(headers_and_cookies::connect(&url, token, &mut cookies)).await;
        let error = refused.unwrap_err();
        let response = error.response().expect("a refusal");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    }
    assert!(cookies.0.is_empty());

    let token = Some("0123");
    let connected = soon(headers_and_cookies::connect(&url, token, &mut cookies)).await;
    assert_eq!(greeting(connected).await, Message::from("welcome"));
    assert_eq!(cookies.0["session"], "42");

    let connected = soon(headers_and_cookies::connect(&url, None, &mut cookies)).await;
    assert_eq!(greeting(connected).await, Message::from("welcome back"));
}
