//! 27.2 and 27.4: answers that the suite does not read.

use std::time::Duration;

use super::{KIB, MIB, TITLE, rules};
use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::{Act, Miss, Peer, REPLY, passed};
use crate::wire::Frame;

/// A testee that accepts nothing for this time has stopped reading.
const STOPPED: Duration = Duration::from_secs(1);
const MESSAGE: usize = 64 * KIB;
const MESSAGES: usize = 64 * MIB / MESSAGE;
const LAST: &str = "the last one";
const PINGS: usize = 100_000;
const PINGS_AT_A_TIME: usize = 1000;
/// The longest payload of a Ping.
const PING: usize = 125;
/// The Pings that the slowest testee answers in a second.
const PINGS_PER_SECOND: usize = 2000;

pub(super) fn echoes() -> Case {
    let case = Case::new("27.2", Both, TITLE, &rules::FRAMES, |peer| {
        peer.open()?;
        peer.be_quiet();
        let message = Frame::binary(vec![b'*'; MESSAGE]);
        let mut sent = 0;
        let mut stopped = false;
        while sent < MESSAGES && !stopped {
            let bytes = peer.encoded(&message);
            stopped = fill(peer, &bytes)?;
            sent += 1;
        }
        peer.allow_for(sent * MESSAGE);
        for _ in 0..sent {
            peer.expect_echo(&message)?;
        }
        passed(match stopped {
            true => format!(
                "All echoes are right. The testee stopped reading after {sent} messages of 64 KiB."
            ),
            false => {
                "All echoes are right. The testee read 64 MiB before any echo was read.".to_owned()
            }
        })
    });
    case.does("Sends messages of 64 KiB, at most 1024, and reads nothing until the testee stops reading or all are sent.")
        .wants("The testee sends all messages back in the end. The result says if it stopped reading.")
        .see(&["RFC 6455 §10.4"])
}

/// Sends bytes and reads nothing until the testee stops reading. Returns `true` if it does.
fn fill(peer: &mut Peer<'_>, bytes: &[u8]) -> Result<bool, Miss> {
    let count = peer.pour(bytes, STOPPED)?;
    peer.send_bytes(&bytes[count..])?;
    Ok(count < bytes.len())
}

/// Expects the last Pong. A testee may limit the queued Pongs, and end a connection with more.
fn expect_last_pong(peer: &mut Peer<'_>, time: Duration) -> Result<(), Miss> {
    loop {
        match peer.next_within(time)? {
            Some(Act::Pong(payload)) if payload == LAST.as_bytes() => return Ok(()),
            Some(Act::Pong(_)) => {}
            Some(Act::Close(_) | Act::End) => {
                return Miss::informs("The testee ended the connection: its Pongs were not read.");
            }
            Some(Act::Violation(what)) => {
                return Miss::must(format!("The testee had to send a Pong, but {what}."));
            }
            Some(Act::Message { .. }) => {
                return Miss::must("The testee had to send a Pong, but it sent a message.");
            }
            None => return Miss::must("The testee did not send a Pong for the last Ping."),
        }
    }
}

/// Returns a case with equal Pings. Only the last Ping differs.
pub(super) fn pongs() -> Case {
    let case = Case::new("27.4", Both, TITLE, &rules::PONG, |peer| {
        peer.open()?;
        peer.be_quiet();
        let some: Vec<u8> = (0..PINGS_AT_A_TIME)
            .flat_map(|number| peer.encoded(&Frame::ping(format!("{number:.<PING$}"))))
            .collect();
        let mut sent = 0;
        let mut stopped = false;
        while sent < PINGS && !stopped {
            stopped = fill(peer, &some)?;
            sent += PINGS_AT_A_TIME;
        }
        peer.send(Frame::ping(LAST))?;
        let time = REPLY + Duration::from_secs((sent / PINGS_PER_SECOND) as u64);
        expect_last_pong(peer, time)?;
        peer.expect_to_be_alive()?;
        passed(match stopped {
            true => {
                format!("The last Pong is right. The testee stopped reading after {sent} Pings.")
            }
            false => format!(
                "The last Pong is right. The testee read {sent} Pings before any Pong was read."
            ),
        })
    });
    case.does("Sends up to 100,000 Pings of 125 bytes, and reads nothing until the testee stops reading or all are sent.")
        .wants("The testee sends a Pong for at least the last Ping, then sends a text back, or it ends the connection. The result says if it stopped reading.")
        .see(&["RFC 6455 §5.5.3", "RFC 6455 §10.4"])
}
