//! Group 27: many bytes at a time, or very few.

mod rules;
mod unread;

use std::time::Duration;

use crate::case::Case;
use crate::case::Roles::{Both, Server};
use crate::dialogue::{Miss, Peer, passed};
use crate::role::Role;
use crate::wire::Frame;

const TITLE: &str = "Load";
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The time that a case with much data may take. Only a testee that stops altogether takes it.
const LONG: Duration = Duration::from_secs(300);
const IDLE: usize = 1000;
/// With fewer connections, the case shows nothing.
const FEW: usize = 100;
const IN_FLIGHT: usize = 100;
const ROUNDS: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    let long = [
        unread::echoes().heavy(),
        idle_connections().alone(),
        unread::pongs().alone(),
        long_messages().heavy(),
        pipeline().heavy(),
    ];
    let long = long.into_iter().map(|case| case.takes(LONG));
    [trickle()].into_iter().chain(long).collect()
}

fn trickle() -> Case {
    let case = Case::new("27.1", Both, TITLE, &rules::FRAMES, |peer| {
        peer.open()?;
        let message = Frame::text("slow");
        for byte in peer.encoded(&message) {
            peer.send_bytes(&[byte])?;
            if peer.testee == Role::Server {
                peer.expect_another_connection("Meanwhile")?;
            }
            peer.pause(Duration::from_secs(1))?;
        }
        peer.expect_echo(&message)?;
        passed(match peer.testee {
            Role::Server => "The echo is right. The server served other connections meanwhile.",
            Role::Client => "The echo is right.",
        })
    });
    case.does("Sends a frame byte by byte, one byte each second. Meanwhile, opens other connections to a server.")
        .wants("The testee sends the message back. A server also sends back a message over each other connection.")
        .see(&["RFC 6455 §10.4"])
}

fn idle_connections() -> Case {
    let case = Case::new("27.3", Server, TITLE, &rules::FRAMES, |peer| {
        peer.open()?;
        let count = affordable();
        if count < FEW {
            return Miss::not_applicable(format!(
                "The system of the suite allows only {count} connections."
            ));
        }
        let mut idle = Vec::new();
        for _ in 0..count {
            idle.extend(peer.another()?);
        }
        for other in idle.iter_mut().rev() {
            other.expect_to_be_alive()?;
        }
        idle.iter_mut().for_each(Peer::leave);
        passed(format!("The server served all of {count} connections."))
    });
    case.does(format!(
        "Opens {IDLE} connections, or as many as the system of the suite allows, then sends a message over each."
    ))
    .wants("The server opens all connections and sends each message back.")
    .see(&["RFC 6455 §10.4"])
}

/// Returns how many connections leave the descriptors that other cases need.
fn affordable() -> usize {
    const EACH: u64 = 3;
    const OTHERS: u64 = 500;
    let wanted = IDLE as u64 * EACH + OTHERS;
    let limit = rlimit::increase_nofile_limit(wanted).unwrap_or(OTHERS);
    let affordable = limit.saturating_sub(OTHERS) / EACH;
    IDLE.min(affordable as usize)
}

/// Returns a case with content that does not repeat itself, so that lost, doubled and moved bytes
/// are found.
fn long_messages() -> Case {
    const SIZES: [usize; 5] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB];
    let case = Case::new("27.5", Both, TITLE, &rules::FRAGMENTS, |peer| {
        peer.open()?;
        peer.be_quiet();
        let mut rng = fastrand::Rng::with_seed(27);
        for len in SIZES {
            let mut bytes = vec![0; len];
            rng.fill(&mut bytes);
            let text: String = std::iter::repeat_with(|| rng.char(..))
                .take(len / 4)
                .collect();
            for message in [Frame::binary(bytes), Frame::text(text)] {
                for fragment in [len / 1000, len] {
                    send_in_fragments(peer, &message, fragment)?;
                    expect_long_echo(peer, &message)?;
                }
            }
        }
        passed("All echoes are right.")
    });
    case.does("Sends binary messages and texts of 64 KiB to 8 MiB with random content, in one frame and in many fragments.")
        .wants("The testee sends all messages back. It may refuse a message with Close 1009.")
        .see(&["RFC 6455 §10.4"])
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

fn expect_long_echo(peer: &mut Peer<'_>, message: &Frame) -> Result<(), Miss> {
    let len = message.payload.len();
    match peer.expect_echo(message) {
        Err(_) if peer.close_code() == Some(1009) => Miss::not_applicable(format!(
            "The testee does not accept messages of {len} bytes."
        )),
        echo => echo.map_err(|miss| miss.with(&format!("{len} bytes"))),
    }
}

fn pipeline() -> Case {
    let case = Case::new("27.6", Both, TITLE, &rules::NEXT_MESSAGE, |peer| {
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
    .wants("The testee sends all messages back, in order.")
}

fn all_at_once(peer: &mut Peer<'_>, rng: &mut fastrand::Rng) -> Result<(), Miss> {
    let mut messages = Vec::new();
    for _ in 0..IN_FLIGHT {
        let mut bytes = vec![0; rng.usize(..=4 * KIB)];
        rng.fill(&mut bytes);
        messages.push(Frame::binary(bytes));
    }
    peer.send_together(&messages)?;
    for message in &messages {
        peer.expect_echo(message)?;
    }
    Ok(())
}
