//! The events of connections and registries, over the scripted transport.

use std::time::Duration;

use tracing::Level;
use ws_driver::{CloseCode, Config, OriginPolicy, Registry};
use ws_tests::exec;
use ws_tests::http;
use ws_tests::scripted::{self, Manual, Peer, Ws};
use ws_tests::wire::From;

use crate::recorder::{Recorded, messages, record, text};

type Acceptor = ws_driver::Acceptor<Manual>;
type Connector = ws_driver::Connector<Manual>;

/// Opens a connection of a server and ends it. Returns the last event, which is the only one after
/// the opening.
fn ending(config: &Config, end: impl FnOnce(Ws, Peer)) -> Recorded {
    let mut events = record(|| {
        let (ws, peer) = scripted::server(config);
        end(ws, peer);
    });
    assert_eq!(events.len(), 2, "{}", text(&events));
    let last = events.remove(1);
    assert_eq!(events[0].message, "opened");
    assert_eq!(last.field("connection"), events[0].field("connection"));
    assert_eq!((last.field("role"), &*last.target), ("server", "websocket"));
    assert!(last.field("duration_ms").parse::<u64>().is_ok());
    last
}

fn receive_to_the_end(mut ws: Ws) {
    while let Ok(Some(_)) = exec::run(ws.recv()) {}
}

fn codes(event: &Recorded) -> [&str; 3] {
    ["clean", "sent_code", "received_code"].map(|name| event.field(name))
}

#[test]
fn a_clean_end_has_the_codes_of_both_ends() {
    let last = ending(&Config::default(), |ws, peer| {
        peer.push(From::Client.close(4001, "secret"));
        peer.end();
        receive_to_the_end(ws);
    });
    assert_eq!((&*last.message, last.level), ("closed", Level::DEBUG));
    assert_eq!(codes(&last), ["true", "4001", "4001"]);
    assert!(!text(&[last]).contains("secret"));
}

#[test]
fn a_connection_that_is_dropped_after_both_closes_was_closed() {
    let last = ending(&Config::default(), |mut ws, peer| {
        peer.push(From::Client.close(1000, ""));
        assert_eq!(exec::run(ws.recv()).unwrap(), None);
    });
    assert_eq!(last.message, "closed");
}

#[test]
fn a_violation_is_reported_with_its_rule() {
    let last = ending(&Config::default(), |ws, peer| {
        peer.push(From::Client.frame(0x3, b"secret"));
        peer.end();
        receive_to_the_end(ws);
    });
    assert_eq!((&*last.message, last.level), ("violation", Level::INFO));
    assert_eq!(codes(&last), ["false", "1002", ""]);
    assert!(last.field("error").contains("reserved opcode 0x3"));
    assert!(!text(&[last]).contains("secret"));
}

#[test]
fn a_timeout_is_reported() {
    let config = Config::default().idle_timeout(Duration::from_secs(1));
    let last = ending(&config, |ws, _peer| receive_to_the_end(ws));
    assert_eq!((&*last.message, last.level), ("timeout", Level::INFO));
    assert!(last.field("error").contains("nothing for too long"));
}

#[test]
fn a_lost_connection_is_reported() {
    let last = ending(&Config::default(), |ws, peer| {
        peer.end();
        receive_to_the_end(ws);
    });
    assert_eq!((&*last.message, last.level), ("lost", Level::INFO));
    assert_eq!((codes(&last), last.field("error")), (["false", "", ""], ""));
    let last = ending(&Config::default(), |ws, peer| {
        peer.reset();
        receive_to_the_end(ws);
    });
    assert_eq!(last.message, "lost");
    assert!(last.field("error").contains("reset"));
}

#[test]
fn a_connection_that_the_program_drops_is_reported() {
    let last = ending(&Config::default(), |ws, _peer| drop(ws));
    assert_eq!((&*last.message, last.level), ("dropped", Level::DEBUG));
    let last = ending(&Config::default(), |ws, _peer| drop(ws.split()));
    assert_eq!(last.message, "dropped");
}

/// Lets an acceptor read these bytes, and returns the only event.
fn refusal(acceptor: &Acceptor, request: &[u8]) -> Recorded {
    let mut events = record(|| {
        let (transport, peer) = scripted::pair();
        peer.push(request);
        peer.end();
        exec::run(acceptor.accept_on(transport)).expect_err("a refusal");
    });
    assert_eq!(messages(&events), ["not opened"]);
    events.remove(0)
}

#[test]
fn openings_that_fail_on_a_server_are_reported_without_their_secrets() {
    let strict = Acceptor::new().origins(OriginPolicy::default());
    let request = http::request_with(&["Origin: http://secret.example", "Cookie: a=secret"]);
    let refused = refusal(&strict, &request);
    assert_eq!(refused.level, Level::INFO);
    assert!(refused.field("error").contains("origin"));
    assert!(!text(&[refused]).contains("secret"));

    let full = Acceptor::new().registry(&Registry::new().max_connections(0));
    let refused = refusal(&full, &http::request());
    assert!(refused.field("error").contains("max_connections"));

    let lost = refusal(&Acceptor::new(), b"GET /secret");
    assert_eq!(lost.level, Level::DEBUG);
    assert!(!text(&[lost]).contains("/secret"));
}

#[test]
fn a_refusal_of_the_program_has_its_status() {
    let events = record(|| {
        let (transport, peer) = scripted::pair();
        peer.push(http::request());
        peer.end();
        let offer = exec::run(Acceptor::new().read_on(transport)).unwrap();
        let _ = exec::run(offer.reject(ws_driver::http::StatusCode::FORBIDDEN));
    });
    assert_eq!(messages(&events), ["not opened"]);
    assert_eq!(events[0].field("status"), "403");
}

#[test]
fn servers_that_read_requests_themselves_report_refusals_too() {
    let full = Acceptor::new().registry(&Registry::new().max_connections(0));
    let events = record(|| {
        full.admit().expect_err("a full registry");
        let request = ws_driver::http::Request::new(());
        full.check_request(&request).expect_err("no upgrade");
    });
    assert_eq!(messages(&events), ["not opened"; 2]);
    assert_eq!(events[0].field("status"), "503");
    assert!(events[1].field("status").starts_with('4'));
}

#[test]
fn openings_that_fail_on_a_client_are_reported_without_their_secrets() {
    let events = record(|| {
        let connector = Connector::new().bearer_auth("secret");
        let (transport, peer) = scripted::pair();
        let opening = connector.handshake_on("ws://h/?token=secret", transport);
        let refusal = |_: &str| b"HTTP/1.1 401 Nothing\r\nContent-Length: 6\r\n\r\nsecret".to_vec();
        scripted::answered(opening, &peer, refusal).expect_err("a refusal");

        let connector = Connector::new().subprotocol("secret token");
        let (transport, _peer) = scripted::pair();
        exec::run(connector.handshake_on("ws://h/", transport)).expect_err("no token");
        exec::run(Connector::new().connect("secret")).expect_err("no URL");
    });
    assert_eq!(messages(&events), ["not opened"; 3]);
    assert_eq!(events[0].field("status"), "401");
    assert_eq!(events[0].field("role"), "client");
    assert!(!text(&events).contains("secret"), "{}", text(&events));
}

#[test]
fn a_shutdown_has_a_beginning_and_an_end() {
    let registry = Registry::<Manual>::new();
    let shutdown = || registry.shutdown(CloseCode::GOING_AWAY, "secret", Duration::from_secs(1));
    let events = record(|| {
        let acceptor = Acceptor::new().registry(&registry);
        let (transport, peer) = scripted::pair();
        peer.push(http::request());
        let ws = exec::run(acceptor.accept_on(transport)).unwrap();
        assert!(!exec::run(shutdown()).unwrap().is_clean());
        drop(ws);
        assert!(exec::run(shutdown()).unwrap().is_clean());
    });
    let of_registry: Vec<_> = events
        .iter()
        .filter(|event| event.target == "websocket::registry")
        .collect();
    let [begins, ends, _, clean] = &of_registry[..] else {
        panic!("{}", text(&events));
    };
    assert_eq!(
        (&*begins.message, begins.level),
        ("shutdown begins", Level::INFO)
    );
    assert_eq!(
        (begins.field("connections"), begins.field("opening")),
        ("1", "0")
    );
    assert_eq!((&*ends.message, ends.level), ("shutdown ends", Level::WARN));
    assert_eq!((ends.field("remaining"), ends.field("clean")), ("1", "0"));
    assert_eq!(clean.level, Level::INFO);
    assert!(!text(&events).contains("secret"));
}
