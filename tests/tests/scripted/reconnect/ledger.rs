//! The account of the messages that a test has sent and received.

use std::collections::{BTreeMap, BTreeSet};

use ws_reconnect::{Event, Undelivered};

/// The account of all messages.
#[derive(Default)]
pub(super) struct Ledger {
    /// The text of each accepted message, by its number.
    accepted: BTreeMap<u64, String>,
    last: u64,
    /// The message of a `send` that was dropped. It was accepted or not.
    maybe: Option<String>,
    /// The messages that were not accepted.
    refused: BTreeSet<String>,
    /// The report about each message, by its number.
    fates: BTreeMap<u64, Fate>,
    /// The unsent messages that were reported.
    returned: BTreeMap<u64, String>,
    /// The last message of the server.
    received: u64,
    /// `true` if messages of the server may be missing before the next one.
    may_miss: bool,
    pub(super) gaps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unsent,
    Unconfirmed,
    Dropped,
}

impl Ledger {
    pub(super) fn is_certain(&self) -> bool {
        self.maybe.is_none()
    }

    pub(super) fn accept(&mut self, number: u64, text: String) {
        if let Some(maybe) = self.maybe.take() {
            match number == self.last + 2 {
                true => {
                    self.accepted.insert(self.last + 1, maybe);
                    self.last += 1;
                }
                false => {
                    self.refused.insert(maybe);
                }
            }
        }
        assert_eq!(number, self.last + 1);
        self.last = number;
        self.accepted.insert(number, text);
    }

    pub(super) fn refuse(&mut self, text: String) {
        self.refused.insert(text);
    }

    pub(super) fn send_was_dropped(&mut self, text: String) {
        assert!(self.maybe.replace(text).is_none());
    }

    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Message(message) => {
                let number = message.as_text().unwrap().parse().unwrap();
                match self.may_miss {
                    true => assert!(number > self.received),
                    false => assert_eq!(number, self.received + 1),
                }
                self.received = number;
                self.may_miss = false;
            }
            Event::Gap(gap) => {
                self.gaps += 1;
                self.may_miss = true;
                self.undelivered(gap.undelivered);
            }
            Event::Open(_) => self.may_miss = true,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn undelivered(&mut self, undelivered: Undelivered) {
        let numbers = undelivered.unsent.iter().map(|(number, _)| *number);
        assert!(numbers.clone().is_sorted());
        let unsent = numbers.map(|number| (number, Fate::Unsent));
        let unconfirmed = undelivered.unconfirmed.iter();
        let dropped = undelivered.dropped.iter();
        let fates = unsent
            .chain(unconfirmed.map(|number| (number, Fate::Unconfirmed)))
            .chain(dropped.map(|number| (number, Fate::Dropped)));
        for (number, fate) in fates {
            let before = self.fates.insert(number, fate);
            assert_eq!(before, None, "message {number} was reported twice");
        }
        for (number, message) in undelivered.unsent {
            let text = message.as_text().unwrap().to_owned();
            self.returned.insert(number, text);
        }
    }

    /// Compares the account with what the server has read, and with what has arrived there unread.
    pub(super) fn check(mut self, read: &[String], unread: &[String], confirmed: u64) {
        if let Some(maybe) = self.maybe.take() {
            // No later number tells whether the message was accepted. A report or the server may.
            if read.contains(&maybe) || self.fates.contains_key(&(self.last + 1)) {
                self.last += 1;
                self.accepted.insert(self.last, maybe);
            }
        }
        let mut count = BTreeMap::new();
        for text in read {
            *count.entry(text).or_insert(0) += 1;
        }
        assert!(count.values().all(|count| *count == 1), "read twice");
        let order: Vec<u64> = read.iter().map(|text| id(text)).collect();
        assert!(order.is_sorted(), "read in another order");
        for (number, text) in &self.accepted {
            let is_read = count.contains_key(text);
            match self.fates.get(number) {
                None => assert!(is_read, "message {number} was lost without a report"),
                Some(Fate::Unsent | Fate::Dropped) => {
                    let has_arrived = is_read || unread.contains(text);
                    assert!(!has_arrived, "message {number} was delivered");
                }
                Some(Fate::Unconfirmed) => {
                    let has_arrived = is_read || unread.contains(text);
                    assert!(has_arrived, "message {number} has never left");
                }
            }
            if let Some(returned) = self.returned.get(number) {
                assert_eq!(returned, text);
            }
        }
        assert!(self.refused.iter().all(|text| !count.contains_key(text)));
        assert!(self.fates.keys().all(|number| *number <= self.last));
        assert!(confirmed <= self.last);
    }
}

/// Returns the text of a message with this number of the test, and padding.
pub(super) fn text(id: u64, len: usize) -> String {
    format!("{id}:{}", "x".repeat(len))
}

fn id(text: &str) -> u64 {
    text.split_once(':').unwrap().0.parse().unwrap()
}
