//! Joining, and the messages of the protocol.

use chat::client::chat_url;
use chat::protocol::{INVALID, OTHER_VERSION};
use ws_tokio::{Connector, Message};

use crate::support::{Client, connect, get, start};

#[tokio::test]
async fn everybody_in_a_room_sees_each_message_once_and_other_rooms_do_not() {
    let server = start(&[]).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    let mut bob = Client::join(&url, "Lobby", "Bob").await;
    let mut eve = Client::join(&url, "cellar", "Eve").await;
    ann.say("hello").await;
    eve.say("echo").await;
    bob.sees("hello").await;
    bob.say("hi, Ann").await;
    ann.sees("hi, Ann").await;
    assert_eq!(ann.texts(), ["hello", "hi, Ann"]);
    assert_eq!(bob.texts(), ["hello", "hi, Ann"]);
    assert_eq!(eve.texts(), ["echo"]);
}

#[tokio::test]
async fn people_come_and_go() {
    let server = start(&[]).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    ann.sees_people(&["Ann"]).await;
    let bob = Client::join(&url, "lobby", "Bob").await;
    // Another tab is not another person.
    let second = Client::join(&url, "lobby", "Bob").await;
    ann.sees_people(&["Ann", "Bob"]).await;
    drop(second);
    ann.say("anybody left?").await;
    assert_eq!(ann.people(), ["Ann", "Bob"]);
    drop(bob);
    ann.sees_people(&["Ann"]).await;
}

#[tokio::test]
async fn messages_outside_of_the_protocol_end_the_connection() {
    let server = start(&[]).await;
    let join = r#"{"t":"join","room":"lobby","name":"Ann"}"#;
    let say = r#"{"t":"say","id":"1","text":"x"}"#;
    let long = format!(
        r#"{{"t":"join","room":"lobby","name":"{}"}}"#,
        "x".repeat(25)
    );
    let cursor = r#"{"t":"join","room":"lobby","name":"Ann","cursor":"yesterday"}"#;
    for (messages, reason) in [
        (&[say][..], "the first message is not a join"),
        (&["nonsense"], "the first message is not a join"),
        (
            &[r#"{"t":"join","room":"a b","name":"Ann"}"#],
            "a room has letters",
        ),
        (&[&*long], "the name is empty, too long"),
        (
            &[r#"{"t":"join","room":"lobby","name":" "}"#],
            "the name is empty",
        ),
        (&[cursor], "the cursor is malformed"),
        (&[join, join], "the message is none of the protocol"),
        (
            &[join, r#"{"t":"say","id":"a b","text":"x"}"#],
            "the message is none",
        ),
    ] {
        let mut ws = connect(&server.url()).await.unwrap();
        for message in messages {
            ws.send(*message).await.unwrap();
        }
        while ws.recv().await.unwrap().is_some() {}
        let close = ws.end().unwrap().peer.expect("a Close");
        assert_eq!(close.code, INVALID, "{messages:?}");
        assert!(close.reason.to_string().starts_with(reason), "{close:?}");
    }
    let mut ws = connect(&server.url()).await.unwrap();
    ws.send(Message::from(join.as_bytes().to_vec()))
        .await
        .unwrap();
    assert_eq!(ws.recv().await.unwrap(), None, "a binary message");
}

#[tokio::test]
async fn another_version_is_refused() {
    let server = start(&[]).await;
    let url = chat_url(&server.url()).unwrap();
    let mut ws = Connector::new()
        .subprotocol("chat.v0")
        .connect(&url)
        .await
        .unwrap();
    assert_eq!(ws.recv().await.unwrap(), None);
    let close = ws.end().unwrap().peer.expect("a Close");
    assert_eq!(close.code, OTHER_VERSION);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let own = start(&[]).await;
    let listed = start(&["--origin", "https://chat.example"]).await;
    for (server, origin, is_allowed) in [
        (&own, own.url(), true),
        (&own, "https://chat.example".into(), false),
        (&listed, "https://chat.example".into(), true),
        (&listed, listed.url(), false),
    ] {
        let url = chat_url(&server.url()).unwrap();
        let connector = Connector::new()
            .subprotocol("chat.v1")
            .header("origin", &origin);
        let connected = connector.connect(&url).await;
        assert_eq!(connected.is_ok(), is_allowed, "{origin}");
    }
}

#[tokio::test]
async fn the_page_allows_only_its_own_files() {
    let server = start(&[]).await;
    let page = get(&server.url(), "/").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'; script-src 'self'"));
    assert!(page.contains("<title>Chat</title>"));
    for (path, kind) in [
        ("/style.css", "text/css"),
        ("/chat.js", "text/javascript"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let file = get(&server.url(), path).await;
        assert!(
            file.contains(&format!("content-type: {kind}")),
            "{path}: {file}"
        );
    }
    assert!(get(&server.url(), "/health").await.ends_with("ok\n"));
}
