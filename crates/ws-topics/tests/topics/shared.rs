//! Topics with a history in memory.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ws_driver::{CloseCode, Config};
use ws_topics::backplane::{Backplane, Memory, Page};
use ws_topics::{Cursor, Event, Missed, Policy, Prepared, SharedTopics, Subscription};

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

/// A store that forgets all messages of a topic when it is told to.
struct Forgetful {
    memory: Memory,
    has_forgotten: Arc<AtomicBool>,
}

impl Backplane for Forgetful {
    type Error = Infallible;
    type Watch = <Memory as Backplane>::Watch;

    async fn append(&self, topic: &str, message: &Prepared) -> Result<Cursor, Infallible> {
        self.memory.append(topic, message).await
    }

    async fn end(&self, topic: &str) -> Result<Cursor, Infallible> {
        match self.has_forgotten.load(Ordering::Relaxed) {
            true => Ok(Cursor::START),
            false => self.memory.end(topic).await,
        }
    }

    async fn read(&self, topic: &str, after: Cursor) -> Result<Page, Infallible> {
        match self.has_forgotten.load(Ordering::Relaxed) {
            true => Ok(Page::of_numbered(after, Vec::new())),
            false => self.memory.read(topic, after).await,
        }
    }

    async fn watch(&self) -> Result<Self::Watch, Infallible> {
        self.memory.watch().await
    }
}

#[tokio::test]
async fn a_history_that_has_expired_is_a_gap_also_while_others_are_subscribed() {
    let has_forgotten = Arc::<AtomicBool>::default();
    let topics = SharedTopics::new(Forgetful {
        memory: Memory::new(100),
        has_forgotten: Arc::clone(&has_forgotten),
    });
    let running = topics.clone();
    tokio::spawn(async move { running.run::<ws_tokio::Tokio>(|_| {}).await });
    let mut other = topics.subscribe("a", Policy::wait()).await.unwrap();
    for number in 0..10 {
        topics.publish("a", number.to_string()).await.unwrap();
        assert_eq!(next(&mut other).await, message(number.to_string()));
    }
    has_forgotten.store(true, Ordering::Relaxed);
    let last = other.cursor();
    for (cursor, expected) in [
        (Cursor::new(last.epoch, 3), Some(Missed::Exactly(6))),
        (Cursor::new(last.epoch - 1, 3), Some(Missed::Unknown)),
        (last, None),
    ] {
        let mut resumed = topics.resume("a", cursor, Policy::wait()).await.unwrap();
        if let Some(expected) = expected {
            let gap = resumed.recv().await.unwrap();
            assert!(
                matches!(gap, Some(Event::Gap(gap)) if gap == expected),
                "{gap:?}"
            );
        }
        assert_eq!(poll(&mut resumed), Item::Nothing);
    }
}

#[test]
fn the_cursor_stays_before_messages_that_a_closing_connection_does_not_take() {
    with_topics(100, async |topics| {
        let (mut client, mut server) = ws_tokio::testing::pair(Config::default());
        let mut subscription = topics.subscribe("a", Policy::wait()).await.unwrap();
        publish(&topics, 0..1).await;
        assert_eq!(next(&mut subscription).await, message("0"));
        let cursor = subscription.cursor();
        server.start_close(CloseCode::NORMAL, "").unwrap();
        publish(&topics, 1..4).await;
        // The messages have arrived here.
        let mut other = topics.resume("a", cursor, Policy::wait()).await.unwrap();
        assert_eq!(next(&mut other).await, message("1"));
        let leaving = tokio::spawn(async move { client.recv().await });
        assert_eq!(subscription.forward(&mut server).await.unwrap(), None);
        assert_eq!(leaving.await.unwrap().unwrap(), None);
        assert_eq!(subscription.cursor(), cursor);
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
