//! Topics with a history in memory.

use std::future::Future;

use ws_topics::backplane::Memory;
use ws_topics::{Cursor, Event, Missed, Policy, SharedTopics, Subscription};

use crate::{Item, item, message, poll};

/// Runs a test with topics that are run by a task.
fn with_topics<F: Future<Output = ()>>(
    history: usize,
    test: impl FnOnce(SharedTopics<Memory>) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let topics = SharedTopics::new(Memory::new(history));
    let running = topics.clone();
    runtime.spawn(async move { running.run::<ws_tokio::Tokio>(|_| {}).await });
    runtime.block_on(test(topics));
}

async fn next(subscription: &mut Subscription) -> Item {
    item(subscription.recv().await)
}

async fn publish(topics: &SharedTopics<Memory>, range: std::ops::Range<usize>) {
    for number in range {
        topics.publish("a", number.to_string()).await.unwrap();
    }
}

#[test]
fn a_client_resumes_where_it_has_left() {
    with_topics(100, async |topics| {
        let mut subscription = topics.subscribe("a", Policy::wait()).await.unwrap();
        let start = subscription.cursor();
        publish(&topics, 0..10).await;
        for number in 0..4 {
            assert_eq!(next(&mut subscription).await, message(number.to_string()));
        }
        let cursor = subscription.cursor();
        // While another subscriber keeps the topic, and after the last has left.
        for _ in 0..2 {
            for (cursor, first) in [(start, 0), (cursor, 4), (Cursor::START, 0)] {
                let mut resumed = topics.resume("a", cursor, Policy::wait()).await.unwrap();
                assert_eq!(resumed.cursor(), cursor);
                for number in first..10 {
                    assert_eq!(next(&mut resumed).await, message(number.to_string()));
                }
                assert_eq!(poll(&mut resumed), Item::Nothing);
            }
            subscription = topics.subscribe("b", Policy::wait()).await.unwrap();
        }
        drop(subscription);
        assert!(topics.is_empty());
    });
}

#[test]
fn messages_that_arrive_while_a_client_resumes_arrive_once() {
    with_topics(1000, async |topics| {
        // The topic of this process has not received these messages yet when the client resumes.
        let other = topics.subscribe("a", Policy::drop_oldest()).await.unwrap();
        publish(&topics, 0..50).await;
        let mut resumed = topics
            .resume("a", other.cursor(), Policy::wait())
            .await
            .unwrap();
        publish(&topics, 50..100).await;
        for number in 0..100 {
            assert_eq!(next(&mut resumed).await, message(number.to_string()));
        }
        assert_eq!(poll(&mut resumed), Item::Nothing);
    });
}

#[test]
fn messages_that_the_history_has_lost_are_counted() {
    with_topics(10, async |topics| {
        let subscription = topics.subscribe("a", Policy::wait()).await.unwrap();
        publish(&topics, 0..1).await;
        let cursor = Cursor::new(topics.publish("a", "1").await.unwrap().epoch, 1);
        drop(subscription);
        publish(&topics, 2..50).await;
        let mut resumed = topics.resume("a", cursor, Policy::wait()).await.unwrap();
        let gap = resumed.recv().await.unwrap();
        assert!(
            matches!(gap, Some(Event::Gap(Missed::Exactly(38)))),
            "{gap:?}"
        );
        for number in 40..50 {
            assert_eq!(next(&mut resumed).await, message(number.to_string()));
        }
    });
}

#[test]
fn a_cursor_from_nowhere_is_a_gap() {
    with_topics(10, async |topics| {
        publish(&topics, 0..3).await;
        let cursor = Cursor::new(u64::MAX, u64::MAX);
        let mut resumed = topics.resume("a", cursor, Policy::wait()).await.unwrap();
        let gap = resumed.recv().await.unwrap();
        assert!(matches!(gap, Some(Event::Gap(Missed::Unknown))), "{gap:?}");
        publish(&topics, 3..4).await;
        assert_eq!(next(&mut resumed).await, message("3"));
    });
}
