//! Limits, and slow clients.

use std::time::Duration;

use chat::client::Shown;

use crate::support::{Client, connect, get, start, texts};

#[tokio::test]
async fn a_client_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let server = start(&["--rate", "20", "--burst", "2"]).await;
    let mut ann = Client::join(&server.url(), "lobby", "Ann").await;
    let began = std::time::Instant::now();
    for number in 0..6 {
        ann.say(number.to_string()).await;
    }
    // Four of the messages had to wait for the rate.
    assert!(began.elapsed() > Duration::from_millis(150));
    assert_eq!(ann.texts(), ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_client_that_ignores_refusals_is_disconnected() {
    let server = start(&["--rate", "1", "--burst", "1"]).await;
    let mut ws = connect(&server.url()).await.unwrap();
    ws.send(r#"{"t":"join","room":"lobby","name":"Ann"}"#)
        .await
        .unwrap();
    for number in 0..100 {
        let say = format!(r#"{{"t":"say","id":"{number}","text":"x"}}"#);
        if ws.send(say).await.is_err() {
            break;
        }
    }
    while ws.recv().await.unwrap().is_some() {}
    assert_eq!(
        u16::from(ws.end().unwrap().peer.expect("a Close").code),
        1008
    );
}

#[tokio::test]
async fn a_text_that_is_too_long_is_not_sent() {
    let server = start(&["--max-text", "5"]).await;
    let mut ann = Client::join(&server.url(), "lobby", "Ann").await;
    ann.say("longer").await;
    ann.say("short").await;
    let refused = Shown::NotSent("longer".into());
    assert!(ann.shown.contains(&refused), "{:?}", ann.shown);
    assert_eq!(ann.texts(), ["short"]);
}

#[tokio::test]
async fn rooms_and_connections_are_limited() {
    let server = start(&["--max-rooms", "1", "--max-connections", "3"]).await;
    let url = server.url();
    let _ann = Client::join(&url, "lobby", "Ann").await;
    let _bob = Client::join(&url, "lobby", "Bob").await;
    let mut ws = connect(&url).await.unwrap();
    ws.send(r#"{"t":"join","room":"cellar","name":"Eve"}"#)
        .await
        .unwrap();
    assert_eq!(ws.recv().await.unwrap(), None);
    let close = ws.end().unwrap().peer.expect("a Close");
    assert_eq!(
        (u16::from(close.code), &*close.reason.to_string()),
        (1013, "too many rooms")
    );
    drop(ws);

    let mut all = Vec::new();
    let refused = loop {
        match connect(&url).await {
            Ok(ws) => all.push(ws),
            Err(error) => break error,
        }
        assert!(all.len() < 4);
    };
    assert_eq!(refused.response().expect("a refusal").status(), 503);
}

/// The texts fill the buffers of the system, so that the server notices a client that does not
/// read.
#[tokio::test]
async fn a_slow_client_is_dropped_and_gets_the_rest_when_it_comes_back() {
    const LEN: usize = 60_000;
    let options = "--queue 8 --max-text 60000 --rate 9999 --burst 9999";
    let options: Vec<_> = options.split(' ').collect();
    let server = start(&options).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    let slow = Client::join_slowly(&url, "lobby", "Slow").await;
    ann.sees_people(&["Ann", "Slow"]).await;
    let mut expected = Vec::new();
    for number in 0..120 {
        let text = format!("{number:0LEN$}");
        ann.say(&*text).await;
        expected.push(text);
    }
    // On a loaded machine, the server does not wait until the Close has left.
    let (close, view, mut shown) = slow.ended().await;
    assert!(close.is_none_or(|close| close == (1013, "too slow".into())));
    assert!(texts(&shown).len() < expected.len());
    ann.sees_people(&["Ann"]).await;
    let metrics = get(&url, "/metrics").await;
    assert!(metrics.contains("chat_slow_clients_total 1\n"), "{metrics}");

    let mut back = Client::join_again(&url, view).await;
    back.sees(&expected[119]).await;
    shown.append(&mut back.shown);
    let shown: Vec<_> = texts(&shown)
        .iter()
        .map(|text| text.trim_start_matches('0'))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|text| text.trim_start_matches('0'))
        .collect();
    assert_eq!(shown, expected);
}
