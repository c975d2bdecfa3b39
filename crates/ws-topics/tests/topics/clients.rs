//! Subscriptions that are forwarded to clients.

use std::future::Future;
use std::pin::Pin;

use ws_driver::transport::AnyTransport;
use ws_driver::{CloseCode, Config, DeflateConfig, Error, Message, MessageKind, WebSocket};
use ws_topics::{Forwarded, Policy, Prepared, Subscription, Topic};

use crate::poll_once;

type Ws = ws_tokio::WebSocket;

fn run<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

fn pair() -> (Ws, Ws) {
    ws_tokio::testing::pair(Config::default())
}

async fn expect(client: &mut Ws, text: &str) {
    let received = client.recv().await.unwrap().expect("a message");
    assert_eq!(received.as_text(), Some(text));
}

#[test]
fn a_handler_receives_and_forwards() {
    run(async {
        let (mut client, mut server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::close());
        topic.publish("before").await;
        client.send("question").await.unwrap();
        // Both directions at once: the message of the client does not hold up those of the topic.
        let forwarded = subscription.forward(&mut server).await.unwrap();
        assert_eq!(forwarded, Some(Forwarded::Received("question".into())));
        topic.publish("after").await;
        let client = tokio::spawn(async move {
            expect(&mut client, "before").await;
            expect(&mut client, "after").await;
            client.close(CloseCode::NORMAL, "").await.unwrap();
        });
        assert_eq!(subscription.forward(&mut server).await.unwrap(), None);
        client.await.unwrap();
    });
}

#[test]
fn a_gap_is_reported_at_its_place() {
    run(async {
        let (mut client, mut server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::drop_newest().messages(2));
        for text in ["1", "2", "3", "4", "5"] {
            topic.publish(text).await;
        }
        let lagged = async {
            let forwarded = subscription.forward(&mut server).await.unwrap();
            assert_eq!(forwarded, Some(Forwarded::Lagged(3)));
            server.feed("3 are missing").await.unwrap();
            topic.publish("6").await;
            topic.close();
            let forwarded = subscription.forward(&mut server).await.unwrap();
            assert_eq!(forwarded, Some(Forwarded::Ended));
            server.flush().await.unwrap();
        };
        lagged.await;
        for text in ["1", "2", "3 are missing", "6"] {
            expect(&mut client, text).await;
        }
        client.send("still open").await.unwrap();
        let forwarded = subscription.forward(&mut server).await.unwrap();
        assert_eq!(forwarded, Some(Forwarded::Received("still open".into())));
    });
}

/// Publishes until the subscriber is too slow.
async fn overrun(topic: &Topic) {
    let large = Prepared::new(vec![0; 32 << 10]);
    for _ in 0..1000 {
        if topic.publish(&large).await.closed > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the queue has no bound");
}

#[test]
fn a_client_that_has_stopped_reading_is_closed() {
    run(async {
        let (mut client, mut server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::close().bytes(256 << 10));
        let serving = tokio::spawn(async move {
            let forwarded = subscription.forward(&mut server).await;
            (forwarded.map(|forwarded| forwarded.is_none()), server.end())
        });
        tokio::task::yield_now().await;
        overrun(&topic).await;
        while client.recv().await.unwrap().is_some() {}
        let end = client.end().unwrap();
        assert_eq!(
            (end.code(), end.reason()),
            (CloseCode::TRY_AGAIN_LATER, "too slow")
        );
        let (is_end, end) = serving.await.unwrap();
        assert!(is_end.unwrap() && end.unwrap().clean);
        assert_eq!(topic.subscribers(), 0);
    });
}

#[test]
fn the_sender_half_forwards_and_closes() {
    run(async {
        let (mut client, server) = pair();
        let topic = Topic::new();
        let policy = Policy::close_with(CloseCode::GOING_AWAY).bytes(256 << 10);
        let mut subscription = topic.subscribe(policy);
        let (mut tx, mut rx) = server.split();
        let receiving = tokio::spawn(async move { rx.recv().await });
        let sending = tokio::spawn(async move {
            let forwarded = subscription.forward_to(&mut tx).await;
            forwarded.map(|forwarded| forwarded.is_none())
        });
        topic.publish("first").await;
        expect(&mut client, "first").await;
        overrun(&topic).await;
        while client.recv().await.unwrap().is_some() {}
        assert_eq!(client.end().unwrap().code(), CloseCode::GOING_AWAY);
        assert!(sending.await.unwrap().unwrap());
        assert_eq!(receiving.await.unwrap().unwrap(), None);
    });
}

#[test]
fn a_client_that_leaves_ends_forwarding_by_halves() {
    run(async {
        let (mut client, server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::wait());
        let (mut tx, mut rx) = server.split();
        let receiving = tokio::spawn(async move { rx.recv().await });
        let closing = tokio::spawn(async move { client.close(CloseCode::NORMAL, "").await });
        assert_eq!(subscription.forward_to(&mut tx).await.unwrap(), None);
        assert_eq!(receiving.await.unwrap().unwrap(), None);
        closing.await.unwrap().unwrap();
    });
}

#[test]
fn a_message_in_pieces_holds_up_the_topic_and_loses_nothing() {
    run(async {
        let (mut client, mut server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::close());
        topic.publish("whole").await;
        server
            .writer(MessageKind::Text)
            .unwrap()
            .write("in ")
            .await
            .unwrap();
        let refused = subscription.forward(&mut server).await;
        assert!(matches!(refused, Err(Error::Send(_))));
        let mut writer = server.resume_writer().unwrap();
        writer.write("pieces").await.unwrap();
        writer.finish().await.unwrap();
        assert!(poll_once(subscription.forward(&mut server)).is_pending());
        expect(&mut client, "in pieces").await;
        expect(&mut client, "whole").await;
    });
}

#[test]
fn a_dropped_forward_loses_nothing() {
    run(async {
        let (mut client, mut server) = pair();
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::wait().messages(1000));
        for number in 0..1000 {
            topic.publish(format!("{number:0>1000}")).await;
        }
        for number in 0..1000 {
            assert!(poll_once(subscription.forward(&mut server)).is_pending());
            expect(&mut client, &format!("{number:0>1000}")).await;
        }
        assert_eq!(subscription.missed(), 0);
    });
}

/// Serves `ws` until its end, and returns what the client sent.
async fn serve<R: ws_driver::transport::Runtime>(
    mut ws: WebSocket<AnyTransport<R>>,
    mut subscription: Subscription,
) -> Vec<Message> {
    let mut received = Vec::new();
    while let Some(forwarded) = subscription.forward(&mut ws).await.unwrap() {
        match forwarded {
            Forwarded::Received(message) => received.push(message),
            Forwarded::Ended => ws.start_close(CloseCode::NORMAL, "").unwrap(),
            other => panic!("{other:?}"),
        }
    }
    received
}

/// Sends compressed messages to clients that also send.
async fn converse<R: ws_driver::transport::Runtime>(
    spawn: fn(Pin<Box<dyn Future<Output = ()> + Send>>),
) {
    const MESSAGES: usize = 200;
    let config = Config::default().deflate(DeflateConfig::default());
    let topic = Topic::new();
    let (report, reports) = smol::channel::unbounded();
    for _ in 0..3 {
        let (mut client, server) = ws_driver::testing::pair::<R>(config.clone());
        let subscription = topic.subscribe(Policy::wait().messages(8));
        let served = report.clone();
        spawn(Box::pin(async move {
            let received = serve(server, subscription).await;
            served.send(received).await.unwrap();
        }));
        let received = report.clone();
        spawn(Box::pin(async move {
            client.feed("hello").await.unwrap();
            let mut all = Vec::new();
            while let Some(message) = client.recv().await.unwrap() {
                all.push(message);
            }
            received.send(all).await.unwrap();
        }));
    }
    let expected: Vec<_> = (0..MESSAGES)
        .map(|number| Message::from(format!("{number} {}", "text ".repeat(100))))
        .collect();
    for message in &expected {
        assert_eq!(topic.publish(message).await.queued, 3);
    }
    topic.close();
    let mut clients = 0;
    for _ in 0..6 {
        match reports.recv().await.unwrap() {
            received if received.len() == 1 => assert_eq!(received, ["hello".into()]),
            received => {
                assert_eq!(received, expected);
                clients += 1;
            }
        }
    }
    assert_eq!(clients, 3);
}

#[test]
fn clients_on_tokio_receive_everything() {
    run(converse::<ws_tokio::Tokio>(|future| {
        tokio::spawn(future);
    }));
}

#[test]
fn clients_on_smol_receive_everything() {
    smol::block_on(converse::<ws_smol::Smol>(|future| {
        smol::spawn(future).detach();
    }));
}
