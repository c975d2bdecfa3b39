//! Proxies that refuse, fail or die.

use std::time::{Duration, Instant};

use ws_driver::handshake::{Socks5Error, Socks5Refusal, TunnelError};
use ws_driver::{ConnectError, Error, HeadError, ProxyError, ProxyErrorKind};

use super::proxies::{SCHEMES, plan, url};
use super::*;
use crate::proxy::{Deed, Plan, Protocol, Proxy};

/// The longest time until a refusal is reported. It is 1 s on an idle machine, and the total
/// deadline is 10 s.
const SOON: Duration = Duration::from_secs(5);

/// Connects through a proxy that fails. Returns its error.
fn failure<S: Suite>(scheme: &str, userinfo: &str, plan: Plan) -> ProxyError {
    let proxy = Proxy::start(plan);
    let start = Instant::now();
    let connector = connector::<S>().proxy(url(scheme, userinfo, proxy.address));
    // The proxy never connects to the server.
    let connected = S::block_on(connector.connect("ws://localhost:1/"));
    let error = connected.expect_err("no tunnel");
    assert!(
        start.elapsed() < SOON,
        "{error} after {:?}",
        start.elapsed()
    );
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(error.response().is_none(), "the server sent no response");
    let _ = proxy.stop();
    match error {
        ConnectError::Proxy(error) => {
            let name = format!("{scheme}://localhost:");
            assert!(error.proxy().starts_with(&name), "{error}");
            *error
        }
        other => panic!("{other:?}"),
    }
}

/// An HTTP proxy refuses wrong credentials with a complete response.
///
/// # Panics
///
/// If the test fails.
pub fn an_http_proxy_refuses_credentials<S: Suite>() {
    for (scheme, protocol, _) in SCHEMES {
        if protocol == Protocol::Socks5 {
            continue;
        }
        for userinfo in ["", "alice:wrong-s3cret@", "bob:s3cret@", "alice@"] {
            let plan = Plan {
                protocol,
                credentials: Some(("alice", "s3cret")),
                deed: Deed::Relay,
            };
            let error = failure::<S>(scheme, userinfo, plan);
            let response = error.response().expect("a response");
            assert_eq!(response.status(), 407);
            let realm = "Basic realm=\"tests\"";
            assert_eq!(response.headers()["proxy-authenticate"], realm);
            assert_eq!(response.body(), b"who are you?");
            assert!(!error.is_disconnect());
        }
    }
}

/// The error of a SOCKS5 proxy names the fault of the credentials.
///
/// # Panics
///
/// If the test fails.
pub fn a_socks_proxy_refuses_credentials<S: Suite>() {
    for scheme in ["socks5", "socks5h"] {
        for (userinfo, expected) in [
            ("", Socks5Error::AuthenticationRequired),
            ("alice:wrong-s3cret@", Socks5Error::AuthenticationFailed),
            ("bob:s3cret@", Socks5Error::AuthenticationFailed),
        ] {
            let plan = Plan {
                protocol: Protocol::Socks5,
                credentials: Some(("alice", "s3cret")),
                deed: Deed::Relay,
            };
            let error = failure::<S>(scheme, userinfo, plan);
            assert!(!error.is_disconnect());
            match error.kind() {
                ProxyErrorKind::Socks5(error) => assert_eq!(*error, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A refusal has status, headers and body, although the proxy keeps the connection open.
///
/// # Panics
///
/// If the test fails.
pub fn a_refusal_of_a_proxy_is_complete_and_soon<S: Suite>() {
    // The end of the body is known, or it is not, or a part is missing.
    for (status, framing, body, received) in [
        (403, "Content-Length: 7\r\n", "blocked", "blocked"),
        (502, "", "blocked", "blocked"),
        (503, "Content-Length: 100\r\n", "block", "block"),
        (
            429,
            "Transfer-Encoding: chunked\r\n",
            "4\r\nbloc\r\n",
            "bloc",
        ),
    ] {
        for (scheme, protocol) in [("http", Protocol::Http), ("https", Protocol::Https)] {
            // Each answer without an end takes a second.
            if scheme == "https" && status != 503 {
                continue;
            }
            let answer = format!(
                "HTTP/1.1 {status} X\r\nX-Squid-Error: ERR_DENIED 0\r\n{framing}\r\n{body}"
            );
            let plan = plan(protocol, Deed::Answer(answer.into_bytes()));
            let error = failure::<S>(scheme, "u:s3cret@", plan);
            let response = error.response().expect("a response");
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["x-squid-error"], "ERR_DENIED 0");
            assert_eq!(response.body(), received.as_bytes());
        }
    }
    let reply = |code| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    for (code, refusal, is_disconnect) in [
        (1, Socks5Refusal::GeneralFailure, false),
        (2, Socks5Refusal::NotAllowed, false),
        (5, Socks5Refusal::ConnectionRefused, true),
        (99, Socks5Refusal::Other(99), false),
    ] {
        let plan = plan(Protocol::Socks5, Deed::Answer(reply(code)));
        let error = failure::<S>("socks5h", "", plan);
        assert_eq!(error.is_disconnect(), is_disconnect, "{error}");
        match error.kind() {
            ProxyErrorKind::Socks5(Socks5Error::Refused(found)) => assert_eq!(*found, refusal),
            other => panic!("{other:?}"),
        }
    }
}

/// An answer that is not the protocol of the proxy, and an answer that ends early, are errors.
///
/// # Panics
///
/// If the test fails.
pub fn a_wrong_answer_of_a_proxy_is_an_error<S: Suite>() {
    type Check = fn(&ProxyErrorKind) -> bool;
    use ProxyErrorKind as K;
    let http: [(&[u8], Check); 6] = [
        (b"", |kind| matches!(kind, K::Lost)),
        (b"HTTP/1.1 200 OK\r\nX: ", |kind| matches!(kind, K::Lost)),
        (b"SSH-2.0-OpenSSH\r\n\r\n", |kind| {
            matches!(
                kind,
                K::Tunnel(TunnelError::Head(HeadError::MalformedStartLine))
            )
        }),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 S", |kind| {
            matches!(kind, K::EarlyData)
        }),
        // Neither an upgrade nor a redirect opens a tunnel.
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", |kind| {
            matches!(kind, K::Tunnel(TunnelError::Refused(_)))
        }),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", |kind| {
            matches!(kind, K::Tunnel(TunnelError::Refused(_)))
        }),
    ];
    let socks: [(&[u8], Check); 4] = [
        (b"", |kind| matches!(kind, K::Lost)),
        (b"\x05\x00\x00\x01\x7f", |kind| matches!(kind, K::Lost)),
        (b"HTTP/1.1 400 Bad\r\n\r\n", |kind| {
            matches!(kind, K::Socks5(Socks5Error::WrongVersion(b'H')))
        }),
        (b"\x05\x00\x00\x01\x7f\0\0\x01\0\x01\x81\x05hello", |kind| {
            matches!(kind, K::EarlyData)
        }),
    ];
    let http = http.map(|(answer, check)| (&SCHEMES[..2], answer, check));
    let socks = socks.map(|(answer, check)| (&SCHEMES[2..], answer, check));
    for (schemes, answer, check) in http.into_iter().chain(socks) {
        for (scheme, protocol, _) in schemes {
            let plan = plan(*protocol, Deed::AnswerAndEnd(answer.to_vec()));
            let error = failure::<S>(scheme, "", plan);
            let answer = answer.escape_ascii();
            assert!(check(error.kind()), "{scheme} {answer}: {error:?}");
        }
    }
}

/// A proxy that refuses the connection, or whose name is unknown, is named in the error.
///
/// # Panics
///
/// If the test fails.
pub fn a_proxy_that_cannot_be_reached_is_named<S: Suite>() {
    for (scheme, ..) in SCHEMES {
        let refusing = Refusing::new();
        let connector = connector::<S>().proxy(url(scheme, "u:s3cret@", refusing.address));
        let error = S::block_on(connector.connect("ws://127.0.0.1:1/")).expect_err("no proxy");
        let text = format!("{error} {error:?}");
        assert!(error.is_disconnect() && !text.contains("s3cret"), "{text}");
        let ConnectError::Proxy(error) = error else {
            panic!("{error:?}");
        };
        let ProxyErrorKind::Unreachable(unreachable) = error.kind() else {
            panic!("{error:?}");
        };
        let failed = unreachable.addresses().iter();
        let mut refused = failed.filter(|failed| failed.address == refusing.address);
        let kind = refused.next().map(|failed| failed.error.kind());
        assert_eq!(kind, Some(std::io::ErrorKind::ConnectionRefused));

        let proxy = format!("{scheme}://{}.invalid:1", "x".repeat(64));
        let proxy = ws_driver::handshake::Proxy::parse(&proxy).expect("a URL");
        let connector = connector.proxy(proxy);
        match S::block_on(connector.connect("ws://127.0.0.1:1/")) {
            Err(ConnectError::Proxy(error)) => {
                assert!(matches!(error.kind(), ProxyErrorKind::Resolve(_)));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A certificate that is not trusted is an error of TLS to the proxy, and not to the server.
///
/// # Panics
///
/// If the test fails.
pub fn an_untrusted_proxy_receives_no_request<S: Suite>() {
    let proxy = Proxy::start(plan(Protocol::Https, Deed::Relay));
    let roots = certificates().stranger.certificate();
    let tls = TlsConnector::builder().roots_pem(roots).build();
    let connector = Connector::<S>::new()
        .tls(tls.expect("the certificate of an authority"))
        .proxy(url("https", "u:s3cret@", proxy.address));
    match S::block_on(connector.connect("ws://localhost:1/")) {
        Err(ConnectError::Proxy(error)) => {
            assert!(matches!(error.kind(), ProxyErrorKind::Tls(_)), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(proxy.stop(), []);
}

/// If the proxy dies, the connection fails. It does not hang, and nothing is lost before.
///
/// # Panics
///
/// If the test fails.
pub fn the_death_of_a_proxy_fails_the_connection<S: Suite>() {
    for (scheme, protocol, _) in SCHEMES {
        for server_scheme in ["ws", "wss"] {
            // More bytes than the handshakes, and fewer than the echo.
            for deed in [Deed::CutAfter(40_000), Deed::ResetAfter(40_000)] {
                let (address, served) = echo_server::<S>(server_scheme);
                let proxy = Proxy::start(plan(protocol, deed));
                let connector = connector::<S>().proxy(url(scheme, "", proxy.address));
                let server = format!("{server_scheme}://localhost:{}/", address.port());
                let error = S::block_on(async {
                    let mut ws = connector.connect(server).await.expect("a tunnel");
                    ws.send("hello").await.expect("the proxy reads");
                    assert!(ws.recv().await.expect("an echo").is_some());
                    ws.send(&vec![7; 100_000]).await.expect("the proxy reads");
                    ws.recv().await.expect_err("the proxy is dead")
                });
                assert!(
                    matches!(error, Error::Lost | Error::Io(_)),
                    "{scheme} {server_scheme}: {error:?}"
                );
                let _ = proxy.stop();
                // The server loses its connection, too.
                assert!(served.finish().is_err());
            }
        }
    }
}
