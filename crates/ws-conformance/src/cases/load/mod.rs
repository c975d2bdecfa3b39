//! 27: much at a time, or very little.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::case::Roles::Server;
use crate::dialogue::Miss;
use crate::dialogue::Outcome;
use crate::dialogue::Peer;
use crate::dialogue::passed;
use crate::wire::Frame;
use std::time::Duration;

use crate::dialogue::REPLY;
use crate::role::Role;

const TITLE: &str = "Load";
const LIMITS: &[&str] = &["RFC 6455 §10.4"];
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// Without room for this long, the testee has stopped reading.
const STOPPED: Duration = Duration::from_secs(1);
const IDLE: usize = 1000;
const PINGS: usize = 1_000_000;
const PINGS_AT_A_TIME: usize = 1000;
const IN_FLIGHT: usize = 100;

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        trickle(),
        unread_echoes(),
        idle_connections(),
        unread_pongs(),
        long_messages(),
        pipeline(),
    ];
    cases
        .into_iter()
        .map(|case| case.informational().heavy())
        .collect()
}

fn trickle() -> Case {
    let case = Case::new("27.1", Both, TITLE, LIMITS, |peer| {
        peer.open()?;
        let message = Frame::text("slow");
        for octet in peer.encoded(&message) {
            peer.send_octets(&[octet])?;
            if peer.testee == Role::Server {
                peer.expect_another_connection("Meanwhile")?;
            }
            peer.pause(Duration::from_secs(1))?;
        }
        peer.expect_echo(&message)?;
        passed("The testee waited for a slow frame, and a server served others meanwhile.")
    });
    case.does("Sends a frame octet by octet, one each second.")
        .wants("The echo; a server serves other connections in the meantime.")
}

fn unread_echoes() -> Case {
    const MESSAGE: usize = 64 * KIB;
    const MESSAGES: usize = 64 * MIB / MESSAGE;
    let case = Case::new("27.2", Both, TITLE, LIMITS, |peer| {
        peer.open()?;
        peer.be_quiet();
        let message = Frame::binary(vec![b'*'; MESSAGE]);
        let mut sent = 0;
        let mut stopped = false;
        while sent < MESSAGES && !stopped {
            let octets = peer.encoded(&message);
            let count = peer.pour(&octets, STOPPED)?;
            stopped = count < octets.len();
            peer.send_octets(&octets[count..])?;
            sent += 1;
        }
        for _ in 0..sent {
            peer.expect_echo(&message)?;
        }
        passed(match stopped {
            true => format!(
                "The testee stopped reading after {sent} messages of 64 KiB; all echoes came in the end."
            ),
            false => {
                "The testee took 64 MiB although nobody read its echoes; they came in the end."
                    .to_owned()
            }
        })
    });
    case.does(
        "Sends messages of 64 KiB, 64 MiB in all, and does not read before there is no more room.",
    )
    .wants(
        "The testee stops reading where it has nowhere to put its echoes; all of them in the end.",
    )
}

fn idle_connections() -> Case {
    let case = Case::new("27.3", Server, TITLE, LIMITS, |peer| {
        peer.open()?;
        let count = affordable();
        let mut idle = Vec::new();
        for _ in 0..count {
            idle.extend(peer.another()?);
        }
        for other in idle.iter_mut().rev() {
            other.expect_to_be_alive()?;
        }
        idle.iter_mut().for_each(Peer::leave);
        passed(format!("All of {count} idle connections were served."))
    });
    case.does(format!(
        "Opens {IDLE} connections, or as many as the system allows, then sends a message over each."
    ))
    .wants("Each message comes back.")
}

/// How many connections there can be without taking the descriptors that other cases need.
fn affordable() -> usize {
    const EACH: u64 = 3;
    const OTHERS: u64 = 500;
    let wanted = IDLE as u64 * EACH + OTHERS;
    let limit = rlimit::increase_nofile_limit(wanted).unwrap_or(OTHERS);
    let affordable = limit.saturating_sub(OTHERS) / EACH;
    IDLE.min(affordable as usize)
}

/// The same Pings again and again, and one that is different.
fn unread_pongs() -> Case {
    let rules = &["RFC 6455 §5.5.3", "RFC 6455 §10.4"];
    let case = Case::new("27.4", Both, TITLE, rules, |peer| {
        peer.open()?;
        peer.be_quiet();
        let some: Vec<u8> = (0..PINGS_AT_A_TIME)
            .flat_map(|number| peer.encoded(&Frame::ping(format!("number {number:04}"))))
            .collect();
        let mut sent = 0;
        let mut stopped = false;
        while sent < PINGS && !stopped {
            let count = peer.pour(&some, STOPPED)?;
            stopped = count < some.len();
            peer.send_octets(&some[count..])?;
            sent += PINGS_AT_A_TIME;
        }
        peer.send(Frame::ping("the last one"))?;
        peer.expect_pongs(&[b"the last one".to_vec()], REPLY)?;
        peer.expect_to_be_alive()?;
        passed(match stopped {
            true => format!("The testee stopped reading after {sent} Pings."),
            false => format!("The testee took {sent} Pings although nobody read its Pongs."),
        })
    });
    case.does(format!(
        "Sends {PINGS} Pings, and does not read before there is no more room."
    ))
    .wants("A Pong for the last Ping at least.")
}

/// Content that does not repeat itself shows what is lost, doubled or moved.
fn long_messages() -> Case {
    const SIZES: [usize; 5] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB];
    let case = Case::new("27.5", Both, TITLE, &["RFC 6455 §5.4"], |peer| {
        peer.open()?;
        peer.be_quiet();
        let mut rng = fastrand::Rng::with_seed(27);
        for len in SIZES {
            let octets: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
            let text: String = std::iter::repeat_with(|| rng.char(..))
                .take(len / 4)
                .collect();
            for message in [Frame::binary(octets), Frame::text(text)] {
                for fragment in [len / 1000, len] {
                    send_in_fragments(peer, &message, fragment)?;
                    let echo = peer.expect_echo(&message);
                    echo.map_err(|miss| miss.with(&format!("{len} octets")))?;
                }
            }
        }
        passed("All echoes are right.")
    });
    case.does("Sends binary messages and texts of 64 KiB to 8 MiB with random content, in one frame and in many fragments.")
        .wants("Echoes with the same content.")
}

fn send_in_fragments(peer: &mut Peer<'_>, message: &Frame, len: usize) -> Result<(), Miss> {
    let payload = message.payload.as_bytes();
    let mut pieces = payload.chunks(len).peekable();
    let mut frame = Frame::new(message.opcode, "");
    while let Some(piece) = pieces.next() {
        frame.payload = piece.into();
        frame.fin = pieces.peek().is_none();
        peer.send(frame)?;
        frame = Frame::continuation("");
    }
    Ok(())
}

fn pipeline() -> Case {
    const ROUNDS: usize = 10;
    let case = Case::new("27.6", Both, TITLE, &["RFC 6455 §5.4"], |peer| {
        peer.open()?;
        peer.be_quiet();
        let mut rng = fastrand::Rng::with_seed(27);
        for _ in 0..ROUNDS {
            all_at_once(peer, &mut rng)?;
        }
        passed("All echoes are right, and in order.")
    });
    case.does(format!(
        "Sends {IN_FLIGHT} messages of up to 4 KiB before it waits for their echoes, {ROUNDS} times."
    ))
    .wants("The echoes, in order.")
}

fn all_at_once(peer: &mut Peer<'_>, rng: &mut fastrand::Rng) -> Outcome {
    let messages: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let len = rng.usize(..=4 * KIB);
            Frame::binary(
                std::iter::repeat_with(|| rng.u8(..))
                    .take(len)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    peer.send_together(&messages)?;
    for message in &messages {
        peer.expect_echo(message)?;
    }
    passed("")
}
