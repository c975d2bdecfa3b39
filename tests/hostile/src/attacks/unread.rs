//! Peers that send and never read.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use ws_test_client::Peer;
use ws_test_client::peer::Stopped;
use ws_test_client::wire::From::Client;
use ws_test_client::wire::{BINARY, PING};

use super::{Field, MIB, SLACK};
use crate::finding::{Bytes, Finding, fresh_echo};

/// The number of bytes that each peer tries to send.
const OFFERED: u64 = 128 * MIB;

/// The time without progress of TCP after which the server has stopped reading.
const BLOCKED_AFTER: Duration = Duration::from_secs(2);

/// The time limit for a peer that accepts nothing while bytes are queued for it.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Sends Pings. Only the newest Pong is queued, so the server may continue to read.
pub(super) fn pings(field: &Field) -> Result<Vec<Finding>> {
    let ping = Client.frame(PING, &[b'p'; 125]);
    let mut peer = Peer::open(field.target.endpoint())?;
    let flood = peer.flood(&ping, OFFERED, BLOCKED_AFTER)?;
    let taken = Finding::note("pings taken", Bytes(flood.accepted));
    Ok(vec![
        taken,
        still_open(flood.stopped),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// Sends messages of 100 B.
pub(super) fn small_messages(field: &Field) -> Result<Vec<Finding>> {
    messages(field, &[b'm'; 100])
}

/// Sends messages of 1 MiB.
pub(super) fn large_messages(field: &Field) -> Result<Vec<Finding>> {
    messages(field, &vec![b'M'; usize::try_from(MIB)?])
}

/// Sends messages. All echoes have to be queued, so the server must stop reading. Its unread bytes
/// fill the buffers of TCP, whose size is the system's choice.
fn messages(field: &Field, payload: &[u8]) -> Result<Vec<Finding>> {
    let message = Client.frame(BINARY, payload);
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
        // A single message may be queued beyond the mark at which reading stops. The memory in
        // which it was assembled is free by then, but the allocator may keep it.
        Finding::bytes("growth meanwhile", held, MIB + 2 * one),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// Sends messages and never reads. The server ends the connection after its time limit.
pub(super) fn never_read(field: &Field) -> Result<Vec<Finding>> {
    let message = Client.frame(BINARY, &[b'm'; 1000]);
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

/// Returns the most bytes that both directions of a connection can hold: two sending and two
/// receiving buffers.
fn buffers_of_tcp() -> u64 {
    let largest = |name: &str, default: u64| {
        fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"))
            .ok()
            .and_then(|text| parse_largest(&text))
            .unwrap_or(default)
    };
    2 * largest("tcp_rmem", 6 * MIB) + 2 * largest("tcp_wmem", 4 * MIB)
}

/// Parses the last number of `4096 131072 6291456`: least, default, most.
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
