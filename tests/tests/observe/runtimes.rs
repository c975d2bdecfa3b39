//! Events and counters over TCP on every runtime.

use futures_util::future::join;
use ws_driver::{CloseCode, Config, DeflateConfig, Registry, Stats};
use ws_tests::runtimes::{AsyncStdThreads, SmolThread, TokioThread};
use ws_tests::socket;
use ws_tests::suite::{Acceptor, Connector, Suite};

use crate::recorder::{messages, record, text};

/// A client sends two messages to an echo server and closes. Returns the counters of the client,
/// and those of the registry of the server.
fn converse<S: Suite>() -> (Stats, Stats) {
    let config = Config::default().deflate(DeflateConfig::default().threshold(0));
    let registry = Registry::new();
    let acceptor = Acceptor::<S>::new()
        .config(config.clone())
        .registry(&registry);
    let (listener, address) = socket::listen();
    let client = S::block_on(async {
        let connecting = std::net::TcpStream::connect(address).expect("a connection");
        let (accepted, _) = listener.accept().expect("a client");
        let (near, far) = (S::adopt(connecting), S::adopt(accepted));
        let serve = async {
            let offer = acceptor.read(far).await.expect("a request");
            let mut ws = offer
                .subprotocol("chat.v1")
                .accept()
                .await
                .expect("an answer");
            while let Some((message, out)) = ws.recv_ref().await.expect("a message") {
                out.feed(message).await.expect("an echo");
            }
        };
        let connector = Connector::<S>::new()
            .config(config)
            .subprotocol("chat.v1")
            .header("Cookie", "id=secret")
            .bearer_auth("secret");
        let call = async {
            let opening = connector.handshake("ws://localhost/?token=secret", near);
            let mut ws = opening.await.expect("the handshake");
            for message in ["secret 1", "secret 2"] {
                ws.send(message).await.expect("room");
                assert_eq!(ws.recv().await.expect("an echo"), Some(message.into()));
            }
            ws.close(CloseCode::NORMAL, "secret")
                .await
                .expect("a clean end");
            ws.stats()
        };
        join(serve, call).await.1
    });
    (client, registry.stats())
}

fn check<S: Suite>() {
    let mut stats = None;
    let events = record(|| stats = Some(converse::<S>()));
    let (client, server) = stats.expect("the counters");
    assert_eq!(
        (client.sent.messages, client.sent.compressed_messages),
        (2, 2)
    );
    assert_eq!(client.sent, server.received);
    assert_eq!(client.received, server.sent);

    let shown = text(&events);
    let mut found = messages(&events);
    found.sort_unstable();
    assert_eq!(found, ["closed", "closed", "opened", "opened"], "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
    for event in &events {
        match &*event.message {
            "opened" => {
                assert!(event.field("peer").starts_with("127.0.0.1:"), "{shown}");
                assert_eq!(event.field("subprotocol"), "chat.v1");
                let extensions = event.field("extensions");
                assert!(extensions.starts_with("permessage-deflate"), "{shown}");
            }
            _ => {
                assert_eq!(event.field("clean"), "true");
                assert_eq!(event.field("sent_code"), "1000");
                assert_eq!(event.field("received_code"), "1000");
            }
        }
    }
}

#[test]
fn on_tokio() {
    check::<TokioThread>();
}

#[test]
fn on_async_std() {
    check::<AsyncStdThreads>();
}

#[test]
fn on_smol() {
    check::<SmolThread>();
}
