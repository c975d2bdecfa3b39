//! The policies, in comparison with queues that are written as plainly as possible.

use std::collections::VecDeque;

use ws_topics::{Policy, Prepared, Subscription, Topic};

use crate::{Item, message, poll};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Wait,
    DropOldest,
    DropNewest,
    Close,
}

/// A queue with a copy of each message.
struct Model {
    kind: Kind,
    messages: usize,
    bytes: usize,
    queue: VecDeque<Item>,
    /// `true` until the subscriber has received something, with [`Kind::DropNewest`].
    is_missing: bool,
    is_too_slow: bool,
    has_ended: bool,
}

impl Model {
    fn queued(&self) -> impl Iterator<Item = &String> {
        self.queue.iter().filter_map(|item| match item {
            Item::Message(text) => Some(text),
            _ => None,
        })
    }

    fn has_room(&self, text: &str) -> bool {
        let bytes: usize = self.queued().map(String::len).sum();
        let messages = self.queued().count();
        messages == 0 || (messages < self.messages && bytes + text.len() <= self.bytes)
    }

    /// Counts a missed message at the front or the back of the queue.
    fn miss(&mut self, at_front: bool) {
        let end = match at_front {
            true => self.queue.front_mut(),
            false => self.queue.back_mut(),
        };
        match end {
            Some(Item::Lagged(missed)) => *missed += 1,
            _ if at_front => self.queue.push_front(Item::Lagged(1)),
            _ => self.queue.push_back(Item::Lagged(1)),
        }
    }

    /// Returns the numbers of messages that are queued and missed, and of subscriptions that end.
    fn publish(&mut self, text: &str) -> (usize, usize, usize) {
        if self.is_too_slow {
            return (0, 0, 0);
        }
        if self.is_missing {
            self.miss(false);
            return (0, 1, 0);
        }
        let mut missed = 0;
        while !self.has_room(text) {
            match self.kind {
                Kind::Wait => panic!("the publisher waits"),
                Kind::DropNewest => {
                    self.is_missing = true;
                    self.miss(false);
                    return (0, 1, 0);
                }
                Kind::Close => {
                    self.queue.clear();
                    self.is_too_slow = true;
                    return (0, 0, 1);
                }
                Kind::DropOldest => {
                    let is_message = |item: &Item| matches!(item, Item::Message(_));
                    let oldest = self.queue.iter().position(is_message).unwrap();
                    self.queue.remove(oldest);
                    self.miss(true);
                    missed += 1;
                }
            }
        }
        self.queue.push_back(message(text));
        (1, missed, 0)
    }

    fn receive(&mut self) -> Item {
        if self.is_too_slow {
            let first = !std::mem::replace(&mut self.has_ended, true);
            return if first { Item::TooSlow } else { Item::End };
        }
        let item = self.queue.pop_front().unwrap_or(Item::Nothing);
        self.is_missing &= !matches!(item, Item::Message(_));
        item
    }
}

fn subscribe(topic: &Topic, random: &mut fastrand::Rng, with_wait: bool) -> (Subscription, Model) {
    let kinds = [Kind::DropOldest, Kind::DropNewest, Kind::Close, Kind::Wait];
    let kind = kinds[random.usize(..3 + usize::from(with_wait))];
    let (messages, bytes) = (random.usize(1..8), random.usize(0..40));
    let policy = match kind {
        Kind::Wait => Policy::wait(),
        Kind::DropOldest => Policy::drop_oldest(),
        Kind::DropNewest => Policy::drop_newest(),
        Kind::Close => Policy::close(),
    };
    let model = Model {
        kind,
        messages,
        bytes,
        queue: VecDeque::new(),
        is_missing: false,
        is_too_slow: false,
        has_ended: false,
    };
    (
        topic.subscribe(policy.messages(messages).bytes(bytes)),
        model,
    )
}

/// One topic, with subscribers that come, receive and leave in any order.
struct Play {
    topic: Topic,
    subscribers: Vec<(Subscription, Model)>,
    random: fastrand::Rng,
    published: usize,
}

impl Play {
    fn step(&mut self, with_wait: bool) {
        let random = &mut self.random;
        match random.u32(..20) {
            0 => {
                let subscriber = subscribe(&self.topic, random, with_wait);
                self.subscribers.push(subscriber);
            }
            1 if !self.subscribers.is_empty() => {
                let index = random.usize(..self.subscribers.len());
                self.subscribers.swap_remove(index);
            }
            2..10 => self.publish(),
            _ => {
                let count = self.subscribers.len().max(1);
                let index = random.usize(..count);
                if let Some((subscription, model)) = self.subscribers.get_mut(index) {
                    assert_eq!(poll(subscription), model.receive(), "{:?}", model.kind);
                }
            }
        }
        for (subscription, model) in &self.subscribers {
            assert_eq!(subscription.len(), model.queued().count());
        }
    }

    fn publish(&mut self) {
        let len = self.random.usize(..20);
        let text = format!("{:>len$}", self.published);
        let models = || self.subscribers.iter().map(|(_, model)| model);
        let waits = models().any(|model| model.kind == Kind::Wait && !model.has_room(&text));
        let published = self.topic.try_publish(&Prepared::new(&*text));
        assert_eq!(published.is_err(), waits);
        let Ok(published) = published else { return };
        self.published += 1;
        let mut sums = (0, 0, 0);
        for (_, model) in &mut self.subscribers {
            let (queued, missed, closed) = model.publish(&text);
            sums = (sums.0 + queued, sums.1 + missed, sums.2 + closed);
        }
        assert_eq!((published.queued, published.missed, published.closed), sums);
    }
}

#[test]
fn policies_do_the_same_as_plain_queues() {
    for seed in 0..400 {
        let mut play = Play {
            topic: Topic::new(),
            subscribers: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            published: 0,
        };
        for _ in 0..300 {
            play.step(seed % 4 == 0);
        }
        for (mut subscription, mut model) in play.subscribers {
            loop {
                let item = model.receive();
                assert_eq!(poll(&mut subscription), item, "seed {seed}");
                if matches!(item, Item::Nothing | Item::End) {
                    break;
                }
            }
        }
    }
}

#[test]
fn each_policy_by_example() {
    let topic = Topic::new();
    let [mut oldest, mut newest, mut close] = [
        Policy::drop_oldest(),
        Policy::drop_newest(),
        Policy::close(),
    ]
    .map(|policy| topic.subscribe(policy.messages(2)));
    for text in ["a", "b", "c", "d"] {
        topic.try_publish(text).unwrap();
    }
    assert_eq!(poll(&mut oldest), Item::Lagged(2));
    assert_eq!(poll(&mut oldest), message("c"));
    assert_eq!(poll(&mut oldest), message("d"));

    assert_eq!(poll(&mut newest), message("a"));
    topic.try_publish("e").unwrap();
    assert_eq!(poll(&mut newest), message("b"));
    assert_eq!(poll(&mut newest), Item::Lagged(2));
    assert_eq!(poll(&mut newest), message("e"));
    assert_eq!((oldest.missed(), newest.missed()), (2, 2));

    assert_eq!(poll(&mut close), Item::TooSlow);
    assert_eq!(poll(&mut close), Item::End);
}

#[test]
fn a_closed_topic_ends_subscriptions_after_their_messages() {
    let topic = Topic::new();
    let mut subscription = topic.subscribe(Policy::wait());
    topic.try_publish("last").unwrap();
    topic.close();
    assert_eq!(topic.try_publish("too late").unwrap().queued, 0);
    assert_eq!(poll(&mut subscription), message("last"));
    assert_eq!(poll(&mut subscription), Item::End);
    assert_eq!(topic.subscribers(), 0);
}

#[test]
fn subscribers_share_the_memory_of_a_message() {
    let topic = Topic::new();
    let mut first = topic.subscribe(Policy::wait());
    let mut second = topic.subscribe(Policy::drop_newest().messages(1));
    let payload = ws_driver::Bytes::from(vec![1; 1 << 20]);
    let prepared = Prepared::new(payload);
    let address = prepared.as_bytes().as_ptr();
    topic.try_publish(&prepared).unwrap();
    for subscription in [&mut first, &mut second] {
        let received =
            subscription.poll_recv(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        let std::task::Poll::Ready(Ok(Some(ws_topics::Event::Message(message)))) = received else {
            panic!("{received:?}");
        };
        assert_eq!(message.as_bytes().as_ptr(), address);
    }
}
