//! The expected events beside the received ones.

use std::collections::BTreeMap;

use serde_json::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::stored::Stored;
use super::words::visible;

/// The most rows. 1,000 echoes are no easier to read than 200.
const MOST_ROWS: usize = 200;
/// The most characters of a payload. Reports have 64 bytes of it, 128 digits in hexadecimal.
const MOST_TEXT: usize = 200;

/// An event for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Shown {
    pub(super) kind: String,
    pub(super) payload: String,
}

/// A line with an expected event, a received event, or both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) expected: Option<Shown>,
    pub(super) observed: Option<Shown>,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

/// The events beside one of the lists that a case accepts.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The verdict of the list.
    pub(super) verdict: String,
    pub(super) rows: Vec<Row>,
    pub(super) cut: usize,
    pub(super) is_match: bool,
}

impl Comparison {
    /// Notes that this event is wrong, although the bytes that reports have of it may be right.
    fn mark_unexpected(&mut self, index: usize) {
        self.is_match = false;
        let mut rows = self.rows.iter_mut().take(index + 1);
        let is_same = rows.by_ref().take(index).all(|row| row.class == "same");
        if let Some(row) = rows.next().filter(|row| is_same && row.class == "same") {
            (row.class, row.word) = ("other", "different in later bytes");
        }
    }
}

/// Returns the comparison with each list. A list that matches comes first, then the strictest.
pub(super) fn comparisons(stored: &Stored) -> Vec<Comparison> {
    let observed: Vec<_> = stored.received.iter().map(shown).collect();
    let mut all: Vec<_> = in_order(&stored.expected)
        .map(|(verdict, events)| {
            let expected: Vec<_> = events.iter().map(shown).collect();
            let mut comparison = compare(visible(verdict, 40), &expected, &observed);
            if let Some(index) = stored.unexpected_event {
                comparison.mark_unexpected(index);
            }
            comparison
        })
        .collect();
    all.sort_by_key(|comparison| !comparison.is_match);
    all
}

/// Returns the events of a case that compares no events.
pub(super) fn observed(stored: &Stored) -> (Vec<Shown>, usize) {
    let received = &stored.received;
    let rows = received.iter().take(MOST_ROWS).map(shown).collect();
    (rows, received.len().saturating_sub(MOST_ROWS))
}

fn in_order(lists: &BTreeMap<String, Vec<Value>>) -> impl Iterator<Item = (&String, &Vec<Value>)> {
    let mut lists: Vec<_> = lists.iter().collect();
    lists.sort_by_key(|(verdict, _)| *verdict != "OK");
    lists.into_iter()
}

fn compare(verdict: String, expected: &[Shown], observed: &[Shown]) -> Comparison {
    let some = |events: &[Shown], index: Option<usize>| index.map(|index| events[index].clone());
    let mut rows: Vec<_> = pairs(expected, observed)
        .into_iter()
        .map(|(left, right)| {
            let (expected, observed) = (some(expected, left), some(observed, right));
            let (class, word) = match (&expected, &observed) {
                (Some(left), Some(right)) if left == right => ("same", "as expected"),
                (Some(_), Some(_)) => ("other", "different"),
                (Some(_), None) => ("absent", "did not arrive"),
                (None, _) => ("surplus", "not expected"),
            };
            Row {
                expected,
                observed,
                class,
                word,
            }
        })
        .collect();
    let cut = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    Comparison {
        verdict,
        rows,
        cut,
        is_match: expected == observed,
    }
}

/// Returns which event stands beside which.
fn pairs(expected: &[Shown], observed: &[Shown]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::new();
    for change in capture_diff_slices(Algorithm::Myers, expected, observed) {
        let (tag, mut left, mut right) = change.as_tag_tuple();
        if matches!(tag, DiffTag::Equal | DiffTag::Replace) {
            while !left.is_empty() && !right.is_empty() {
                pairs.push((left.next(), right.next()));
            }
        }
        pairs.extend(left.map(|index| (Some(index), None)));
        pairs.extend(right.map(|index| (None, Some(index))));
    }
    pairs
}

fn shown(event: &Value) -> Shown {
    let text = |value: &Value| match value.as_str() {
        Some(text) => visible(text, MOST_TEXT),
        None => visible(&value.to_string(), MOST_TEXT),
    };
    let kind = match event[0].as_str() {
        Some("message") if event[2] == Value::Bool(true) => "Binary message",
        Some("message") => "Text message",
        Some("pong") => "Pong",
        Some("timeout") => "Wait over",
        _ => {
            let kind = "Event".to_owned();
            let payload = text(event);
            return Shown { kind, payload };
        }
    };
    Shown {
        kind: kind.to_owned(),
        payload: text(&event[1]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(expected: Value, received: Value) -> Stored {
        serde_json::from_value(json!({"expected": expected, "received": received})).unwrap()
    }

    #[test]
    fn events_stand_beside_what_they_should_be() {
        let stored = stored(
            json!({"OK": [["message", "a", false], ["pong", "p"], ["message", "c", true]]}),
            json!([
                ["message", "a", false],
                ["message", "x", true],
                ["timeout", "A"]
            ]),
        );
        let comparison = &comparisons(&stored)[0];
        let classes: Vec<_> = comparison.rows.iter().map(|row| row.class).collect();
        assert_eq!(classes, ["same", "other", "other"]);
        let kinds = comparison
            .rows
            .iter()
            .map(|row| &*row.observed.as_ref().unwrap().kind);
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds, ["Text message", "Binary message", "Wait over"]);
        assert!(!comparison.is_match);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_has_a_line_of_its_own() {
        let a = json!(["pong", "a"]);
        let b = json!(["pong", "b"]);
        let less = stored(json!({"OK": [a, b]}), json!([b]));
        let rows = &comparisons(&less)[0].rows;
        assert_eq!((rows[0].class, rows[1].class), ("absent", "same"));
        let more = stored(json!({"OK": [a]}), json!([a, b]));
        let rows = &comparisons(&more)[0].rows;
        assert_eq!((rows[0].class, rows[1].class), ("same", "surplus"));
    }

    #[test]
    fn the_list_that_matches_comes_first() {
        let lists = json!({"NON-STRICT": [], "OK": [["pong", "a"]]});
        let order = |received| {
            let all = comparisons(&stored(lists.clone(), received));
            all.into_iter().map(|it| it.verdict).collect::<Vec<_>>()
        };
        assert_eq!(order(json!([])), ["NON-STRICT", "OK"]);
        assert_eq!(order(json!([["pong", "b"]])), ["OK", "NON-STRICT"]);
    }

    #[test]
    fn an_event_that_differs_in_later_bytes_is_not_the_same() {
        let events = json!([["pong", "a"], ["message", "long ...", false]]);
        let mut stored = stored(json!({"OK": events}), events);
        stored.unexpected_event = Some(1);
        let comparison = &comparisons(&stored)[0];
        assert!(!comparison.is_match);
        let words: Vec<_> = comparison.rows.iter().map(|row| row.word).collect();
        assert_eq!(words, ["as expected", "different in later bytes"]);
    }

    #[test]
    fn endless_lists_are_cut() {
        let events = vec![json!(["pong", "a"]); 1000];
        let comparison = &comparisons(&stored(json!({"OK": events}), json!(events)))[0];
        assert_eq!((comparison.rows.len(), comparison.cut), (200, 800));
        assert!(comparison.is_match);
    }
}
