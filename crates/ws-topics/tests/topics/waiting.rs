//! Publishers that wait for subscribers, and subscribers in several threads.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::{pin::pin, thread};

use ws_topics::{Event, Policy, Topic};

use crate::{Item, item, message, poll, poll_once};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_publisher_waits_until_there_is_room() {
    let topic = Topic::new();
    let mut subscription = topic.subscribe(Policy::wait().messages(1));
    topic.try_publish("first").unwrap();
    assert!(topic.try_publish("no room").is_err());

    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut publishing = pin!(topic.publish("second"));
    assert!(publishing.as_mut().poll(&mut context).is_pending());
    assert_eq!(poll(&mut subscription), message("first"));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(publishing.as_mut().poll(&mut context).is_ready());
    assert_eq!(poll(&mut subscription), message("second"));
}

#[test]
fn a_dropped_subscriber_wakes_the_publishers_that_wait_for_it() {
    let topic = Topic::new();
    let subscription = topic.subscribe(Policy::wait().messages(1));
    topic.try_publish("first").unwrap();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut publishing = pin!(topic.publish("second"));
    assert!(publishing.as_mut().poll(&mut context).is_pending());
    drop(subscription);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    let Poll::Ready(published) = publishing.as_mut().poll(&mut context) else {
        panic!("nobody is left to wait for");
    };
    assert_eq!(published.queued, 0);
}

#[test]
fn a_dropped_publisher_has_published_nothing() {
    let topic = Topic::new();
    let mut subscription = topic.subscribe(Policy::wait().messages(1));
    topic.try_publish("first").unwrap();
    assert!(poll_once(topic.publish("dropped")).is_pending());
    assert_eq!(poll(&mut subscription), message("first"));
    assert_eq!(poll(&mut subscription), Item::Nothing);
    topic.try_publish("third").unwrap();
    assert_eq!(poll(&mut subscription), message("third"));
}

#[test]
fn a_dropped_receive_loses_nothing() {
    let topic = Topic::new();
    let mut subscription = topic.subscribe(Policy::wait());
    for number in 0..10 {
        assert!(poll_once(subscription.recv()).is_pending());
        topic.try_publish(number.to_string()).unwrap();
        assert_eq!(poll(&mut subscription), message(number.to_string()));
    }
}

/// Publishers and subscribers in threads. Returns the sum of missed messages.
fn crowd(
    policy: &Policy,
    block_on: fn(std::pin::Pin<Box<dyn Future<Output = u64> + Send>>) -> u64,
) -> u64 {
    const PUBLISHERS: u64 = 3;
    const MESSAGES: u64 = 500;
    let topic = Topic::new();
    let subscribers: Vec<_> = (0..4)
        .map(|_| {
            let mut subscription = topic.subscribe(policy.clone());
            thread::spawn(move || {
                block_on(Box::pin(async move {
                    let mut next = [0; PUBLISHERS as usize];
                    let (mut received, mut missed) = (0, 0);
                    loop {
                        match subscription.recv().await {
                            Ok(Some(Event::Lagged(count))) => missed += count,
                            Ok(None) => break,
                            event => {
                                let Item::Message(text) = item(event) else {
                                    panic!("not a message");
                                };
                                let (publisher, number) = text.split_once(' ').unwrap();
                                let number: u64 = number.parse().unwrap();
                                let expected = &mut next[publisher.parse::<usize>().unwrap()];
                                assert!(number >= *expected, "messages are in order");
                                *expected = number + 1;
                                received += 1;
                            }
                        }
                    }
                    assert_eq!(received + missed, PUBLISHERS * MESSAGES);
                    assert_eq!(missed, subscription.missed());
                    missed
                }))
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let topic = topic.clone();
            thread::spawn(move || {
                block_on(Box::pin(async move {
                    for number in 0..MESSAGES {
                        topic.publish(format!("{publisher} {number}")).await;
                    }
                    0
                }))
            })
        })
        .collect();
    for publisher in publishers {
        publisher.join().unwrap();
    }
    topic.close();
    subscribers
        .into_iter()
        .map(|subscriber| subscriber.join().unwrap())
        .sum()
}

fn on_tokio(future: std::pin::Pin<Box<dyn Future<Output = u64> + Send>>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn on_smol(future: std::pin::Pin<Box<dyn Future<Output = u64> + Send>>) -> u64 {
    smol::block_on(future)
}

fn on_async_std(future: std::pin::Pin<Box<dyn Future<Output = u64> + Send>>) -> u64 {
    async_std::task::block_on(future)
}

#[test]
fn subscribers_that_are_waited_for_miss_nothing() {
    for block_on in [on_tokio, on_smol, on_async_std] {
        assert_eq!(crowd(&Policy::wait().messages(2), block_on), 0);
    }
}

#[test]
fn every_message_is_received_or_counted_as_missed() {
    for block_on in [on_tokio, on_smol, on_async_std] {
        crowd(&Policy::drop_oldest().messages(4), block_on);
        crowd(&Policy::drop_newest().messages(4), block_on);
    }
}
