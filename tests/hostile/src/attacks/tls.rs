//! Attacks on TLS: before, during and after its handshake.

use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use rustls::ContentType;
use ws_test_client::peer::{Stopped, request};
use ws_test_client::wire::From::Client;
use ws_test_client::wire::{self, BINARY, PING};
use ws_test_client::{Peer, Sealer, Trust};

use super::handshakes::{FAREWELL, HANDSHAKE, Stalled, all_end_in_time, beside_live_traffic};
use super::{Field, KIB, SLACK, crowds};
use crate::finding::{Bytes, Finding, Time};

/// Content types of records (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The most content of a record, and the most that encryption adds (RFC 8446 §5.1 and §5.2).
const RECORD: usize = 16 * 1024;
const ENCRYPTION: usize = 256;

/// The longest message of TLS, and the longest that rustls stores.
const LONGEST_MESSAGE: u32 = 0xFF_FFFF;
const LONGEST_STORED: u32 = 0xFFFF;

/// The number of connections with an unfinished ClientHello, and the memory that each may take:
/// rustls doubles its buffer.
pub(super) const HELLOS: u64 = 50;
pub(super) const HELD_BY_HELLO: u64 = 128 * KIB + IDLE;

/// The number of connections with an unfinished record, and the memory that each may take.
pub(super) const UNFINISHED_ON: u64 = 100;
pub(super) const HELD_BY_RECORD: u64 = 32 * KIB + IDLE;

/// The memory of an idle connection, which `cargo xtask idle --tls` measures exactly.
const IDLE: u64 = 9 * KIB;

/// Stalls the TLS handshake. One deadline covers TCP, TLS and the request.
pub(super) fn stalled(field: &Field) -> Result<Vec<Finding>> {
    let server = field.target.endpoint();
    let hello = trust(field)?.client_hello(server.address)?;
    let request = request(server.address, "");
    let (half_hello, half_request) = (&hello[..hello.len() / 2], &request[..request.len() / 2]);
    let stall = |at| {
        let since = Instant::now();
        let peer = match at % 6 {
            0..=2 => Peer::connect(server.address)?,
            _ => Peer::connect(&server)?,
        };
        Ok(match at % 6 {
            0 | 3 => Stalled::new(peer, since),
            1 => Stalled::new(sent(peer, half_hello)?, since),
            2 => Stalled::new(peer, since).trickling(half_hello.to_vec()),
            4 => Stalled::new(sent(peer, half_request)?, since),
            _ => Stalled::new(peer, since).trickling(half_request.to_vec()),
        })
    };
    let (findings, late) = thread::scope(|scope| {
        let late = scope.spawn(|| late(field));
        let findings = all_end_in_time(field, stall);
        (findings, late.join().expect("the late peer does not panic"))
    });
    let mut findings = findings?;
    findings.push(late?);
    Ok(findings)
}

fn sent(mut peer: Peer, bytes: &[u8]) -> Result<Peer> {
    peer.send(bytes)?;
    Ok(peer)
}

/// Begins TLS late and sends no request: the end of TLS must not extend the deadline.
fn late(field: &Field) -> Result<Finding> {
    let since = Instant::now();
    let peer = Peer::connect(field.target.address)?;
    thread::sleep(HANDSHAKE * 6 / 10);
    let ended = peer.secured(trust(field)?)?.ended();
    let what = "TLS after 6 s and no request";
    let figure = ended.then(|| since.elapsed());
    Ok(Finding::happened(what, figure, HANDSHAKE + SLACK))
}

/// Sends endless messages of TLS. A message is refused by its announced length, or at the length of
/// its records.
pub(super) fn endless_handshake(field: &Field) -> Result<Vec<Finding>> {
    let server = field.target.address;
    let mut findings = Vec::new();
    for (what, len, piece) in [
        ("hello of 16 MiB", LONGEST_MESSAGE, RECORD),
        ("hello of 64 KiB", LONGEST_STORED, RECORD),
        ("the same, one byte a record", LONGEST_STORED, 1),
    ] {
        let mut peer = sent(Peer::connect(server)?, &hello_of(len))?;
        let started = Instant::now();
        let more = record(HANDSHAKE_RECORD, &vec![0; piece]);
        let flood = peer.flood(&more, u64::MAX, 2 * FAREWELL)?;
        let ended = (flood.stopped == Stopped::Ended).then(|| started.elapsed());
        findings.push(Finding::happened(what, ended, FAREWELL + SLACK));
    }
    findings.push(endless_key_update(field)?);
    // All bytes except a few thousand.
    let mut wire = hello_of(LONGEST_STORED);
    wire.extend(record(HANDSHAKE_RECORD, &[0; 15_000]).repeat(4));
    let mut peers = Vec::new();
    for _ in 0..HELLOS {
        peers.push(sent(Peer::connect(server)?, &wire)?);
    }
    thread::sleep(SLACK);
    let each = field.target.growth()? / HELLOS;
    let held = Finding::bytes("held per unfinished hello", each, HELD_BY_HELLO);
    findings.push(held);
    Ok(findings)
}

/// Sends a message after the handshake, when the server expects no message.
fn endless_key_update(field: &Field) -> Result<Finding> {
    const KEY_UPDATE: u8 = 24;
    let (mut peer, mut sealer) = Peer::open(field.target.endpoint())?.unsealed()?;
    let started = Instant::now();
    peer.send(&sealer.seal(ContentType::Handshake, &header(KEY_UPDATE, LONGEST_STORED))?)?;
    for _ in 0..2 * LONGEST_STORED as usize / RECORD {
        let more = sealer.seal(ContentType::Handshake, &[0; RECORD])?;
        if peer.send(&more).is_err() {
            break;
        }
    }
    let ended = peer.ended().then(|| started.elapsed());
    let what = "key update of 64 KiB";
    Ok(Finding::happened(what, ended, FAREWELL + SLACK))
}

/// Returns the beginning of a ClientHello of this length.
fn hello_of(len: u32) -> Vec<u8> {
    const CLIENT_HELLO: u8 = 1;
    record(HANDSHAKE_RECORD, &header(CLIENT_HELLO, len))
}

/// Returns the header of a message of TLS (RFC 8446 §4).
fn header(message_type: u8, len: u32) -> [u8; 4] {
    let [_, high, middle, low] = len.to_be_bytes();
    [message_type, high, middle, low]
}

/// Returns a record whose content is not encrypted.
fn record(content_type: u8, content: &[u8]) -> Vec<u8> {
    let mut record = record_header(content_type, content.len());
    record.extend(content);
    record
}

fn record_header(content_type: u8, len: usize) -> Vec<u8> {
    let [.., high, low] = len.to_be_bytes();
    vec![content_type, 3, 3, high, low]
}

/// Sends bytes without TLS. The port answers HTTP with the reason, and ends all other connections.
pub(super) fn plain(field: &Field) -> Result<Vec<Finding>> {
    let server = field.target.address;
    let started = Instant::now();
    let mut peer = sent(Peer::connect(server)?, &request(server, ""))?;
    let status = peer.read_status();
    let ended = peer.ended();
    let took = started.elapsed();
    let figure = match (&status, ended) {
        (Ok(status), true) => format!("{status}, end after {}", Time(took)),
        (Ok(status), false) => format!("{status}, no end"),
        (Err(error), _) => format!("no answer: {error:#}"),
    };
    let holds = status.is_ok_and(|status| status == 400) && ended && took <= SLACK;
    let bound = format!("400, end ≤ {}", Time(SLACK));
    let mut findings = vec![Finding::new("an HTTP request", figure, bound, holds)];
    for (what, unit) in [
        ("an HTTP request without end", "GET / HTTP/1.1\r\n"),
        ("words without end", "what is this? "),
        ("zeros without end", "\0"),
    ] {
        let mut peer = Peer::connect(server)?;
        let started = Instant::now();
        let flood = peer.flood(unit.as_bytes(), u64::MAX, 2 * FAREWELL)?;
        let ended = (flood.stopped == Stopped::Ended).then(|| started.elapsed());
        findings.push(Finding::happened(what, ended, FAREWELL + SLACK));
    }
    Ok(findings)
}

/// Sends unfinished records. A record is stored as it arrives, until it is complete.
pub(super) fn unfinished_record(field: &Field) -> Result<Vec<Finding>> {
    let mut wire = record_header(APPLICATION_DATA, RECORD + ENCRYPTION);
    wire.resize(wire.len() + RECORD + ENCRYPTION - 1, 0);
    let mut peers = Vec::new();
    for _ in 0..UNFINISHED_ON {
        let (mut peer, _) = Peer::open(field.target.endpoint())?.unsealed()?;
        peer.send(&wire)?;
        peers.push(peer);
    }
    thread::sleep(SLACK);
    let each = field.target.growth()? / UNFINISHED_ON;
    let held = Finding::bytes("held per connection", each, HELD_BY_RECORD);
    let mut ended = 0;
    let started = Instant::now();
    for peer in &mut peers {
        // This record is not sealed.
        peer.send(&[0])?;
        ended += usize::from(peer.ended());
    }
    Ok(vec![
        held,
        Finding::count("ended after the last byte", ended, peers.len()),
        Finding::time("all of them after", started.elapsed(), FAREWELL + SLACK),
    ])
}

/// Sends key updates, each of which demands an answer. Key updates without messages between them
/// are limited in number.
pub(super) fn key_updates(field: &Field) -> Result<Vec<Finding>> {
    const ALONE: usize = 1_000;
    const BETWEEN_PINGS: usize = 20_000;
    let mut peer = Peer::open(field.target.endpoint())?;
    let alone = update_keys(&mut peer, ALONE, &[])?;
    let ended = alone < ALONE || peer.ended();
    let mut peer = Peer::open(field.target.endpoint())?;
    let ping = Client.frame(PING, &[b'p'; 125]);
    let (between, live) =
        beside_live_traffic(field, || update_keys(&mut peer, BETWEEN_PINGS, &ping))?;
    let mut findings = vec![
        ended_or_open("key updates alone", ended),
        Finding::note("key updates between pings", between),
    ];
    findings.extend(live);
    Ok(findings)
}

/// Updates the keys `times` times, each time followed by these bytes. Returns the number of
/// successful updates.
fn update_keys(peer: &mut Peer, times: usize, followed_by: &[u8]) -> Result<usize> {
    for time in 0..times {
        peer.session()?.refresh_traffic_keys()?;
        if peer.send(followed_by).is_err() {
            return Ok(time);
        }
    }
    Ok(times)
}

/// Sends records without content. Such a record makes no progress, and costs the server as much as
/// the peer. Without a byte between them, their number is limited.
pub(super) fn empty_records(field: &Field) -> Result<Vec<Finding>> {
    const CONNECTIONS: usize = 4;
    let (mut alone, mut sealer) = Peer::open(field.target.endpoint())?.unsealed()?;
    let mut wire = Vec::new();
    for _ in 0..1_000 {
        wire.extend(sealer.seal(ContentType::ApplicationData, b"")?);
    }
    // The server may have ended the connection before all bytes are written.
    let alone_ended = alone.send(&wire).is_err() || alone.ended();
    let mut floods = Vec::new();
    for _ in 0..CONNECTIONS {
        let (peer, sealer) = Peer::open(field.target.endpoint())?.unsealed()?;
        // The records are sealed before, so that the server is the slower side.
        floods.push((peer, slow_message(sealer)?));
    }
    let sent = floods.iter().map(|(_, wire)| wire.len() as u64).sum();
    let started = Instant::now();
    let (ended, live) = beside_live_traffic(field, || {
        thread::scope(|scope| {
            let floods: Vec<_> = floods
                .iter_mut()
                .map(|(peer, wire)| scope.spawn(|| peer.send(wire).is_ok() && peer.ended()))
                .collect();
            let ended = floods
                .into_iter()
                .filter_map(|flood| flood.join().expect("a flood does not panic").then_some(()));
            Ok(ended.count())
        })
    })?;
    let mut findings = vec![
        ended_or_open("without content alone", alone_ended),
        Finding::note("sent with single bytes", Bytes(sent)),
        Finding::note("all of them after", Time(started.elapsed())),
        Finding::count("Close after them", ended, CONNECTIONS),
    ];
    findings.extend(live);
    Ok(findings)
}

/// Returns records of a message, one byte each, with the most allowed number of empty records
/// between them. A Close follows.
fn slow_message(mut sealer: Sealer) -> Result<Vec<u8>> {
    const LEN: u16 = 12_000;
    /// rustls accepts 32 in a row.
    const BETWEEN: usize = 30;
    let mut seal = |bytes: &[u8]| sealer.seal(ContentType::ApplicationData, bytes);
    let mut wire = seal(&wire::header(0x80 | BINARY, Some(wire::KEY), LEN.into()))?;
    for _ in 0..LEN {
        for _ in 0..BETWEEN {
            wire.extend(seal(b"")?);
        }
        wire.extend(seal(b"o")?);
    }
    wire.extend(seal(&Client.close(1000, ""))?);
    Ok(wire)
}

fn ended_or_open(what: &str, ended: bool) -> Finding {
    let figure = if ended { "ended" } else { "open" };
    Finding::new(what, figure, "ended", ended)
}

/// Opens connections one after the other, which end in different ways. They must leave nothing.
pub(super) fn churn(field: &Field) -> Result<Vec<Finding>> {
    const CONNECTIONS: usize = 2_000;
    let server = field.target.endpoint();
    let hello = trust(field)?.client_hello(server.address)?;
    crowds::churned(field, CONNECTIONS, |at| {
        let tcp = || Peer::connect(server.address);
        match at % 6 {
            0 => drop(tcp()?),
            1 => drop(sent(tcp()?, &hello[..hello.len() / 2])?),
            // The answer to a ClientHello is under way.
            2 => sent(tcp()?, &hello)?.reset()?,
            3 => drop(Peer::connect(&server)?),
            4 => Peer::open(&server)?.reset()?,
            _ => {
                let mut peer = Peer::open(&server)?;
                peer.echo(b"in passing")?;
                peer.close()?;
            }
        }
        Ok(())
    })
}

/// Returns the trust in the attacked server.
fn trust(field: &Field) -> Result<&Trust> {
    let trust = field.target.trust.as_ref();
    trust.context("the server does not use TLS")
}
