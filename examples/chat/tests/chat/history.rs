//! The history, and coming back.

use chat::client::Shown;

use crate::support::{Client, start};

#[tokio::test]
async fn a_new_client_gets_the_history() {
    let server = start(&["--history", "3"]).await;
    let mut ann = Client::join(&server.url(), "lobby", "Ann").await;
    for text in ["one", "two", "three", "four"] {
        ann.say(text).await;
    }
    let bob = Client::join(&server.url(), "lobby", "Bob").await;
    assert_eq!(bob.texts(), ["two", "three", "four"]);
    assert!(!bob.shown.iter().any(|shown| matches!(shown, Shown::Gap(_))));
}

#[tokio::test]
async fn a_client_that_comes_back_misses_and_repeats_nothing() {
    let server = start(&[]).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    let mut bob = Client::join(&url, "lobby", "Bob").await;
    let mut expected = Vec::new();
    for number in 0..30 {
        let text = number.to_string();
        ann.say(&*text).await;
        expected.push(text);
        match number % 10 {
            // Bob has seen it, but was perhaps not told his place.
            3 => bob.sees("3").await,
            // Bob has missed some, and comes back.
            7 => bob.reconnect(&url).await,
            _ => {}
        }
    }
    bob.sees("29").await;
    assert_eq!(bob.texts(), expected);
    assert_eq!(ann.texts(), expected);
}

#[tokio::test]
async fn an_unsent_message_is_sent_once_after_coming_back() {
    let server = start(&[]).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    let mut bob = Client::join(&url, "lobby", "Bob").await;
    ann.view.say("typed while offline");
    ann.view.say("this, too");
    ann.reconnect(&url).await;
    ann.say("and this").await;
    bob.sees("and this").await;
    let expected = ["typed while offline", "this, too", "and this"];
    assert_eq!(bob.texts(), expected);
    assert_eq!(ann.texts(), expected);
}

#[tokio::test]
async fn a_gap_is_reported_if_the_history_is_too_short() {
    let server = start(&["--history", "2"]).await;
    let url = server.url();
    let mut ann = Client::join(&url, "lobby", "Ann").await;
    ann.say("zero").await;
    let mut bob = Client::join(&url, "lobby", "Bob").await;
    for text in ["one", "two", "three", "four", "five"] {
        ann.say(text).await;
    }
    // Bob has not received them. His place is behind "zero".
    bob.reconnect(&url).await;
    let shown = bob.shown.iter().filter_map(|shown| match shown {
        Shown::Message(said) => Some(said.text.clone()),
        Shown::Gap(missed) => Some(format!("{missed:?} missed")),
        _ => None,
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown, ["zero", "Some(3) missed", "four", "five"]);
}

#[tokio::test]
async fn a_server_that_starts_again_without_its_history_is_reported() {
    let old = start(&[]).await;
    let mut ann = Client::join(&old.url(), "lobby", "Ann").await;
    ann.say("lost soon").await;
    ann.place().await;
    let new = start(&[]).await;
    ann.reconnect(&new.url()).await;
    ann.say("new").await;
    assert!(ann.shown.contains(&Shown::Gap(None)), "{:?}", ann.shown);
    assert_eq!(ann.texts(), ["lost soon", "new"]);
}

#[tokio::test]
async fn the_first_place_comes_behind_a_long_history() {
    const COUNT: usize = 200;
    let options = "--rate 9999 --burst 9999 --max-text 9999";
    let options: Vec<_> = options.split(' ').collect();
    let server = start(&options).await;
    let mut ann = Client::join(&server.url(), "lobby", "Ann").await;
    for number in 0..COUNT {
        ann.say(format!("{number:09999}")).await;
    }
    // Much more than fits into the queue of a connection. Bob reads slowly at first.
    let bob = Client::join_slowly(&server.url(), "lobby", "Bob").await;
    assert_eq!(bob.texts(), ann.texts());
    assert_eq!(bob.texts().len(), COUNT);
}
