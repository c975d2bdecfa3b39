//! Redirects of a server.

use std::pin::pin;

use ws_driver::handshake::{RedirectError, TargetError};
use ws_driver::{ConnectError, Connector};
use ws_tests::exec::Task;
use ws_tests::http;
use ws_tests::scripted::network::{self, Answer};
use ws_tests::scripted::{Manual, Server};
use ws_tests::{clock, steps};

use super::{SECOND, connect, connector, fail, serve};

const A: &str = "127.0.0.1:80";
const B: &str = "192.0.2.2:80";

/// Returns the requested paths.
fn paths() -> Vec<String> {
    let heads = network::heads().into_iter();
    heads
        .map(|head| head.split(' ').nth(1).expect("a path").to_owned())
        .collect()
}

/// Adds the answers of a server, one for each connection.
fn serve_each(address: &str, servers: impl IntoIterator<Item = Server>) {
    for server in servers {
        serve(address, server);
    }
}

fn redirect_error(connector: &Connector<Manual>, url: &str) -> RedirectError {
    match fail(connector, url).0 {
        ConnectError::Redirect(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chain_of_redirects_with_relative_locations_is_followed() {
    let chain = [
        "/b/c?d",
        "e",
        "?f",
        "../g#h",
        "//127.0.0.1/i",
        "http://127.0.0.1:80/j",
    ];
    for piece in [usize::MAX, 1] {
        network::clear();
        let hops = chain.map(|location| Server::new().redirect(location));
        let servers = hops.into_iter().chain([Server::new().upgrade()]);
        serve_each(A, servers.map(|server| server.in_pieces(piece)));
        let connector = connector().redirects(chain.len());
        connect(&connector, "ws://127.0.0.1/a").0.unwrap();
        assert_eq!(
            paths(),
            ["/a", "/b/c?d", "/b/e", "/b/e?f", "/g", "/i", "/j"]
        );
    }
}

#[test]
fn each_connection_is_dropped_before_the_next_begins() {
    serve_each(
        A,
        [
            Server::new().redirect("/1"),
            Server::new().redirect("/2"),
            Server::new().upgrade(),
        ],
    );
    let connector = connector().redirects(2);
    let mut connecting = pin!(network::serving(connector.connect("ws://server/")));
    let mut task = Task::new();
    while task.poll(connecting.as_mut()).is_pending() {
        assert!(network::live() <= 1);
        assert!(task.is_woken() || clock::advance_to_alarm());
    }
    assert_eq!(network::peers().len(), 3);
}

#[test]
fn a_loop_ends_after_the_maximum() {
    for max in [1, 3] {
        network::clear();
        serve(A, Server::new().redirect("/"));
        let error = redirect_error(&connector().redirects(max), "ws://server/");
        assert_eq!(error, RedirectError::TooMany);
        assert_eq!(network::peers().len(), max + 1);
    }
}

#[test]
fn without_redirects_the_redirect_is_a_refusal() {
    serve(A, Server::new().redirect("http://u@other/"));
    for connector in [connector(), connector().redirects(5).redirects(0)] {
        let (error, _) = fail(&connector, "ws://server/");
        let response = error.response().expect("a refusal");
        assert_eq!(response.status(), 302);
        assert_eq!(response.headers()["location"], "http://u@other/");
    }
    assert_eq!(network::lookups().len(), 2);
}

#[test]
fn a_redirect_that_cannot_be_followed_is_reported() {
    for (location, expected) in [
        ("ws://server/", RedirectError::Insecure),
        ("http://other/", RedirectError::Insecure),
        (
            "ftp://server/",
            RedirectError::Location(TargetError::UnsupportedScheme),
        ),
        (
            "https://u:p@server/",
            RedirectError::Location(TargetError::UserInfoInLocation),
        ),
    ] {
        network::clear();
        serve(
            "127.0.0.1:443",
            Server::new().hello("server").redirect(location),
        );
        let error = redirect_error(&connector().redirects(3), "wss://server/");
        assert_eq!(error, expected);
        assert_eq!(network::attempts().len(), 1);
    }
    network::clear();
    serve(
        A,
        Server::new().answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    );
    let (error, _) = fail(&connector().redirects(3), "ws://server/");
    assert_eq!(error.response().expect("a refusal").status(), 302);
}

#[test]
fn a_redirect_may_lead_to_tls() {
    serve(A, Server::new().redirect("https://server/b"));
    serve("127.0.0.1:443", Server::new().hello("server").upgrade());
    connect(&connector().redirects(1), "ws://server/a")
        .0
        .unwrap();
    assert_eq!(paths(), ["/a", "/b"]);
}

#[test]
fn a_redirect_whose_body_never_ends_is_followed_after_a_second() {
    let redirect = Server::new().answer("HTTP/1.1 307 No\r\nLocation: /b\r\n\r\nmoved");
    serve_each(A, [redirect, Server::new().upgrade()]);
    let (result, time) = steps::timed(|| connect(&connector().redirects(1), "ws://server/").0);
    result.unwrap();
    assert_eq!(time, SECOND);
}

/// Two origins. The first redirects to the second, and the second back to the first. In between,
/// each redirects to itself.
fn there_and_back() {
    network::clear();
    network::name("other", Answer::success(network::addresses(B)));
    serve_each(
        A,
        [
            Server::new().redirect("/2"),
            Server::new().redirect("ws://other/3"),
            Server::new().upgrade(),
        ],
    );
    serve_each(
        B,
        [
            Server::new().redirect("/4"),
            Server::new().redirect("http://server/5"),
        ],
    );
}

#[test]
fn another_origin_gets_no_secrets_and_neither_does_the_first_one_afterwards() {
    let connectors = [
        connector().basic_auth("alice", "secret"),
        connector().bearer_auth("0123"),
        connector().header("Authorization", "Own xyz"),
    ];
    let ways = connectors.map(|connector| (connector, "ws://server/1"));
    let by_url = (connector(), "ws://alice:secret@server/1");
    for (connector, url) in ways.into_iter().chain([by_url]) {
        there_and_back();
        let connector = connector
            .redirects(4)
            .header("X-Api-Key", "0123")
            .header_for_any_origin("User-Agent", "test/1")
            .subprotocol("chat");
        // The last server does not choose the subprotocol, so the result does not matter.
        let _ = connect(&connector, url);
        let heads = network::heads();
        let has = |name: &str| -> Vec<bool> {
            let has = |head: &String| http::header(head, name).is_some();
            heads.iter().map(has).collect()
        };
        // The order of the heads: three connections to A, and two to B in between.
        let paths = paths();
        assert_eq!(paths, ["/1", "/2", "/3", "/4", "/5"]);
        assert_eq!(
            has("Authorization"),
            [true, true, false, false, false],
            "{url}"
        );
        assert_eq!(has("X-Api-Key"), [true, true, false, false, false]);
        assert_eq!(has("User-Agent"), [true; 5]);
        assert_eq!(has("Sec-WebSocket-Protocol"), [true; 5]);
        let hosts: Vec<_> = heads
            .iter()
            .map(|head| http::header(head, "Host"))
            .collect();
        let expected = ["server", "server", "other", "other", "server"];
        assert_eq!(hosts, expected.map(Some));
    }
}

#[test]
fn another_port_or_scheme_is_another_origin() {
    for (location, address, server) in [
        ("ws://server:81/", "127.0.0.1:81", Server::new()),
        (
            "wss://server/",
            "127.0.0.1:443",
            Server::new().hello("server"),
        ),
    ] {
        network::clear();
        serve(A, Server::new().redirect(location));
        serve(address, server.upgrade());
        let connector = connector().redirects(1).bearer_auth("0123");
        connect(&connector, "ws://server/").0.unwrap();
        let last = &network::heads()[1];
        assert_eq!(http::header(last, "Authorization"), None, "{location}");
    }
    // The case of the host and the default port make no difference.
    network::clear();
    serve_each(
        A,
        [
            Server::new().redirect("WS://SERVER:80/"),
            Server::new().upgrade(),
        ],
    );
    let connector = connector().redirects(1).bearer_auth("0123");
    connect(&connector, "ws://server/").0.unwrap();
    let last = &network::heads()[1];
    assert_eq!(http::header(last, "Authorization"), Some("Bearer 0123"));
}
