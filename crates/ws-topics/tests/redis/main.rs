//! Topics over more than one process by a real Redis.
//!
//! Without `redis-server`, the tests print a line and do nothing.

#![cfg(unix)]
#![forbid(unsafe_code)]

mod outages;
mod processes;
mod server;

use std::time::Duration;

use tokio::time::timeout;
use ws_topics::backplane::Redis;
use ws_topics::{Event, Missed, Policy, SharedTopics, Subscription};

pub(crate) const TOPIC: &str = "news";

/// Runs a test on tokio, for a minute at most.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    let done = runtime.block_on(async { timeout(Duration::from_secs(60), test).await });
    done.expect("the test ends in time");
}

/// Makes the topics of one process, and runs them in a task.
pub(crate) fn join(redis: Redis) -> SharedTopics<Redis> {
    let topics = SharedTopics::new(redis);
    let running = topics.clone();
    tokio::spawn(async move { running.run::<ws_tokio::Tokio>(|_| {}).await });
    topics
}

/// A large queue, so that nothing is missed in this process.
pub(crate) fn policy() -> Policy {
    Policy::drop_newest().messages(1 << 20).bytes(1 << 30)
}

/// An item of a subscription to numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Number(u64),
    Gap(Missed),
}

pub(crate) async fn next(subscription: &mut Subscription) -> Item {
    match subscription.recv().await.unwrap() {
        Some(Event::Message(message)) => {
            let text = std::str::from_utf8(message.as_bytes()).unwrap();
            Item::Number(text.parse().unwrap())
        }
        Some(Event::Gap(missed)) => Item::Gap(missed),
        other => panic!("{other:?}"),
    }
}

/// Receives up to this number.
pub(crate) async fn until(subscription: &mut Subscription, last: u64) -> Vec<Item> {
    let mut items = Vec::new();
    while items.last() != Some(&Item::Number(last)) {
        items.push(next(subscription).await);
    }
    items
}

pub(crate) fn numbers(range: impl Iterator<Item = u64>) -> Vec<Item> {
    range.map(Item::Number).collect()
}
