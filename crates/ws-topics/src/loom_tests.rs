//! Tests with Loom. Loom runs each model in every order of the steps of its threads.
//!
//! A lost wake-up leaves a thread parked forever. Loom reports that as a deadlock.

use loom::future::block_on;
use loom::thread;
use ws_driver::Prepared;

use crate::{Event, Policy, Subscription, Topic};

fn expect(subscription: &mut Subscription, text: &str) {
    let Ok(Some(Event::Message(message))) = block_on(subscription.recv()) else {
        panic!("not a message");
    };
    assert_eq!(message.as_bytes(), text.as_bytes());
}

/// Runs `model` in every order with at most three preemptions.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(3));
    builder.check(model);
}

#[test]
fn waiting_subscribers_are_woken_by_a_message() {
    explore(|| {
        let topic = Topic::new();
        let receiving = [(); 2].map(|()| {
            let mut subscription = topic.subscribe(Policy::drop_oldest());
            thread::spawn(move || expect(&mut subscription, "x"))
        });
        topic.try_publish("x").unwrap();
        for thread in receiving {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_waiting_publisher_is_woken_by_a_receive() {
    explore(|| {
        let topic = Topic::new();
        let mut subscription = topic.subscribe(Policy::wait().messages(1));
        let receiving = thread::spawn(move || {
            for text in ["1", "2", "3"] {
                expect(&mut subscription, text);
            }
        });
        for text in ["1", "2", "3"] {
            block_on(topic.publish(text));
        }
        receiving.join().unwrap();
    });
}

#[test]
fn two_waiting_publishers_are_woken_by_a_dropped_subscription() {
    explore(|| {
        let topic = Topic::new();
        let subscription = topic.subscribe(Policy::wait().messages(1));
        topic.try_publish("1").unwrap();
        let publishing = [(); 2].map(|()| {
            let topic = topic.clone();
            thread::spawn(move || assert_eq!(block_on(topic.publish("2")).queued, 0))
        });
        drop(subscription);
        for thread in publishing {
            thread.join().unwrap();
        }
    });
}

#[test]
fn closing_wakes_subscribers_and_publishers() {
    explore(|| {
        let topic = Topic::new();
        let full = topic.subscribe(Policy::wait().messages(1));
        let mut empty = topic.subscribe(Policy::wait().messages(1));
        topic.try_publish("1").unwrap();
        let other = topic.clone();
        let publishing = thread::spawn(move || block_on(other.publish("2")).queued);
        let receiving = thread::spawn(move || {
            expect(&mut empty, "1");
            assert!(block_on(empty.recv()).unwrap().is_none());
        });
        topic.close();
        assert_eq!(publishing.join().unwrap(), 0);
        receiving.join().unwrap();
        drop(full);
    });
}

#[test]
fn a_stuck_subscriber_learns_that_it_is_too_slow() {
    explore(|| {
        let topic = Topic::new();
        let subscription = topic.subscribe(Policy::close().messages(1));
        let message = Prepared::new("x");
        topic.try_publish(&message).unwrap();
        let waiting = thread::spawn(move || {
            block_on(std::future::poll_fn(|cx| {
                match subscription.wait_stuck(cx) {
                    true => std::task::Poll::Ready(()),
                    false => std::task::Poll::Pending,
                }
            }));
        });
        assert_eq!(topic.try_publish(&message).unwrap().closed, 1);
        waiting.join().unwrap();
    });
}

#[test]
fn a_topic_of_a_set_is_made_again_while_it_is_removed() {
    explore(|| {
        let topics = crate::Topics::new();
        let other = topics.clone();
        let leaving = thread::spawn(move || drop(other.subscribe("a", Policy::wait())));
        let mut subscription = topics.subscribe("a", Policy::drop_oldest());
        let topic = topics.find("a").expect("the topic of the subscription");
        topic.try_publish("x").unwrap();
        expect(&mut subscription, "x");
        leaving.join().unwrap();
        assert_eq!(topics.len(), 1);
    });
}
