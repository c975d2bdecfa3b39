//! 23.2: masking.

use std::collections::HashSet;

use crate::case::Case;
use crate::case::Roles::{Client, Server};
use crate::cases::fails::{fails, fails_with};
use crate::dialogue::{Miss, Outcome, Peer, passed};
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: masking";
/// The number of compared keys. Two of so few random keys are equal once in two million runs.
const KEYS: usize = 64;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = not_masked();
    cases.extend(masked());
    cases.extend([
        key("23.2.8", "with the masking key 00000000", || {
            Frame::text("Hello").masked_with([0; 4])
        }),
        key(
            "23.2.9",
            "whose masking key is equal to its payload",
            || Frame::text("Hell").masked_with(*b"Hell"),
        ),
        alignments(),
        keys_vary(),
    ]);
    cases
}

fn not_masked() -> Vec<Case> {
    let not_masked = |id, which, frames: fn() -> Vec<Frame>| {
        let case = fails(id, Server, TITLE, &rules::NOT_MASKED, &[1002], frames);
        case.does(format!(
            "Sends a message and waits for its echo. Then sends {which} that is not masked."
        ))
    };
    vec![
        not_masked("23.2.1", "a text", || {
            vec![Frame::text("Hello").wrongly_masked()]
        }),
        not_masked("23.2.2", "a Ping", || {
            vec![Frame::ping("Hello").wrongly_masked()]
        }),
        close("23.2.3", "is not masked"),
        not_masked(
            "23.2.4",
            "the first fragment of a text, which is masked, and a second fragment",
            || {
                vec![
                    Frame::text("Hel").unfinished(),
                    Frame::continuation("lo").wrongly_masked(),
                ]
            },
        ),
    ]
}

fn masked() -> Vec<Case> {
    let masked = |id, which, frame: fn() -> Frame| {
        let frames = move || vec![frame().wrongly_masked()];
        let case = fails(id, Client, TITLE, &rules::MASKED, &[1002], frames);
        case.does(format!(
            "Sends a message and waits for its echo. Then sends {which} that is masked."
        ))
    };
    vec![
        masked("23.2.5", "a text", || Frame::text("Hello")),
        masked("23.2.6", "a Ping", || Frame::ping("Hello")),
        close("23.2.7", "is masked"),
    ]
}

/// Returns a case with a Close. The rules demand the end of the connection and leave the code open
/// ("MAY"). An answer with the code of the Close is therefore only a missed SHOULD.
fn close(id: &str, how: &str) -> Case {
    let (role, rule) = match id {
        "23.2.3" => (Server, &rules::NOT_MASKED),
        _ => (Client, &rules::MASKED),
    };
    let case = Case::new(id, role, TITLE, rule, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send(Frame::close(1000, b"").wrongly_masked())?;
        peer.expect_fail(&[1002])
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends a Close that {how}."
    ))
    .wants(fails_with(&[1002]))
}

fn key(id: &str, how: &str, frame: fn() -> Frame) -> Case {
    let case = Case::new(id, Server, TITLE, &rules::UNMASKING, move |peer| {
        peer.open()?;
        peer.send(frame())?;
        peer.expect_echo(&frame())?;
        passed("The echo is right.")
    });
    case.see(&["RFC 6455 §5.3"])
        .does(format!("Sends a text {how}."))
        .wants("The server echoes the text.")
}

/// Returns a case with all alignments. Code that unmasks whole words has to begin and to end at any
/// byte.
fn alignments() -> Case {
    let case = Case::new("23.2.10", Server, TITLE, &rules::UNMASKING, |peer| {
        peer.open()?;
        for len in 0..=300 {
            let pair = |shift| [Frame::ping(vec![b'.'; shift]), message(len, shift)];
            let pairs: [_; 8] = std::array::from_fn(pair);
            peer.send_together(&pairs.concat())?;
            for [_, message] in &pairs {
                peer.expect_echo(message)?;
            }
        }
        passed("All echoes are right.")
    });
    case.see(&["RFC 6455 §5.3"])
        .does(
            "Sends binary messages of 0 to 300 bytes, each length eight times: after Pings of 0 \
             to 7 bytes.",
        )
        .wants("The server echoes all messages.")
}

fn message(len: usize, shift: usize) -> Frame {
    let bytes = (0..len).map(|index| (index * 7 + shift) as u8);
    Frame::binary(bytes.collect::<Vec<_>>())
}

fn keys_vary() -> Case {
    let case = Case::new("23.2.11", Client, TITLE, &rules::KEYS, |peer| {
        peer.open()?;
        for _ in 0..KEYS {
            peer.expect_to_be_alive()?;
        }
        judge_keys(peer)
    });
    case.see(&["RFC 6455 §10.3"])
        .does(format!(
            "Sends {KEYS} messages and compares the masking keys of the echoes."
        ))
        .wants(
            "All keys differ. The difference between two keys in a row is not always the same, \
             neither by subtraction nor by XOR. Each of the 32 bits is 0 in some keys and 1 in \
             others.",
        )
}

fn judge_keys(peer: &Peer<'_>) -> Outcome {
    let keys = &peer.said.keys;
    let distinct = |numbers: Vec<u32>| numbers.into_iter().collect::<HashSet<_>>().len();
    let steps = |step: fn(u32, u32) -> u32| {
        let pairs = keys.windows(2);
        distinct(pairs.map(|pair| step(pair[0], pair[1])).collect())
    };
    let always_set = keys.iter().fold(u32::MAX, |bits, key| bits & key);
    let ever_set = keys.iter().fold(0, |bits, key| bits | key);
    if distinct(keys.clone()) < keys.len() {
        Miss::must("The client used a masking key twice.")
    } else if steps(u32::wrapping_sub) < 2 || steps(|a, b| a ^ b) < 2 {
        Miss::must("Each masking key follows from the one before it.")
    } else if always_set != 0 || ever_set != u32::MAX {
        Miss::must("Some bits are the same in all masking keys.")
    } else {
        passed(format!(
            "The client used {} masking keys without a pattern.",
            keys.len()
        ))
    }
}
