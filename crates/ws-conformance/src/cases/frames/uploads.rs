//! 23.4.11 and 23.4.12: Pings during a long upload.

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::{Act, Miss, Outcome, Peer, REPLY, passed};
use crate::wire::Frame;

use super::control_frames::TITLE;
use super::rules;

const FRAGMENT: usize = 16 * 1024;
const ROUNDS: usize = 6;
/// The number of fragments after each Ping. All together they are shorter than 1 MiB, a common
/// limit.
const FRAGMENTS: usize = 10;

/// A way to send a fragment.
#[derive(Clone, Copy)]
enum Pace {
    /// In one write.
    Whole,
    /// In segments of 1 KiB.
    Segments,
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        upload("23.4.11", "20 ms apart", Pace::Whole),
        upload(
            "23.4.12",
            "in segments of 1 KiB, which are 2 ms apart",
            Pace::Segments,
        ),
    ]
}

impl Pace {
    fn send(self, peer: &mut Peer<'_>, frame: Frame) -> Result<(), Miss> {
        match self {
            Self::Whole => {
                peer.send(frame)?;
                peer.pause(Duration::from_millis(20))
            }
            Self::Segments => {
                let lengths = [1024; FRAGMENT / 1024];
                peer.send_in_segments(&frame, lengths, Duration::from_millis(2))
            }
        }
    }
}

fn upload(id: &str, how: &str, pace: Pace) -> Case {
    let case = Case::new(id, Both, TITLE, &rules::PONG_SOON, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.be_quiet();
        for round in 0..ROUNDS {
            let ping = format!("round {round}").into_bytes();
            send_round(peer, round, &ping, pace)?;
            match peer.next_within(REPLY)? {
                Some(Act::Pong(payload)) if payload == ping => {}
                None => return expect_late(peer, round + 1, ping),
                other => return instead_of_pong(other),
            }
        }
        finish(peer, ROUNDS)?;
        passed("All Pongs came during the upload, then the echo.")
    });
    case.see(&["RFC 6455 §5.4"])
        .does(format!(
            "Sends a message and waits for its echo. Then sends a binary message of {} KiB in \
             fragments of 16 KiB, {how}. Sends a Ping after the first of every {FRAGMENTS} \
             fragments, and waits up to {} s for the Pong after the last of them.",
            ROUNDS * FRAGMENTS * FRAGMENT / 1024,
            REPLY.as_secs()
        ))
        .wants("The testee answers each Ping during the upload. Then it echoes the message.")
}

fn send_round(peer: &mut Peer<'_>, round: usize, ping: &[u8], pace: Pace) -> Result<(), Miss> {
    for number in 0..FRAGMENTS {
        let payload = fragment(round * FRAGMENTS + number);
        let frame = match (round, number) {
            (0, 0) => Frame::binary(payload),
            _ => Frame::continuation(payload),
        };
        pace.send(peer, frame.unfinished())?;
        if number == 0 {
            peer.send(Frame::ping(ping))?;
        }
    }
    Ok(())
}

/// Returns the payload of a fragment: its number, repeated.
fn fragment(number: usize) -> Vec<u8> {
    vec![number as u8; FRAGMENT]
}

fn instead_of_pong(act: Option<Act>) -> Outcome {
    Miss::must(match act {
        Some(Act::Pong(_)) => "The testee sent a Pong that does not answer the last Ping.",
        Some(Act::Message { .. }) => "The testee sent a message before the upload was complete.",
        Some(Act::Close(_) | Act::End) => "The testee ended the connection during the upload.",
        _ => "The testee broke a rule during the upload.",
    })
}

/// Ends the message after a number of rounds. The last Ping was not answered, and its Pong has to
/// arrive late.
fn expect_late(peer: &mut Peer<'_>, rounds: usize, ping: Vec<u8>) -> Outcome {
    peer.send(Frame::continuation(""))?;
    peer.expect_pongs(&[ping], REPLY)?;
    peer.expect_message(true, &message(rounds))?;
    Miss::should("The Pong came only after the end of the message.")
}

fn finish(peer: &mut Peer<'_>, rounds: usize) -> Result<(), Miss> {
    peer.send(Frame::continuation(""))?;
    peer.expect_message(true, &message(rounds))
}

fn message(rounds: usize) -> Vec<u8> {
    (0..rounds * FRAGMENTS).flat_map(fragment).collect()
}
