//! Peers that send and never read.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Field, MIB, SLACK};
use crate::hostile::finding::{Finding, Bytes, fresh_echo};
use crate::raw::peer::Stopped;
use crate::raw::{Opcode, Peer, frame};

/// What each of them tries to send.
const OFFERED: u64 = 128 * MIB;

/// TCP that takes nothing for so long has a server behind it that does not read.
const BLOCKED_AFTER: Duration = Duration::from_secs(2);

/// How long a peer may take nothing while something is queued for it.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Pongs collapse into the newest one, so the server may go on reading.
pub(super) fn pings(field: &Field) -> Result<Vec<Finding>> {
    let ping = frame::last(Opcode::Ping, &[b'p'; 125]);
    let mut peer = Peer::open(field.target.endpoint())?;
    let flood = peer.flood(&ping, OFFERED, BLOCKED_AFTER)?;
    let taken = Finding::note("pings taken", Bytes(flood.accepted));
    Ok(vec![
        taken,
        still_open(flood.stopped),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// 100 B each.
pub(super) fn small_messages(field: &Field) -> Result<Vec<Finding>> {
    messages(field, &[b'm'; 100])
}

/// 1 MiB each.
pub(super) fn large_messages(field: &Field) -> Result<Vec<Finding>> {
    messages(field, &vec![b'M'; usize::try_from(MIB)?])
}

/// Echoes cannot collapse: the server must stop reading, and what it leaves unread fills the
/// buffers of TCP, whose size is the system's choice.
fn messages(field: &Field, payload: &[u8]) -> Result<Vec<Finding>> {
    let message = frame::last(Opcode::Binary, payload);
    let mut peer = Peer::open(field.target.endpoint())?;
    let flood = peer.flood(&message, OFFERED, BLOCKED_AFTER)?;
    let held = field.target.growth()?;
    let (one, buffers) = (payload.len() as u64, buffers_of_tcp());
    Ok(vec![
        Finding::bytes("messages taken", flood.accepted, buffers + MIB + one),
        Finding::new(
            "server stops reading",
            match flood.stopped {
                Stopped::Blocked => "yes",
                Stopped::Done => "no",
                Stopped::Ended => "it ended the connection",
            },
            "yes",
            flood.stopped == Stopped::Blocked,
        ),
        // A single message may be queued beyond the mark at which reading stops. What it was put together in is free by
        // then, but the allocator may keep it.
        Finding::bytes("growth meanwhile", held, MIB + 2 * one),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// A peer that takes nothing for long enough is given up.
pub(super) fn never_read(field: &Field) -> Result<Vec<Finding>> {
    let message = frame::last(Opcode::Binary, &[b'm'; 1000]);
    let started = Instant::now();
    let mut peer = Peer::open(field.target.endpoint())?;
    let flood = peer.flood(&message, OFFERED, BLOCKED_AFTER)?;
    let gone = field
        .target
        .wait_for_descriptors(WRITE_STALL + BLOCKED_AFTER)?;
    let gone = gone.map(|_| started.elapsed());
    Ok(vec![
        still_open(flood.stopped),
        Finding::happened("socket given up", gone, WRITE_STALL + SLACK),
    ])
}

fn still_open(stopped: Stopped) -> Finding {
    let figure = match stopped {
        Stopped::Done | Stopped::Blocked => "open",
        Stopped::Ended => "ended by the server",
    };
    Finding::new("connection", figure, "open", stopped != Stopped::Ended)
}

/// The most that both directions of a connection can hold: two sending and two receiving buffers.
fn buffers_of_tcp() -> u64 {
    let largest = |name: &str, default: u64| {
        fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"))
            .ok()
            .and_then(|text| parse_largest(&text))
            .unwrap_or(default)
    };
    2 * largest("tcp_rmem", 6 * MIB) + 2 * largest("tcp_wmem", 4 * MIB)
}

/// The last of `4096 131072 6291456`: least, default, most.
fn parse_largest(sizes: &str) -> Option<u64> {
    sizes.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_buffer_is_the_last_number() {
        assert_eq!(parse_largest("4096\t131072\t6291456\n"), Some(6_291_456));
        assert_eq!(parse_largest("4096"), None);
    }
}
