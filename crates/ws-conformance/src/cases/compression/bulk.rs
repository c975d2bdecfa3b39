//! 26.5: messages that are much longer than what is sent of them, and many short ones.

use super::messages::open;
use crate::case::Case;
use crate::case::Level;
use crate::case::Roles::Both;
use crate::cases::frames::{TOO_LONG, judge_too_long as judge};
use crate::deflate::{Coding, Encoder, TAIL};
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::REPLY;
use crate::dialogue::passed;
use crate::wire::Frame;

const TITLE: &str = "Compression: bombs";
const MANY: &str = "Compression: many messages";
const RULES: &[&str] = &["RFC 7692 §8", "RFC 6455 §10.4"];
const MIB: usize = 1 << 20;
/// What no testee is to take.
const BOMB: usize = 1 << 30;
const FRAGMENT: usize = 1024;
const MESSAGES: usize = 10_000;
const IN_FLIGHT: usize = 100;

pub(super) fn cases() -> Vec<Case> {
    let cases = [long(), too_long(), bomb(), bomb_in_fragments(), short()];
    cases.into_iter().map(Case::heavy).collect()
}

/// So many MiB of zeros, compressed. All MiB but the first look the same.
fn zeros(len: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(Coding {
        window_bits: 15,
        context_takeover: true,
    });
    let [first, other] = [(); 2].map(|()| encoder.compress(&vec![0; MIB]));
    let mut octets = first;
    for _ in 1..len / MIB {
        octets.extend(TAIL);
        octets.extend(&other);
    }
    octets
}

fn zip(octets: Vec<u8>) -> Frame {
    Frame::binary(octets).with_rsv(4)
}

fn open_wide(peer: &mut Peer<'_>) -> Result<(), Miss> {
    match open(peer)?.own.window_bits {
        15 => Ok(()),
        _ => Miss::unsupported("The testee does not agree to the largest window."),
    }
}

fn long() -> Case {
    let case = Case::new("26.5.1", Both, TITLE, &["RFC 7692 §7.2.2"], |peer| {
        open_wide(peer)?;
        peer.send(zip(zeros(16 * MIB)))?;
        match peer.expect_echo(&Frame::binary(vec![0; 16 * MIB])) {
            Err(_) if peer.close_code() == Some(1009) => {
                Miss::unsupported("The testee does not take messages of 16 MiB.")
            }
            Err(miss) => Err(miss),
            Ok(()) => passed("The echo is right."),
        }
    });
    case.does("Sends a message of 16 MiB of zeros, compressed to some 16 KiB.")
        .wants("Its echo, or Close 1009.")
}

fn too_long() -> Case {
    let case = Case::new("26.5.2", Both, TITLE, RULES, |peer| {
        open_wide(peer)?;
        peer.send(zip(zeros(TOO_LONG)))?;
        let act = peer.next_within(REPLY)?;
        judge(peer, act, 0)
    });
    case.does("Sends a message of 33 MiB of zeros, compressed to some 33 KiB.")
        .wants("Close 1009, or the end of TCP, unless messages of that length are taken.")
        .level(Level::Should)
}

fn bomb() -> Case {
    let case = Case::new("26.5.3", Both, TITLE, RULES, |peer| {
        open_wide(peer)?;
        peer.be_quiet();
        peer.send(zip(zeros(BOMB)))?;
        peer.expect_fail(&[1009])
    });
    case.does("Sends a message of 1 GiB of zeros, compressed to some 1 MiB.")
        .wants("Close 1009, or the end of TCP.")
        .level(Level::Should)
}

fn bomb_in_fragments() -> Case {
    let case = Case::new("26.5.4", Both, TITLE, RULES, |peer| {
        open_wide(peer)?;
        peer.be_quiet();
        let octets = zeros(BOMB);
        let pieces = octets.chunks(FRAGMENT).enumerate();
        let mut frames: Vec<_> = pieces
            .map(|(number, piece)| match number {
                0 => zip(piece.to_vec()).unfinished(),
                _ => Frame::continuation(piece).unfinished(),
            })
            .collect();
        frames.push(Frame::continuation(""));
        peer.send_together(&frames)?;
        peer.expect_fail(&[1009])
    });
    case.does("Sends a message of 1 GiB of zeros, compressed to some 1 MiB, in fragments of 1 KiB.")
        .wants("Close 1009, or the end of TCP.")
        .level(Level::Should)
}

fn short() -> Case {
    let case = Case::new("26.5.5", Both, MANY, &["RFC 7692 §6"], |peer| {
        let own = open(peer)?.own;
        peer.be_quiet();
        let mut encoder = Encoder::new(own);
        for number in 0..MESSAGES / IN_FLIGHT {
            some(peer, &mut encoder, number)?;
        }
        passed("All echoes are right.")
    });
    case.does(format!(
        "Sends {MESSAGES} compressed messages of one octet, {IN_FLIGHT} at a time, in fragments of one octet."
    ))
    .wants("Their echoes.")
}

fn some(peer: &mut Peer<'_>, encoder: &mut Encoder, number: usize) -> Outcome {
    let messages = (0..IN_FLIGHT).map(|n| Frame::binary([(n + number) as u8]));
    let messages: Vec<_> = messages.collect();
    let mut frames = Vec::new();
    for message in &messages {
        let octets = encoder.compress(&message.payload.as_bytes());
        frames.push(zip(octets[..1].to_vec()).unfinished());
        let rest = octets[1..].iter();
        frames.extend(rest.map(|octet| Frame::continuation([*octet]).unfinished()));
        frames.push(Frame::continuation(""));
    }
    peer.send_together(&frames)?;
    for message in &messages {
        peer.expect_echo(message)?;
    }
    passed("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Inflater;

    #[test]
    fn zeros_are_zeros() {
        let coding = Coding {
            window_bits: 15,
            context_takeover: true,
        };
        let (mut inflater, mut out) = (Inflater::new(coding), Vec::new());
        inflater.begin();
        let octets = zeros(3 * MIB);
        inflater.push(&octets, &mut out, usize::MAX).unwrap();
        inflater.end(&mut out, usize::MAX).unwrap();
        assert_eq!(out, vec![0; 3 * MIB]);
        assert!(octets.len() < 4096, "{}", octets.len());
    }
}
