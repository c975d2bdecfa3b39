//! A Redis that is killed and started again.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use ws_topics::backplane::Redis;
use ws_topics::{Cursor, Missed, SharedTopics};

use crate::server::Server;
use crate::{Item, TOPIC, join, next, policy, run};

/// Publishes until it succeeds.
async fn publish_again(topics: &SharedTopics<Redis>, number: u64) -> Cursor {
    loop {
        match topics.publish(TOPIC, number.to_string()).await {
            Ok(cursor) => return cursor,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The numbers whose publishing succeeded, and failed.
#[derive(Default)]
struct Numbers {
    published: BTreeSet<u64>,
    failed: BTreeSet<u64>,
}

#[test]
fn a_durable_server_that_crashes_loses_and_repeats_nothing() {
    let Some(mut server) = Server::start(true) else {
        return;
    };
    run(async {
        let (publisher, reader) = (join(server.backplane()), join(server.backplane()));
        let mut subscription = reader.subscribe(TOPIC, policy()).await.unwrap();
        let publishing = tokio::spawn(async move {
            let mut numbers = Numbers::default();
            let mut number = 0;
            while numbers.published.len() < 600 {
                match publisher.publish(TOPIC, number.to_string()).await {
                    Ok(_) => numbers.published.insert(number),
                    Err(_) => {
                        sleep(Duration::from_millis(5)).await;
                        numbers.failed.insert(number)
                    }
                };
                number += 1;
            }
            publish_again(&publisher, u64::MAX).await;
            numbers
        });

        let (mut received, mut gaps) = (Vec::new(), 0);
        loop {
            match next(&mut subscription).await {
                Item::Number(u64::MAX) => break,
                Item::Number(number) => received.push(number),
                // The server has started again, so it may have lost messages.
                Item::Gap(Missed::Unknown) => {
                    gaps += 1;
                    continue;
                }
                Item::Gap(missed) => panic!("{missed:?}"),
            }
            if [100, 300].contains(&received.len()) {
                server.kill();
                sleep(Duration::from_millis(100)).await;
                server.restart();
            }
        }
        assert!(
            received.is_sorted_by(|a, b| a < b),
            "in order, and each once"
        );
        let numbers = publishing.await.unwrap();
        let received = BTreeSet::from_iter(received);
        let lost: Vec<_> = numbers.published.difference(&received).collect();
        assert!(lost.is_empty(), "{lost:?}");
        assert!(
            received
                .difference(&numbers.published)
                .all(|n| numbers.failed.contains(n))
        );
        assert_eq!(gaps, 2);
    });
}

#[test]
fn a_server_that_forgets_is_reported() {
    let Some(mut server) = Server::start(false) else {
        return;
    };
    run(async {
        let (publisher, reader) = (join(server.backplane()), join(server.backplane()));
        let mut subscription = reader.subscribe(TOPIC, policy()).await.unwrap();
        for number in 0..5 {
            publish_again(&publisher, number).await;
            assert_eq!(next(&mut subscription).await, Item::Number(number));
        }
        let cursor = subscription.cursor();
        server.kill();
        server.restart();
        let mut reset = reader.resume(TOPIC, cursor, policy()).await;
        while reset.is_err() {
            reset = reader.resume(TOPIC, cursor, policy()).await;
        }
        let mut reset = reset.unwrap();
        for number in 5..8 {
            publish_again(&publisher, number).await;
        }
        for subscription in [&mut subscription, &mut reset] {
            assert_eq!(next(subscription).await, Item::Gap(Missed::Unknown));
            for number in 5..8 {
                assert_eq!(next(subscription).await, Item::Number(number));
            }
        }
    });
}

#[test]
fn the_report_names_the_failure() {
    let Some(mut server) = Server::start(false) else {
        return;
    };
    run(async {
        server.kill();
        let topics = SharedTopics::new(server.backplane());
        let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
        let running = topics.clone();
        tokio::spawn(async move {
            let report = |error: &ws_topics::backplane::RedisError| {
                report.send(error.to_string()).expect("the test waits");
            };
            running.run::<ws_tokio::Tokio>(report).await
        });
        for _ in 0..2 {
            assert!(reports.recv().await.unwrap().starts_with("Redis: "));
        }
        assert!(topics.subscribe(TOPIC, policy()).await.is_err());
        assert!(topics.publish(TOPIC, "x").await.is_err());
        assert!(topics.is_empty());
    });
}
