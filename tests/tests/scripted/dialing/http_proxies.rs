//! HTTP proxies: the method CONNECT, over TCP and over TLS.

use std::io::ErrorKind;
use std::time::Duration;

use allocation_counter::measure;
use ws_driver::handshake::{HeadError, MAX_REFUSAL_BODY_LEN, Proxies, Proxy, TunnelError};
use ws_driver::{ClientError, ConnectError, ConnectPhase, Connector, ProxyErrorKind, TlsErrorKind};
use ws_tests::http;
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Server};

use super::{
    MILLISECOND, SECOND, connect, connector, fail, fail_at_proxy, io_kind, serve, texts, through,
};

const PROXY: &str = "127.0.0.1:3128";
const OPENED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Returns a connector through the HTTP proxy at [`PROXY`], which follows this script.
fn by(server: Server) -> Connector<Manual> {
    network::clear();
    serve(PROXY, server);
    through("http://proxy:3128")
}

#[test]
fn a_tunnel_opens_in_one_piece_and_byte_by_byte() {
    for (scheme, url) in [
        ("http", "ws://server/a"),
        ("http", "wss://server/a"),
        ("https", "ws://server/a"),
        ("https", "wss://server/a"),
    ] {
        for opened in [
            OPENED,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        ] {
            for piece in [usize::MAX, 1, 7] {
                network::clear();
                let mut server = Server::new();
                if scheme == "https" {
                    server = server.hello("proxy");
                }
                server = server.answer(opened);
                if url.starts_with("wss") {
                    server = server.hello("server");
                }
                serve(PROXY, server.upgrade().in_pieces(piece));
                let (result, _) = connect(&through(&format!("{scheme}://proxy:3128")), url);
                result.unwrap();
                assert_eq!(network::lookups(), ["proxy:3128"]);
                let heads = network::heads();
                let port = if url.starts_with("wss") { 443 } else { 80 };
                assert_eq!(
                    heads[0],
                    format!("CONNECT server:{port} HTTP/1.1\r\nHost: server:{port}\r\n\r\n")
                );
                assert!(heads[1].starts_with("GET /a HTTP/1.1\r\nHost: server\r\n"));
            }
        }
    }
}

#[test]
fn each_recipient_gets_its_own_credentials() {
    serve(PROXY, Server::new().answer(OPENED).upgrade());
    let connector = through("http://alice:secret@proxy:3128").header("X-Api-Key", "0123");
    connect(&connector, "ws://bob:hidden@server/").0.unwrap();
    let [to_proxy, to_server] = &network::heads()[..] else {
        panic!("two heads");
    };
    assert_eq!(
        http::header(to_proxy, "Proxy-Authorization"),
        Some("Basic YWxpY2U6c2VjcmV0")
    );
    assert_eq!(http::header(to_proxy, "Authorization"), None);
    assert_eq!(http::header(to_proxy, "X-Api-Key"), None);
    assert_eq!(
        http::header(to_server, "Authorization"),
        Some("Basic Ym9iOmhpZGRlbg==")
    );
    assert_eq!(http::header(to_server, "Proxy-Authorization"), None);
    assert_eq!(http::header(to_server, "X-Api-Key"), Some("0123"));
}

#[test]
fn an_exception_is_reached_without_the_proxy() {
    serve("127.0.0.1:80", Server::new().upgrade());
    let proxies = Proxies::from(Proxy::parse("http://proxy:3128").unwrap()).except("server");
    connect(&connector().proxy(proxies), "ws://server/")
        .0
        .unwrap();
    assert_eq!(network::lookups(), ["server:80"]);
}

#[test]
fn data_before_the_request_is_early() {
    for early in [
        &b"x"[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        &[b'x'; 70_000],
    ] {
        for url in ["ws://server/", "wss://server/"] {
            let connector = by(Server::new().answer([OPENED, early].concat()));
            let error = fail_at_proxy(&connector, url);
            assert!(
                matches!(error.kind(), ProxyErrorKind::EarlyData),
                "{error:?}"
            );
            assert!(!error.is_disconnect());
        }
    }
    // Even the body that a header announces.
    let opened = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    let error = fail_at_proxy(&by(Server::new().answer(opened)), "ws://server/");
    assert!(
        matches!(error.kind(), ProxyErrorKind::EarlyData),
        "{error:?}"
    );
}

#[test]
fn a_refusal_whose_body_never_ends_is_reported_a_second_after_its_head() {
    for status in [407, 403, 502, 302] {
        for piece in [usize::MAX, 1] {
            let head = format!("HTTP/1.1 {status} No\r\nProxy-Authenticate: Basic\r\n\r\n");
            let server = Server::new().wait(2 * SECOND).answer(head);
            let server = (0..30).fold(server, |server, _| server.send("b").wait(300 * MILLISECOND));
            let connector = by(server.in_pieces(piece)).redirects(3);
            let (error, time) = fail(&connector, "ws://server/");
            let ConnectError::Proxy(error) = error else {
                panic!("{error:?}");
            };
            let response = error.response().expect("a refusal");
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["proxy-authenticate"], "Basic");
            assert_eq!(response.body(), b"bbbb");
            assert_eq!(time, 3 * SECOND);
            assert!(!error.is_disconnect());
        }
    }
}

#[test]
fn a_refusal_waits_no_longer_than_the_deadline() {
    let server = Server::new().answer("HTTP/1.1 502 No\r\n\r\nbecause");
    let connector = by(server).phase_timeout(ConnectPhase::Proxy, 300 * MILLISECOND);
    let (error, time) = fail(&connector, "ws://server/");
    assert!(
        matches!(&error, ConnectError::Proxy(e) if e.response().is_some()),
        "{error:?}"
    );
    assert_eq!(time, 300 * MILLISECOND);
}

#[test]
fn a_refusal_with_a_complete_body_takes_no_time() {
    for (head, end) in [
        ("HTTP/1.1 403 No\r\nContent-Length: 7\r\n\r\nbecause", false),
        (
            "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nbecause\r\n0\r\n\r\n",
            false,
        ),
        ("HTTP/1.1 403 No\r\n\r\nbecause", true),
        ("HTTP/1.1 403 No\r\nContent-Length: 70\r\n\r\nbecause", true),
    ] {
        let mut server = Server::new().answer(head);
        if end {
            server = server.end();
        }
        let (error, time) = fail(&by(server), "ws://server/");
        let ConnectError::Proxy(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.response().expect("a refusal").body(), b"because");
        assert_eq!(time, Duration::ZERO);
    }
}

#[test]
fn the_body_of_a_refusal_is_bounded() {
    let server = Server::new()
        .answer("HTTP/1.1 403 No\r\n\r\n")
        .send_forever([b'x'; 1000]);
    let error = fail_at_proxy(&by(server), "ws://server/");
    let len = error.response().expect("a refusal").body().len();
    assert_eq!(len, MAX_REFUSAL_BODY_LEN);
}

#[test]
fn an_end_at_every_byte_of_the_answer_is_a_loss() {
    for len in 0..OPENED.len() {
        for piece in [usize::MAX, 1] {
            let server = Server::new().answer(&OPENED[..len]).end();
            let error = fail_at_proxy(&by(server.in_pieces(piece)), "ws://server/");
            assert!(
                matches!(error.kind(), ProxyErrorKind::Lost),
                "{len}: {error:?}"
            );
            assert!(error.is_disconnect());
            let server = Server::new().answer(&OPENED[..len]).reset();
            let error = fail_at_proxy(&by(server.in_pieces(piece)), "ws://server/");
            assert_eq!(
                io_kind(error.kind()),
                Some(ErrorKind::ConnectionReset),
                "{len}"
            );
        }
    }
    // After the head, the server ends the connection.
    let (error, _) = fail(&by(Server::new().answer(OPENED).end()), "ws://server/");
    assert!(matches!(error, ConnectError::Lost), "{error:?}");
}

#[test]
fn a_proxy_that_sends_a_byte_now_and_then_ends_at_the_deadline() {
    for dripping in [
        &b"HTTP/1.1 200 OK\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"[..],
        &OPENED[..30],
    ] {
        let drip = |server: Server, byte: &u8| server.wait(SECOND / 2).send([*byte]);
        let server = dripping.iter().fold(Server::new().answer(""), drip);
        let (error, time) = fail(&by(server), "ws://server/");
        assert!(
            matches!(error, ConnectError::Timeout(ConnectPhase::Proxy)),
            "{error:?}"
        );
        assert_eq!(time, 10 * SECOND);
    }
}

#[test]
fn an_endless_head_is_refused_in_bounded_memory() {
    for (first, again) in [
        ("HTTP/1.1 200 OK\r\n", "A: b\r\n"),
        ("HTTP/1.1 200 OK\r\n", "aaaaaaaaaaaaaaaaa"),
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        ("\r\n", "H"),
    ] {
        let again = again.repeat(10_000);
        let connector = by(Server::new().answer(first).send_forever(again));
        let mut result = None;
        let memory = measure(|| result = Some(fail_at_proxy(&connector, "ws://server/")));
        let error = result.expect("an error");
        let ProxyErrorKind::Tunnel(TunnelError::Head(_)) = error.kind() else {
            panic!("{error:?}");
        };
        let most = 1 << 20;
        assert!(memory.bytes_max < most, "{} bytes", memory.bytes_max);
    }
}

#[test]
fn an_answer_that_is_not_http_is_an_error_of_the_proxy() {
    for (answer, expected) in [
        (&b"SSH-2.0-OpenSSH\r\n"[..], HeadError::MalformedStartLine),
        (b"\x05\x00\r\n", HeadError::MalformedStartLine),
    ] {
        let error = fail_at_proxy(&by(Server::new().answer(answer)), "ws://server/");
        assert!(
            matches!(error.kind(), ProxyErrorKind::Tunnel(TunnelError::Head(e)) if *e == expected),
            "{error:?}"
        );
    }
}

#[test]
fn errors_of_tls_name_the_end_that_failed() {
    for (script, end) in [
        (Server::new().expect("hello proxy\n").send("no\n"), "proxy"),
        (
            Server::new()
                .hello("proxy")
                .answer(OPENED)
                .expect("hello server\n")
                .send("no\n"),
            "server",
        ),
    ] {
        network::clear();
        serve("127.0.0.1:443", script);
        let (error, _) = fail(&through("https://proxy"), "wss://server/");
        match (error, end) {
            (ConnectError::Tls(error), "server") => assert_eq!(error.kind(), TlsErrorKind::NotTls),
            (ConnectError::Proxy(error), "proxy") => {
                assert!(matches!(error.kind(), ProxyErrorKind::Tls(_)), "{error:?}");
            }
            (error, _) => panic!("{end}: {error:?}"),
        }
    }
}

#[test]
fn without_tls_nothing_is_tried() {
    let proxied = |url| Connector::<Manual>::new().proxy(Proxy::parse(url).unwrap());
    for (connector, url) in [
        (proxied("https://proxy"), "ws://server/"),
        (proxied("http://proxy"), "wss://server/"),
        (Connector::new(), "wss://server/"),
        (Connector::new().unix_socket("/run/server"), "wss://server/"),
    ] {
        let (error, time) = fail(&connector, url);
        assert!(matches!(error, ConnectError::TlsUnavailable), "{error:?}");
        assert_eq!(time, Duration::ZERO);
        assert!(network::attempts().is_empty() && network::lookups().is_empty());
    }
}

#[test]
fn errors_of_reaching_the_proxy_are_its_errors() {
    network::name("proxy", Answer::failure(ErrorKind::NotFound));
    let proxied = through("http://proxy:3128");
    let error = fail_at_proxy(&proxied, "ws://server/");
    assert!(
        matches!(error.kind(), ProxyErrorKind::Resolve(_)),
        "{error:?}"
    );
    assert_eq!(error.proxy(), "http://proxy:3128");

    network::name(
        "proxy",
        Answer::success(network::addresses("192.0.2.1:1 192.0.2.2:1")),
    );
    for address in ["192.0.2.1:1", "192.0.2.2:1"] {
        network::at(address, Answer::failure(ErrorKind::ConnectionRefused));
    }
    let error = fail_at_proxy(&proxied, "ws://server/");
    match error.kind() {
        ProxyErrorKind::Unreachable(unreachable) => assert_eq!(unreachable.addresses().len(), 2),
        other => panic!("{other:?}"),
    }
    assert!(error.is_disconnect());
}

#[test]
fn a_refusal_of_the_server_is_not_one_of_the_proxy() {
    let refusal = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    let (error, _) = fail(
        &by(Server::new().answer(OPENED).answer(refusal)),
        "ws://server/",
    );
    assert!(
        matches!(&error, ConnectError::Handshake(ClientError::Refused(_))),
        "{error:?}"
    );
}

#[test]
fn unusable_credentials_are_reported_before_anything_is_tried() {
    let (error, _) = fail(&through("http://a%3Ab:secret@proxy"), "ws://server/");
    match &error {
        ConnectError::Proxy(error) => assert!(
            matches!(
                error.kind(),
                ProxyErrorKind::Tunnel(TunnelError::Credentials(_))
            ),
            "{error:?}"
        ),
        other => panic!("{other:?}"),
    }
    assert!(!texts(&error).contains("secret"));
    assert!(network::attempts().is_empty() && network::lookups().is_empty());
}

#[test]
fn no_error_has_the_credentials() {
    let refused = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    let scripts = [
        Server::new().end(),
        Server::new().reset(),
        Server::new().answer(refused),
        Server::new().answer("HTTP/1.1 200 OK\r\n\r\nx"),
        Server::new().answer("HTTP/9"),
        Server::new().answer("\r\n\r\n\r\n"),
        Server::new().answer(OPENED).end(),
        Server::new().answer(OPENED).answer(refused),
        Server::new().answer(OPENED).redirect("/loop"),
        Server::new().answer(OPENED).redirect("http://eve@x/"),
        Server::new(),
    ];
    let answers = scripts.into_iter().map(Answer::success);
    for answer in answers.chain([Answer::failure(ErrorKind::ConnectionRefused)]) {
        network::clear();
        network::at(PROXY, answer);
        let connector = through("http://puser:psecret@proxy:3128").redirects(2);
        let (error, _) = fail(&connector, "ws://uuser:usecret@server/");
        let texts = texts(&error);
        // The base64 forms of both pairs follow.
        let hidden = [
            "psecret", "puser", "usecret", "uuser", "cHVzZXI6", "dXVzZXI6",
        ];
        for hidden in hidden {
            assert!(!texts.contains(hidden), "{texts}");
        }
        assert!(!format!("{connector:?}").contains("secret"));
    }
}
