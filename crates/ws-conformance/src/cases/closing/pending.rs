//! 24.4.6 and 24.4.7: a Close after messages whose echoes are not read yet.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::Both;
use crate::channel::differs;
use crate::dialogue::{Act, Miss, Outcome, Peer, passed};
use crate::wire::Frame;

use super::rules;
use super::tcp::{STALL, TITLE};

const KIB: usize = 1024;
/// The length of each message after which the suite does not read.
const BLOCK: usize = 64 * KIB;
/// A testee that still reads after this number of messages stores all echoes in memory.
const MAX_BLOCKS: usize = 512;
const QUEUED: usize = 1000;

pub(super) fn cases() -> Vec<Case> {
    vec![blocked_writes(), full_queue()]
}

fn blocked_writes() -> Case {
    let case = Case::new("24.4.6", Both, TITLE, &rules::ANSWER, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        let (count, mut bytes) = fill(peer)?;
        bytes.extend(peer.encoded(&Frame::close(1000, b"")));
        peer.allow_for(count * BLOCK);
        peer.send_bytes(&bytes)?;
        expect_echoes_and_close(peer, BLOCK, count)
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends messages of 64 KiB and reads nothing, \
         until it cannot write for {} s, or has sent {MAX_BLOCKS} messages. Sends a Close with \
         code 1000 after them and reads everything.",
        STALL.as_secs()
    ))
    .wants(
        "The testee echoes the messages in order, then answers with a Close that has code 1000 or \
         no code, and sends nothing else. The last echoes may be missing.",
    )
    .takes(Duration::from_secs(120))
    .heavy()
}

/// Sends messages until there is no room for more. Returns their number, and the bytes of the last
/// one that were not sent.
fn fill(peer: &mut Peer<'_>) -> Result<(usize, Vec<u8>), Miss> {
    for number in 0..MAX_BLOCKS {
        let bytes = peer.encoded(&message(number, BLOCK));
        let sent = peer.pour(&bytes, STALL)?;
        if sent < bytes.len() {
            return Ok((number + 1, bytes[sent..].to_vec()));
        }
    }
    Ok((MAX_BLOCKS, Vec::new()))
}

fn full_queue() -> Case {
    let case = Case::new("24.4.7", Both, TITLE, &rules::NO_MORE_DATA, |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        let messages = (0..QUEUED).map(|number| message(number, KIB));
        let mut frames: Vec<_> = messages.collect();
        frames.push(Frame::close(1000, b""));
        peer.send_together(&frames)?;
        expect_echoes_and_close(peer, KIB, QUEUED)
    });
    case.does(format!(
        "Sends a message and waits for its echo. Then sends {QUEUED} messages of 1 KiB and a Close \
         with code 1000 in one write."
    ))
    .wants(
        "The testee echoes the messages in order, then answers with a Close that has code 1000 or \
         no code, and sends nothing else. The last echoes may be missing.",
    )
}

/// Returns a message that differs from those with other numbers.
fn message(number: usize, len: usize) -> Frame {
    let mut payload = vec![b'*'; len];
    payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Frame::binary(payload)
}

/// Expects the echoes of `count` messages, or of the first of them, and a Close.
fn expect_echoes_and_close(peer: &mut Peer<'_>, len: usize, count: usize) -> Outcome {
    let mut echoes = 0;
    loop {
        let limit = peer.reply_time();
        match peer.next(limit)? {
            Some(Act::Message { .. }) if echoes == count => {
                return Miss::must("The testee sent another message after all echoes.");
            }
            Some(Act::Message { binary, payload }) => {
                let sent = message(echoes, len).payload.to_vec();
                echoes += 1;
                if !binary || payload != sent {
                    let what = format!("Echo {echoes} of {count}");
                    return Miss::must(differs(&what, (true, &sent), (binary, &payload)));
                }
            }
            Some(Act::Close(close)) => {
                let what = peer.judge_fail(Some(Act::Close(close)), &[1000])?;
                return passed(format!("{what} {echoes} of {count} echoes came before."));
            }
            None => {
                return Miss::must(format!(
                    "The testee sent {echoes} of {count} echoes, and then neither an echo nor a \
                     Close in time."
                ));
            }
            _ => {
                return Miss::must(format!(
                    "The testee sent {echoes} of {count} echoes, and then no Close."
                ));
            }
        }
    }
}
