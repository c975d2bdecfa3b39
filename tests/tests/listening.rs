//! Listeners that share a port, and the example programs about listening.

#![forbid(unsafe_code)]
#![cfg(unix)]

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use socket2::SockRef;
use tokio::time;
use ws_tests::http;
use ws_tests::socket::TOO_LONG;
use ws_tokio::handshake::IpRange;
use ws_tokio::listen::{ProxyProtocol, reuse_port};
use ws_tokio::{AcceptError, Acceptor, CloseCode, Incoming, Message};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_graceful_shutdown.rs"]
mod graceful_shutdown;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_health_check.rs"]
mod health_check;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_proxy_protocol.rs"]
mod proxy_protocol;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_reuse_port.rs"]
mod reuse;
#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-tokio/examples/tokio_socket_activation.rs"]
mod socket_activation;

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Connects, sends a message, and receives it again.
async fn assert_echoes(address: SocketAddr) {
    let echo = async {
        let mut ws = ws_tokio::connect(format!("ws://{address}/")).await.unwrap();
        ws.send("hello").await.unwrap();
        assert_eq!(ws.recv().await.unwrap(), Some(Message::from("hello")));
        ws.close(CloseCode::NORMAL, "").await.unwrap();
    };
    time::timeout(TOO_LONG, echo).await.expect("in time");
}

/// Sends a request by hand, and returns the response.
fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(TOO_LONG)).unwrap();
    std::io::Write::write_all(&mut tcp, request).unwrap();
    let mut response = String::new();
    tcp.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn listeners_share_a_port_and_do_not_block() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listeners = match reuse_port(address.parse().unwrap(), 4) {
            // A machine without IPv6.
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => continue,
            listeners => listeners.unwrap(),
        };
        assert_eq!(listeners.len(), 4);
        let shared = listeners[0].local_addr().unwrap();
        assert_ne!(shared.port(), 0);
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap(), shared);
            assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        }
    }
    assert!(reuse_port(any_port(), 0).unwrap().is_empty());
}

#[test]
fn a_port_of_another_program_is_an_error() {
    let listener = TcpListener::bind(any_port()).unwrap();
    let error = reuse_port(listener.local_addr().unwrap(), 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn every_connection_reaches_one_of_the_listeners() {
    let listeners = reuse_port(any_port(), 4).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let clients: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let mut accepted = HashMap::new();
    let start = Instant::now();
    while accepted.values().sum::<usize>() < clients.len() {
        assert!(start.elapsed() < TOO_LONG, "{accepted:?}");
        for (index, listener) in listeners.iter().enumerate() {
            while listener.accept().is_ok() {
                *accepted.entry(index).or_default() += 1;
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    // Other systems do not distribute connections.
    if cfg!(target_os = "linux") {
        assert_eq!(accepted.len(), 4, "{accepted:?}");
    }
}

#[tokio::test]
async fn the_server_with_many_threads_serves_connections() {
    let (address, threads) = reuse::start(any_port(), 3).unwrap();
    for _ in 0..20 {
        assert_echoes(address).await;
    }
    assert!(threads.iter().all(|thread| !thread.is_finished()));
}

/// The system forgets the address of a socket that the peer has reset. Such a socket is not a Unix
/// socket, so it is never trusted.
#[tokio::test]
async fn a_reset_does_not_make_a_source_trusted() {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let trusted: IpRange = "10.0.0.1".parse().unwrap();
    let proxies = ProxyProtocol::new([trusted]).trust_without_address();
    let acceptor = Acceptor::new().proxy_protocol(proxies);
    for _ in 0..10 {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let header = b"PROXY TCP4 198.51.100.66 192.0.2.1 1234 80\r\n";
        let all = [&header[..], &http::request()].concat();
        std::io::Write::write_all(&mut client, &all).unwrap();
        let linger = SockRef::from(&client).set_linger(Some(Duration::ZERO));
        linger.unwrap();
        drop(client);
        // A process that another test is just starting may hold a copy of the socket.
        let start = Instant::now();
        while server.peer_addr().is_ok() {
            assert!(start.elapsed() < TOO_LONG, "the reset does not arrive");
            time::sleep(Duration::from_millis(1)).await;
        }
        let error = acceptor.read(server).await.map(drop).unwrap_err();
        assert!(matches!(error, AcceptError::Lost), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_check_is_answered_beside_websockets() {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(health_check::serve(listener));
    assert_echoes(address).await;
    let asked = tokio::task::spawn_blocking(move || {
        let health = ask(address, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
        assert!(health.ends_with("\r\n\r\nwell\n"), "{health}");
        let head = ask(address, b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        let post = ask(address, b"POST /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
        let other = ask(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
    });
    asked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_behind_a_proxy_names_the_client() {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxies = ProxyProtocol::new(["127.0.0.0/8".parse().unwrap()]);
    tokio::spawn(proxy_protocol::serve(listener, proxies));
    let mut tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let header = b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut tcp, header)
        .await
        .unwrap();
    let connector = ws_tokio::Connector::new();
    let handshake = connector.handshake("ws://localhost/", tcp);
    let mut ws = time::timeout(TOO_LONG, handshake).await.unwrap().unwrap();
    let message = time::timeout(TOO_LONG, ws.recv()).await.unwrap().unwrap();
    assert_eq!(message, Some(Message::from("203.0.113.7:4711")));
}

#[tokio::test]
async fn a_server_that_is_stopped_closes_its_connections_and_refuses_clients() {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(graceful_shutdown::serve(listener, async {
        let _ = stopped.await;
    }));
    let mut ws = ws_tokio::connect(&url).await.unwrap();
    stop.send(()).unwrap();
    // The Close has arrived, so the shutdown has begun. It waits for the answer to the Close.
    assert!(matches!(
        ws.recv_any().await.unwrap(),
        Some(Incoming::Control(_))
    ));
    let refused = ws_tokio::connect(&url).await.unwrap_err();
    assert_eq!(
        refused
            .response()
            .map(|response| response.status().as_u16()),
        Some(503)
    );
    let ended = time::timeout(TOO_LONG, ws.recv()).await.unwrap();
    assert_eq!(ended.unwrap(), None);
    assert_eq!(ws.end().map(|end| end.code()), Some(CloseCode::GOING_AWAY));
    let report = time::timeout(TOO_LONG, serving).await.unwrap();
    assert_eq!(report.unwrap().unwrap().clean, 1);
}

/// The variable with the address that the child of the next test expects.
const EXPECTED: &str = "WS_TEST_ACTIVATED";

/// A child process that is killed in the end.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test starts itself a second time, as the server that a parent process activates.
#[tokio::test]
async fn an_activated_server_uses_the_listener_of_its_parent() {
    if let Some(expected) = env::var_os(EXPECTED) {
        let listener = socket_activation::listener().await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.to_string(), expected.to_str().unwrap());
        socket_activation::ready();
        let _ = time::timeout(TOO_LONG, socket_activation::serve(listener)).await;
        return;
    }
    let listener = TcpListener::bind(any_port()).unwrap();
    let address = listener.local_addr().unwrap();
    let path = env::temp_dir().join(format!("ws-notify-{}", process::id()));
    let _ = fs::remove_file(&path);
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(TOO_LONG)).unwrap();

    // systemd passes listeners from descriptor 3 on.
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let server = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "an_activated_server_uses_the_listener_of_its_parent",
        ])
        .env(EXPECTED, address.to_string())
        .env("NOTIFY_SOCKET", &path)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .spawn()
        .map(Server)
        .unwrap();
    let mut message = [0; 64];
    let len = systemd.recv(&mut message).expect("a notification");
    let _ = fs::remove_file(&path);
    assert_eq!(message[..len].trim_ascii(), b"READY=1");
    assert_echoes(address).await;
    drop(server);
}
