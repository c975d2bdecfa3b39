//! The verdict on the events of a script.

use crate::channel::{bytes, difference};
use crate::script::{Event, Expected};
use crate::verdict::Behavior;

/// The verdict on events, with a sentence.
#[derive(Debug)]
pub(super) struct OfEvents {
    pub(super) behavior: Behavior,
    pub(super) result: String,
    /// The index of the first event that is wrong, if no list has the received events.
    pub(super) unexpected: Option<usize>,
}

/// Compares the received events with the lists of a script, the best first.
pub(super) fn judge_events(lists: &[Expected], received: &[Event]) -> OfEvents {
    let tolerated = lists.iter().find(|list| list.events == received);
    if let Some(list) = tolerated {
        let better = match list.behavior {
            Behavior::NonStrict => lists.first().and_then(|best| deviation(best, received)),
            _ => None,
        };
        return OfEvents {
            behavior: list.behavior,
            result: match better {
                Some((_, what)) => format!("The events are tolerated, but {what}."),
                None => "The events are as expected.".to_owned(),
            },
            unexpected: None,
        };
    }
    // Of equally near lists, `max_by_key` takes the last one, which has to be the best one here.
    let lists = lists.iter().rev();
    let nearest = lists.filter_map(|list| deviation(list, received));
    let (unexpected, result) = match nearest.max_by_key(|(index, _)| *index) {
        Some((index, what)) => (
            Some(index),
            format!("The events are not as expected: {what}."),
        ),
        None => (None, "The events are not as expected.".to_owned()),
    };
    OfEvents {
        behavior: Behavior::Failed,
        result,
        unexpected,
    }
}

/// Returns the index of the first event that is not that of the list, and the difference. Returns
/// `None` if there is none.
fn deviation(list: &Expected, received: &[Event]) -> Option<(usize, String)> {
    let expected = &list.events;
    let mut both = expected.iter().zip(received);
    let index = both
        .position(|(expected, received)| expected != received)
        .unwrap_or_else(|| expected.len().min(received.len()));
    let number = index + 1;
    let what = match (expected.get(index), received.get(index)) {
        (None, None) => return None,
        (Some(expected), None) => format!("event {number} ({}) did not arrive", named(expected)),
        (None, Some(received)) => format!("event {number} ({}) is not expected", named(received)),
        (Some(expected), Some(received)) => unlike(number, expected, received),
    };
    Some((index, what))
}

/// Describes an event that differs from the expected one.
fn unlike(number: usize, expected: &Event, received: &Event) -> String {
    let (kind, difference) = match (expected, received) {
        (Event::Message { .. }, Event::Message { .. }) => ("message", contents(expected, received)),
        (Event::Pong(_), Event::Pong(_)) => ("Pong", contents(expected, received)),
        _ => {
            let (received, expected) = (named(received), named(expected));
            return format!("event {number} is {received} instead of {expected}");
        }
    };
    format!("event {number}, a {kind}, differs from the expected one: {difference}")
}

fn contents(expected: &Event, received: &Event) -> String {
    let of = |event: &Event| match event {
        Event::Message { binary, payload } => (*binary, payload.to_vec()),
        Event::Pong(payload) => (true, payload.to_vec()),
        Event::WaitOver(_) => (true, Vec::new()),
    };
    let (expected, received) = (of(expected), of(received));
    difference((expected.0, &expected.1), (received.0, &received.1))
}

fn named(event: &Event) -> String {
    match event {
        Event::Message { binary, payload } => {
            let kind = if *binary { "binary" } else { "text" };
            format!("a {kind} message of {}", bytes(payload.len()))
        }
        Event::Pong(payload) => format!("a Pong of {}", bytes(payload.len())),
        Event::WaitOver(tag) => format!("the end of the wait {tag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Payload;

    fn text(payload: &'static str) -> Event {
        Event::Message {
            binary: false,
            payload: Payload::text(payload),
        }
    }

    fn lists() -> Vec<Expected> {
        let list = |behavior, events| Expected { behavior, events };
        vec![
            list(Behavior::Ok, vec![text("abc"), Event::Pong(Payload::EMPTY)]),
            list(Behavior::NonStrict, vec![text("abc")]),
            list(Behavior::NonStrict, vec![]),
        ]
    }

    #[track_caller]
    fn assert_judged(received: &[Event], behavior: Behavior, at: Option<usize>, result: &str) {
        let judged = judge_events(&lists(), received);
        assert_eq!(judged.behavior, behavior);
        assert_eq!((judged.unexpected, &*judged.result), (at, result));
    }

    #[test]
    fn the_first_event_that_is_wrong_is_described() {
        let failed = |received: &[Event], at, what: &str| {
            let result = format!("The events are not as expected: {what}.");
            assert_judged(received, Behavior::Failed, Some(at), &result);
        };
        let pong = |payload| Event::Pong(Payload::text(payload));
        failed(
            &[text("axc")],
            0,
            "event 1, a message, differs from the expected one: both have 3 bytes; the first \
             difference is at byte 1, counted from 0: received `axc`, expected `abc`",
        );
        failed(
            &[pong("")],
            0,
            "event 1 is a Pong of 0 bytes instead of a text message of 3 bytes",
        );
        failed(
            &[text("abc"), pong("p")],
            1,
            "event 2, a Pong, differs from the expected one: received 1 byte, expected 0; the \
             shorter one is the beginning of the longer one",
        );
        failed(
            &[text("abc"), pong(""), pong("")],
            2,
            "event 3 (a Pong of 0 bytes) is not expected",
        );
    }

    #[test]
    fn tolerated_events_are_compared_with_the_best_ones() {
        let tolerated = |received: &[Event], what: &str| {
            let result = format!("The events are tolerated, but {what}.");
            assert_judged(received, Behavior::NonStrict, None, &result);
        };
        tolerated(&[], "event 1 (a text message of 3 bytes) did not arrive");
        tolerated(&[text("abc")], "event 2 (a Pong of 0 bytes) did not arrive");
        let best = [text("abc"), Event::Pong(Payload::EMPTY)];
        assert_judged(&best, Behavior::Ok, None, "The events are as expected.");
    }
}
