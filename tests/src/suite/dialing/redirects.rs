//! Redirects between servers.

use std::net::TcpStream;

use rustls::{ServerConnection, StreamOwned};
use ws_driver::ConnectError;
use ws_driver::handshake::{Proxies, RedirectError, TargetError};

use super::proxies::{SCHEMES, url};
use super::*;
use crate::http;
use crate::proxy::{Deed, Plan, Proxy, Seen};
use crate::socket::{self, RawPeer};
use crate::tls::{VERSIONS, server_config};
use crate::wire::From;

/// The response to one request: a redirect to this location, or an upgrade and an echo.
#[derive(Clone, Debug)]
enum Response {
    Redirect(u16, String),
    Upgrade,
}

fn found(location: impl Into<String>) -> Response {
    Response::Redirect(302, location.into())
}

/// Starts a server that answers one connection after the other. Returns the requests.
fn origin(
    scheme: &'static str,
    responses: impl FnOnce(SocketAddr) -> Vec<Response>,
) -> (SocketAddr, Running<Vec<String>>) {
    let (listener, address) = socket::listen();
    let responses = responses(address);
    let running = Running::start(move || {
        let answer = |response| answer_one(scheme, &listener, response);
        responses.into_iter().map(answer).collect()
    });
    (address, running)
}

fn answer_one(scheme: &str, listener: &TcpListener, response: Response) -> String {
    let (stream, _) = listener.accept().expect("a client");
    socket::configure(&stream);
    if scheme == "wss" {
        let session = ServerConnection::new(std::sync::Arc::new(server_config(&VERSIONS)));
        let session = StreamOwned::new(session.expect("a session"), stream);
        answer_over(RawPeer::over(session), response)
    } else {
        answer_over::<TcpStream>(RawPeer::new(stream), response)
    }
}

fn answer_over<T: std::io::Read + std::io::Write>(
    mut peer: RawPeer<T>,
    response: Response,
) -> String {
    let request = peer.read_head();
    match response {
        // The connection stays open until the client ends it.
        Response::Redirect(status, location) => {
            let lines = [
                &*format!("HTTP/1.1 {status} Moved"),
                &*format!("Location: {location}"),
                "Content-Length: 0",
            ];
            peer.send(&http::head(&lines));
            let _ = peer.read_to_end();
        }
        Response::Upgrade => {
            peer.send(&http::switching(&request));
            peer.send(&From::Server.text("arrived"));
            peer.read_close(1000);
            peer.send(&From::Server.close(1000, ""));
        }
    }
    request
}

/// Connects, receives the message of [`Response::Upgrade`], and closes.
fn arrive<S: Suite>(connector: Connector<S>, url: &str) {
    S::block_on(async {
        let mut ws = connector.connect(url).await.expect("the last server");
        let message = ws.recv().await.expect("a message");
        assert_eq!(message, Some("arrived".into()));
        ws.close(CloseCode::NORMAL, "").await.expect("a Close");
    });
}

fn line(request: &str) -> &str {
    request.lines().next().unwrap_or_default()
}

/// The locations of one server may have every form. The headers are sent again.
///
/// # Panics
///
/// If the test fails.
pub fn redirects_on_one_server_are_followed<S: Suite>() {
    for scheme in ["ws", "wss"] {
        let (address, running) = origin(scheme, |address| {
            let port = address.port();
            let http = scheme.replace("ws", "http");
            vec![
                Response::Redirect(301, "../v2?a=b".to_owned()),
                Response::Redirect(302, "?c".to_owned()),
                Response::Redirect(303, "/d#e".to_owned()),
                Response::Redirect(307, format!("//LOCALHOST:{port}/f")),
                Response::Redirect(308, format!("{http}://localhost:{port}/g")),
                Response::Upgrade,
            ]
        });
        let connector = connector::<S>()
            .redirects(5)
            .header("Cookie", "secret")
            .basic_auth("u", "p");
        let url = format!("{scheme}://localhost:{}/a/b?x", address.port());
        arrive::<S>(connector, &url);
        let requests = running.finish();
        let lines: Vec<_> = requests.iter().map(|request| line(request)).collect();
        let targets = ["/a/b?x", "/v2?a=b", "/v2?c", "/d", "/f", "/g"];
        assert_eq!(
            lines,
            targets.map(|target| format!("GET {target} HTTP/1.1"))
        );
        for request in requests {
            assert_eq!(http::header(&request, "Cookie"), Some("secret"));
            assert_eq!(http::header(&request, "Authorization"), Some("Basic dTpw"));
        }
    }
}

/// Another server receives no header and no authentication, except for marked headers. The names
/// `localhost` and `127.0.0.1` are different origins, and so are two ports.
///
/// # Panics
///
/// If the test fails.
pub fn another_server_receives_no_secret<S: Suite>() {
    for (from, to) in [("ws", "ws"), ("ws", "wss"), ("wss", "wss")] {
        for with_url in [false, true] {
            let (last, arrived) = origin(to, |_| vec![Response::Upgrade]);
            let location = format!("{to}://localhost:{}/", last.port());
            let (first, started) = origin(from, |_| vec![found(location)]);
            let mut connector = connector::<S>()
                .redirects(1)
                .header("X-Api-Key", "secret")
                .header_for_any_origin("User-Agent", "tests/1.0")
                .subprotocol("chat");
            let mut userinfo = "u:secret@";
            if !with_url {
                userinfo = "";
                connector = connector.bearer_auth("secret");
            }
            arrive::<S>(
                connector,
                &format!("{from}://{userinfo}localhost:{}/", first.port()),
            );
            let request = &started.finish()[0];
            assert!(http::header(request, "Authorization").is_some());
            assert_eq!(http::header(request, "X-Api-Key"), Some("secret"));
            let request = &arrived.finish()[0];
            assert!(!request.contains("secret"), "{request}");
            assert_eq!(http::header(request, "Authorization"), None);
            assert_eq!(http::header(request, "User-Agent"), Some("tests/1.0"));
            assert_eq!(
                http::header(request, "Sec-WebSocket-Protocol"),
                Some("chat")
            );
            let host = format!("localhost:{}", last.port());
            assert_eq!(http::header(request, "Host"), Some(&*host));
        }
    }
}

/// Each server of a redirect is reached on its own way, directly or through the proxy. No server
/// receives the password of the proxy.
///
/// # Panics
///
/// If the test fails.
pub fn the_proxy_is_chosen_again_for_a_redirect<S: Suite>() {
    const DIRECT: &str = "direct.test";
    const PROXIED: &str = "proxied.test";
    for (scheme, protocol, is_remote) in SCHEMES {
        for [from, to] in [[DIRECT, PROXIED], [PROXIED, DIRECT]] {
            let (last, arrived) = origin("ws", |_| vec![Response::Upgrade]);
            let location = format!("ws://{to}:{}/last", last.port());
            let (first, started) = origin("ws", |_| vec![found(location)]);
            let proxy = Proxy::start(Plan {
                protocol,
                credentials: Some(("alice", "s3cret")),
                deed: Deed::Relay,
            });
            let proxies = Proxies::from(url(scheme, "alice:s3cret@", proxy.address));
            let connector = connector::<S>()
                .redirects(1)
                .proxy(proxies.except(DIRECT))
                .resolver(move |host, port| {
                    assert!(host != PROXIED || !is_remote, "the proxy resolves it");
                    async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) }
                });
            arrive::<S>(connector, &format!("ws://{from}:{}/first", first.port()));
            for (running, target) in [(started, "/first"), (arrived, "/last")] {
                let requests = running.finish();
                assert_eq!(line(&requests[0]), format!("GET {target} HTTP/1.1"));
                assert_eq!(http::header(&requests[0], "Authorization"), None);
                assert_eq!(http::header(&requests[0], "Proxy-Authorization"), None);
            }
            let port = if to == PROXIED { last } else { first }.port();
            let expected = Seen {
                host: if is_remote { PROXIED } else { "127.0.0.1" }.to_owned(),
                port,
                credentials: Some(("alice".to_owned(), "s3cret".to_owned())),
            };
            assert_eq!(proxy.stop(), [expected], "{scheme}: {from} to {to}");
        }
    }
}

/// A redirect from `wss` to `ws` is not followed. The other server sees no connection.
///
/// # Panics
///
/// If the test fails.
pub fn tls_is_not_given_up_by_a_redirect<S: Suite>() {
    for scheme in ["ws", "http"] {
        let (plain, address) = socket::listen();
        let location = format!("{scheme}://localhost:{}/", address.port());
        let (first, started) = origin("wss", |_| vec![found(location)]);
        let connector = connector::<S>().redirects(5);
        let url = format!("wss://localhost:{}/", first.port());
        let connected = S::block_on(connector.connect(&url));
        assert!(
            matches!(
                connected,
                Err(ConnectError::Redirect(RedirectError::Insecure))
            ),
            "{connected:?}"
        );
        assert_eq!(started.finish().len(), 1);
        assert_unused(&plain);
    }
}

/// A loop ends after the maximum. Without a maximum, a redirect is a refusal.
///
/// # Panics
///
/// If the test fails.
pub fn a_loop_of_redirects_ends<S: Suite>() {
    let (address, running) = origin("ws", |_| vec![found("/a"); 4]);
    let connector = Connector::<S>::new().redirects(3);
    let connected = S::block_on(connector.connect(format!("ws://{address}/a")));
    assert!(
        matches!(
            connected,
            Err(ConnectError::Redirect(RedirectError::TooMany))
        ),
        "{connected:?}"
    );
    assert_eq!(running.finish().len(), 4);

    let (address, running) = origin("ws", |_| vec![found("/a")]);
    let connector = Connector::<S>::new();
    let refused = S::block_on(connector.connect(format!("ws://{address}/a")));
    let error = refused.expect_err("a refusal");
    let response = error.response().expect("a response");
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/a");
    assert_eq!(running.finish().len(), 1);
}

/// A location that is no URL of a WebSocket is an error, and no other server is reached.
///
/// # Panics
///
/// If the test fails.
pub fn an_unusable_location_is_an_error<S: Suite>() {
    let (other, address) = socket::listen();
    for (location, expected) in [
        (format!("ftp://{address}/"), TargetError::UnsupportedScheme),
        (
            format!("ws://u:p@{address}/"),
            TargetError::UserInfoInLocation,
        ),
        (format!("ws://{address}/a b"), TargetError::InvalidPath),
        (format!("ws://{address}/a\tb"), TargetError::InvalidPath),
        (format!("ws://{address}/\u{e9}"), TargetError::InvalidPath),
        (format!("ws://{address}/\u{85}"), TargetError::InvalidPath),
        (
            format!("ws://a b@{address}/"),
            TargetError::UserInfoInLocation,
        ),
        (format!("//{address}0000/"), TargetError::InvalidPort),
        ("//[::1/".to_owned(), TargetError::InvalidHost),
        ("ws://".to_owned(), TargetError::EmptyHost),
    ] {
        let (first, started) = origin("ws", |_| vec![found(&*location)]);
        let connector = Connector::<S>::new().redirects(5);
        let connected = S::block_on(connector.connect(format!("ws://{first}/")));
        match connected {
            Err(ConnectError::Redirect(RedirectError::Location(error))) => {
                assert_eq!(error, expected, "{location:?}");
            }
            other => panic!("{location:?}: {other:?}"),
        }
        assert_eq!(started.finish().len(), 1);
    }
    assert_unused(&other);
}
