//! Several instances over one store in this process.

use std::time::Duration;

use chat::server::{Server, Stores};

use crate::support::{Client, serve, start};

#[tokio::test]
async fn instances_share_messages_people_and_cursors() {
    let args = serve(&[]);
    let stores = Stores::in_memory(&args);
    let one = Server::start(args.clone(), stores.clone()).await.unwrap();
    let two = Server::start(args, stores).await.unwrap();
    let mut ann = Client::join(&one.url(), "lobby", "Ann").await;
    let mut bob = Client::join(&two.url(), "lobby", "Bob").await;
    ann.sees_people(&["Ann", "Bob"]).await;
    bob.sees_people(&["Ann", "Bob"]).await;
    for number in 0..10 {
        ann.say(format!("a{number}")).await;
        bob.say(format!("b{number}")).await;
        if number % 4 == 3 {
            // To the other instance, and back.
            let url = [one.url(), two.url()][number / 4].clone();
            bob.reconnect(&url).await;
        }
    }
    ann.sees("b9").await;
    let expected: Vec<_> = (0..10)
        .flat_map(|n| [format!("a{n}"), format!("b{n}")])
        .collect();
    assert_eq!(ann.texts(), expected);
    assert_eq!(bob.texts(), expected);
}

#[tokio::test]
async fn people_of_an_instance_that_vanishes_are_forgotten() {
    let args = serve(&[]);
    let stores = Stores::in_memory(&args);
    let one = Server::start(args.clone(), stores.clone()).await.unwrap();
    let two = Server::start(args, stores).await.unwrap();
    let mut ann = Client::join(&one.url(), "lobby", "Ann").await;
    let _bob = Client::join(&two.url(), "lobby", "Bob").await;
    ann.sees_people(&["Ann", "Bob"]).await;
    // Its connections stay, but it announces nothing any more.
    drop(two);
    ann.sees_people(&["Ann"]).await;
}

#[tokio::test]
async fn a_shutdown_closes_every_client_and_says_goodbye_to_the_other_instances() {
    let args = serve(&[]);
    let stores = Stores::in_memory(&args);
    let one = Server::start(args.clone(), stores.clone()).await.unwrap();
    let two = Server::start(args, stores).await.unwrap();
    let mut ann = Client::join(&one.url(), "lobby", "Ann").await;
    let bob = Client::join(&two.url(), "lobby", "Bob").await;
    ann.sees_people(&["Ann", "Bob"]).await;
    let closed = tokio::spawn(bob.closed());
    let report = two.shutdown(Duration::from_secs(20)).await.unwrap();
    assert_eq!((report.clean, report.cut, report.unsent_bytes), (1, 0, 0));
    let (code, reason) = closed.await.unwrap();
    assert_eq!((code, &*reason), (1001, "the server restarts"));
    ann.sees_people(&["Ann"]).await;
}

#[tokio::test]
async fn a_server_that_shuts_down_refuses_new_clients() {
    let server = start(&[]).await;
    let url = server.url();
    let mut ann = crate::support::connect(&url).await.unwrap();
    // Ann does not answer the Close, so the shutdown waits for her.
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(20)));
    while !crate::support::get(&url, "/health").await.contains("503") {}
    let refused = crate::support::connect(&url).await.unwrap_err();
    assert_eq!(refused.response().expect("a refusal").status(), 503);
    assert_eq!(ann.recv().await.unwrap(), None);
    assert_eq!(shutdown.await.unwrap().unwrap().clean, 1);
}
