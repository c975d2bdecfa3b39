//! 26.5: messages that are much longer than their compressed bytes, and many short messages.

use std::time::Duration;

use super::{MAX_BITS, binary, in_fragments, open, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::channel::differs;
use crate::deflate::{Coding, Encoder, TAIL};
use crate::dialogue::{Act, Miss, Outcome, Peer, Soften, passed};
use crate::wire::Frame;

const TITLE: &str = "Compression: long messages";
const MANY: &str = "Compression: many messages";
const MIB: usize = 1 << 20;
const LONG: usize = 16 * MIB;
/// More than echo programs accept, but not too much for a testee without a limit.
const TOO_LONG: usize = 33 * MIB;
/// More than a testee should accept.
const BOMB: usize = 1 << 30;
/// The fewest bytes that the slowest testee without a limit inflates in the time for a reaction.
const INFLATED: usize = 64 * MIB;
/// The attempts after which a server that serves no other connection is dead.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_secs(1);
const FRAGMENT: usize = 1024;
const MESSAGES: usize = 10_000;
const IN_FLIGHT: usize = 100;
const REFUSES: &str =
    "The testee sends Close 1009 or ends TCP, and a server still serves other connections.";

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        long().heavy(),
        too_long().heavy(),
        bomb().alone(),
        bomb_in_fragments().alone(),
        short().heavy(),
    ];
    let takes = |case: Case| case.takes(Duration::from_secs(300));
    cases.into_iter().map(takes).collect()
}

/// Compresses this many zeros. All MiB but the first look the same.
fn zeros(len: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(Coding {
        window_bits: MAX_BITS,
        context_takeover: true,
    });
    let [first, other] = [(); 2].map(|()| encoder.compress(&vec![0; MIB]));
    let mut compressed = first;
    for _ in 1..len / MIB {
        compressed.extend(TAIL);
        compressed.extend(&other);
    }
    compressed
}

fn open_wide(peer: &mut Peer<'_>) -> Result<(), Miss> {
    match open(peer)?.own.window_bits {
        MAX_BITS => Ok(()),
        _ => Miss::not_applicable("The testee does not agree to the largest window."),
    }
}

fn long() -> Case {
    let case = Case::new("26.5.1", Both, TITLE, &rules::RECEIVE, |peer| {
        open_wide(peer)?;
        peer.send(binary(zeros(LONG)))?;
        match peer.expect_echo(&Frame::binary(vec![0; LONG])) {
            Err(_) if peer.close_code() == Some(1009) => {
                Miss::not_applicable("The testee does not accept messages of 16 MiB.")
            }
            Err(miss) => Err(miss),
            Ok(()) => passed("The echo is right."),
        }
    });
    case.does("Sends a message of 16 MiB of zeros, compressed to about 16 KiB.")
        .wants("The testee sends the message back, or sends Close 1009.")
        .see(&["RFC 7692 §7.2.2", "RFC 6455 §10.4"])
}

fn too_long() -> Case {
    let case = Case::new("26.5.2", Both, TITLE, &rules::LIMITS, |peer| {
        open_wide(peer)?;
        peer.send(binary(zeros(TOO_LONG)))?;
        peer.allow_for(TOO_LONG);
        match peer.next(peer.reply_time())? {
            Some(Act::Message { binary, payload }) => {
                let sent = vec![0; TOO_LONG];
                match payload == sent {
                    true => Miss::not_applicable("The testee accepts messages of 33 MiB."),
                    false => Miss::must(differs("The echo", (true, &sent), (binary, &payload))),
                }
            }
            act => peer.judge_fail(act, &[1009]).or_should(),
        }
    });
    case.does("Sends a message of 33 MiB of zeros, compressed to about 33 KiB.")
        .wants(
            "The testee sends Close 1009 or ends TCP, unless it accepts messages of that length.",
        )
        .see(&["RFC 6455 §7.4.1"])
}

fn bomb() -> Case {
    let case = Case::new("26.5.3", Both, TITLE, &rules::LIMITS, |peer| {
        open_wide(peer)?;
        peer.be_quiet();
        peer.send(binary(zeros(BOMB)))?;
        expect_refusal(peer)
    });
    case.does("Sends a message of 1 GiB of zeros, compressed to about 1 MiB.")
        .wants(REFUSES)
        .see(&["RFC 6455 §7.4.1"])
}

fn bomb_in_fragments() -> Case {
    let case = Case::new("26.5.4", Both, TITLE, &rules::LIMITS, |peer| {
        open_wide(peer)?;
        peer.be_quiet();
        let compressed = zeros(BOMB);
        let frames = in_fragments(&binary(""), compressed.chunks(FRAGMENT));
        peer.send_together(&frames)?;
        expect_refusal(peer)
    });
    case.does(
        "Sends a message of 1 GiB of zeros, compressed to about 1 MiB, in fragments of 1 KiB.",
    )
    .wants(REFUSES)
    .see(&["RFC 6455 §7.4.1"])
}

fn expect_refusal(peer: &mut Peer<'_>) -> Outcome {
    peer.allow_for(INFLATED);
    let outcome = peer.expect_fail(&[1009]).or_should();
    if let Err(Miss::Should(_)) = outcome {
        expect_to_serve_again(peer)?;
    }
    outcome
}

/// Expects that the server serves another connection. A server without a limit may be busy while it
/// inflates and compresses.
fn expect_to_serve_again(peer: &mut Peer<'_>) -> Result<(), Miss> {
    for _ in 1..ATTEMPTS {
        match peer.expect_another_connection("Meanwhile") {
            Err(Miss::Must(_)) => peer.pause(PAUSE)?,
            served => return served,
        }
    }
    peer.expect_another_connection("After the message")
}

fn short() -> Case {
    let case = Case::new("26.5.5", Both, MANY, &rules::RECEIVE, |peer| {
        let own = open(peer)?.own;
        peer.be_quiet();
        let mut encoder = Encoder::new(own);
        for number in 0..MESSAGES / IN_FLIGHT {
            exchange(peer, &mut encoder, number)?;
        }
        passed("All echoes are right.")
    });
    case.does(
        "Sends 10,000 compressed messages of one byte in fragments of one byte, 100 messages at a time.",
    )
    .wants("The testee sends all messages back, in order.")
    .see(&["RFC 7692 §6.1"])
}

fn exchange(peer: &mut Peer<'_>, encoder: &mut Encoder, number: usize) -> Result<(), Miss> {
    let messages = (0..IN_FLIGHT).map(|n| [(n + number) as u8]);
    let messages: Vec<_> = messages.collect();
    let mut frames = Vec::new();
    for message in &messages {
        let compressed = encoder.compress(message);
        frames.extend(in_fragments(&binary(""), compressed.chunks(1)));
    }
    peer.send_together(&frames)?;
    for message in messages {
        peer.expect_echo(&Frame::binary(&message[..]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    #[test]
    fn zeros_are_zeros() {
        let coding = Coding {
            window_bits: MAX_BITS,
            context_takeover: true,
        };
        let (mut inflater, mut out) = (Inflater::new(coding), Vec::new());
        inflater.begin();
        let compressed = zeros(3 * MIB);
        inflater.push(&compressed, &mut out, usize::MAX).unwrap();
        inflater.end(&mut out, usize::MAX).unwrap();
        assert_eq!(out, vec![0; 3 * MIB]);
        assert!(compressed.len() < 4096, "{}", compressed.len());
    }
}
