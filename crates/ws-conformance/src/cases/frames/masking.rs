//! 23.2: masking.

use crate::case::Case;
use crate::case::Roles::Client;
use crate::case::Roles::Server;
use crate::cases::fails::fails;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::collections::HashSet;

const TITLE: &str = "Framing: masking";
const RULES: &[&str] = &["RFC 6455 §5.1"];
/// How many keys are looked at. Two of so few 32-bit numbers are equal once in a million runs.
const KEYS: usize = 64;

#[rustfmt::skip]
pub(super) fn cases() -> Vec<Case> {
    vec![
        not_masked("23.2.1", "a text", || vec![Frame::text("Hello").wrongly_masked()]),
        not_masked("23.2.2", "a Ping", || vec![Frame::ping("Hello").wrongly_masked()]),
        not_masked("23.2.3", "a Close", || vec![Frame::close(1000, b"").wrongly_masked()]),
        not_masked("23.2.4", "the second fragment of a text, whose first one is masked,", || {
            vec![Frame::text("Hel").unfinished(), Frame::continuation("lo").wrongly_masked()]
        }),
        masked("23.2.5", "a text", || Frame::text("Hello").wrongly_masked()),
        masked("23.2.6", "a Ping", || Frame::ping("Hello").wrongly_masked()),
        masked("23.2.7", "a Close", || Frame::close(1000, b"").wrongly_masked()),
        key("23.2.8", "with the key 00000000", || Frame::text("Hello").masked_with([0; 4])),
        key("23.2.9", "whose key is its payload", || Frame::text("Hell").masked_with(*b"Hell")),
        alignments(),
        keys_vary(),
    ]
}

fn not_masked(id: &str, sends: &str, frames: fn() -> Vec<Frame>) -> Case {
    fails(id, Server, TITLE, RULES, &[1002], frames).does(format!(
        "Sends a message, which has to come back, then {sends} without a mask."
    ))
}

fn masked(id: &str, sends: &str, frame: fn() -> Frame) -> Case {
    fails(id, Client, TITLE, RULES, &[1002], move || vec![frame()]).does(format!(
        "Sends a message, which has to come back, then {sends} with a mask."
    ))
}

fn key(id: &str, sends: &str, frame: fn() -> Frame) -> Case {
    let case = Case::new(id, Server, TITLE, &["RFC 6455 §5.3"], move |peer| {
        peer.open()?;
        peer.send(frame())?;
        peer.expect_echo(&frame())?;
        passed("The echo is right.")
    });
    case.does(format!("Sends a text {sends}."))
        .wants("Its echo.")
}

/// Unmasking in words has to begin and end at any octet.
fn alignments() -> Case {
    let case = Case::new("23.2.10", Server, TITLE, &["RFC 6455 §5.3"], |peer| {
        peer.open()?;
        let lengths: Vec<_> = (0..=300).collect();
        for some in lengths.chunks(20) {
            let each = some
                .iter()
                .flat_map(|len| (0..8).map(|shift| (*len, shift)));
            let messages: Vec<_> = each
                .clone()
                .map(|(len, shift)| message(len, shift))
                .collect();
            let pings = each.map(|(_, shift)| Frame::ping(vec![b'.'; shift]));
            let frames = pings
                .zip(messages.clone())
                .flat_map(|(ping, message)| [ping, message]);
            peer.send_together(&frames.collect::<Vec<_>>())?;
            for message in &messages {
                peer.expect_echo(message)?;
            }
        }
        passed("All echoes are right.")
    });
    case.does(
        "Sends messages of 0 to 300 octets, each length eight times, after Pings of 0 to 7 octets.",
    )
    .wants("Their echoes.")
}

fn message(len: usize, shift: usize) -> Frame {
    let octets = (0..len).map(|index| (index * 7 + shift) as u8);
    Frame::binary(octets.collect::<Vec<_>>())
}

fn keys_vary() -> Case {
    let rules = &["RFC 6455 §5.3", "RFC 6455 §10.3"];
    let case = Case::new("23.2.11", Client, TITLE, rules, |peer| {
        peer.open()?;
        for _ in 0..KEYS {
            peer.expect_to_be_alive()?;
        }
        judge_keys(peer)
    });
    case.does(format!(
        "Sends {KEYS} messages and looks at the masking keys of the echoes."
    ))
    .wants("Keys that differ, and do not follow from each other by addition or XOR.")
}

fn judge_keys(peer: &Peer<'_>) -> Outcome {
    let keys = &peer.said.keys;
    let distinct = |numbers: Vec<u32>| numbers.into_iter().collect::<HashSet<_>>().len();
    let steps = |step: fn(u32, u32) -> u32| {
        let pairs = keys.windows(2);
        distinct(pairs.map(|pair| step(pair[0], pair[1])).collect())
    };
    if distinct(keys.clone()) < keys.len() {
        Miss::must("The client used a masking key twice.")
    } else if steps(u32::wrapping_sub) < 2 || steps(|a, b| a ^ b) < 2 {
        Miss::must("Each masking key follows from the one before.")
    } else {
        passed(format!(
            "{} masking keys, and no pattern in them.",
            keys.len()
        ))
    }
}
