//! Topics by name.

use std::thread;

use ws_topics::{Policy, Topics};

use crate::{message, poll, poll_once};

#[test]
fn a_topic_is_removed_with_its_last_subscription_and_handle() {
    let topics = Topics::new();
    let topic = topics.topic("a");
    let subscriptions = [(); 2].map(|()| topics.subscribe("a", Policy::close()));
    assert_eq!(topics.names().len(), 1);
    assert_eq!(&*topics.names()[0], "a");
    assert_eq!(topic.subscribers(), 2);
    drop(topic);
    let [first, second] = subscriptions;
    drop(first);
    assert_eq!(topics.len(), 1);
    drop(second);
    assert!(topics.is_empty());
    assert!(topics.find("a").is_none());
}

#[test]
fn handles_and_names_are_the_same_topic() {
    let topics = Topics::new();
    let topic = topics.topic("a");
    let mut subscription = topics.clone().subscribe("a", Policy::close());
    let mut other = topics.subscribe("b", Policy::close());
    assert!(poll_once(topics.publish("a", "by name")).is_ready());
    topic.try_publish("by handle").unwrap();
    assert_eq!(poll(&mut subscription), message("by name"));
    assert_eq!(poll(&mut subscription), message("by handle"));
    assert!(other.is_empty());
    assert_eq!(poll(&mut other), crate::Item::Nothing);
}

#[test]
fn a_subscription_outlives_the_set() {
    let topics = Topics::new();
    let mut subscription = topics.subscribe("a", Policy::close());
    drop(topics);
    let topic = subscription.topic().unwrap();
    topic.try_publish("still here").unwrap();
    assert_eq!(poll(&mut subscription), message("still here"));
}

#[test]
fn topics_come_and_go_in_several_threads() {
    let topics = Topics::new();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let topics = topics.clone();
            thread::spawn(move || {
                for _ in 0..2_000 {
                    // Other threads may publish any number of messages before this one receives.
                    let policy = Policy::drop_newest().messages(usize::MAX);
                    let mut subscription = topics.subscribe("a", policy);
                    // Other threads publish, too.
                    assert!(topics.find("a").unwrap().try_publish("x").unwrap().queued > 0);
                    assert_eq!(poll(&mut subscription), message("x"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(topics.is_empty());
}
