//! Messages that are announced and not sent, or that never end.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ws_test_client::Peer;
use ws_test_client::peer::PATIENCE;
use ws_test_client::wire::From::Client;
use ws_test_client::wire::{self, BINARY, CLOSE, CONTINUATION, TEXT};

use super::{Field, MIB, SLACK};
use crate::finding::{Bytes, Finding};

/// The longest message that a server accepts.
pub(super) const MAX_MESSAGE: u64 = 16 * MIB;

/// The most fragments of a message.
const MAX_FRAGMENTS: usize = 131_072;

/// The number of connections that announce much and send little.
pub(super) const ANNOUNCED_ON: u64 = 100;

/// The number of connections that send fragments of one byte, and the number of fragments of each.
pub(super) const BYTES_ON: u64 = 50;
pub(super) const BYTES: u64 = 100_000;

/// The time until the server has ended the connection after a violation.
const FAILURE: Duration = Duration::from_secs(1);

/// Announces long frames. The memory must follow the received bytes, not the announced length.
pub(super) fn announced(field: &Field) -> Result<Vec<Finding>> {
    let mut wire = wire::header(0x80 | BINARY, Some(wire::KEY), MAX_MESSAGE);
    wire.extend([0; 3]);
    let mut peers = Vec::new();
    for _ in 0..ANNOUNCED_ON {
        let mut peer = Peer::open(field.target.address)?;
        peer.send(&wire)?;
        peers.push(peer);
    }
    thread::sleep(SLACK);
    let held = field.target.growth()?;
    let each = held / ANNOUNCED_ON;
    Ok(vec![Finding::bytes("held per connection", each, 64 * 1024)])
}

/// Sends empty fragments. Fragments are counted, because empty ones never reach a limit of bytes.
pub(super) fn empty_fragments(field: &Field) -> Result<Vec<Finding>> {
    let mut peer = Peer::open(field.target.address)?;
    let empty = Client.fragment(CONTINUATION, b"");
    let mut wire = Client.fragment(TEXT, b"");
    wire.extend(empty.repeat(MAX_FRAGMENTS - 1));
    peer.send(&wire)?;
    let at_the_limit = peer.pings();
    // The server may have ended the connection before all bytes are written.
    let _ = peer.send(&empty);
    Ok(vec![
        Finding::new(
            "after 131,072 fragments",
            if at_the_limit { "open" } else { "ended" },
            "open",
            at_the_limit,
        ),
        close_code("after one more", &mut peer, 1008),
    ])
}

/// Sends fragments of one byte. All messages stay unfinished until each connection has sent all its
/// bytes.
pub(super) fn byte_fragments(field: &Field) -> Result<Vec<Finding>> {
    const TURNS: usize = 100;
    let len = usize::try_from(BYTES)?;
    let mut peers = Vec::new();
    for _ in 0..BYTES_ON {
        let mut peer = Peer::open(field.target.address)?;
        peer.send(&Client.fragment(BINARY, b""))?;
        peers.push(peer);
    }
    let turn = Client.fragment(CONTINUATION, b"o").repeat(len / TURNS);
    for _ in 0..TURNS {
        for peer in &mut peers {
            peer.send(&turn)?;
        }
    }
    let ready = peers
        .iter_mut()
        .filter_map(|peer| peer.pings().then_some(()));
    let open = Finding::count("connections that accept all", ready.count(), peers.len());
    let held = field.target.growth()?;
    let whole = vec![b'o'; len];
    let mut echoed = 0;
    for peer in &mut peers {
        peer.send(&Client.frame(CONTINUATION, b""))?;
        echoed += usize::from(peer.expect_message(&whole).is_ok());
    }
    let each = held / BYTES_ON;
    Ok(vec![
        open,
        Finding::bytes("held per connection", each, 2 * BYTES + 64 * 1024),
        Finding::count("messages echoed whole", echoed, peers.len()),
    ])
}

/// Sends an endless message. The limit is exact, and bytes after it are not stored.
pub(super) fn endless_message(field: &Field) -> Result<Vec<Finding>> {
    const FRAGMENT: usize = 64 * 1024;
    let mut peer = Peer::open(field.target.address)?;
    let fragment = Client.fragment(CONTINUATION, &[b'f'; FRAGMENT]);
    let all = fragment.len() as u64 * (256 * MIB / FRAGMENT as u64);
    peer.send(&Client.fragment(BINARY, b""))?;
    let at_limit = fragment.len() as u64 * (MAX_MESSAGE / FRAGMENT as u64);
    let first = peer.flood(&fragment, at_limit, PATIENCE)?;
    let open = peer.pings();
    peer.send(&Client.fragment(CONTINUATION, b"1"))
        .context("the server ended the connection at its limit")?;
    let second = peer.flood(&fragment, all - at_limit, PATIENCE)?;
    Ok(vec![
        Finding::new(
            "after 16 MiB",
            if open { "open" } else { "ended" },
            "open",
            open,
        ),
        close_code("after one byte more", &mut peer, 1009),
        Finding::note(
            "bytes taken in all",
            Bytes(first.accepted + second.accepted),
        ),
    ])
}

/// Expects that the next frame is a Close with this code, and that the connection then ends.
pub(super) fn close_code(what: &str, peer: &mut Peer, wanted: u16) -> Finding {
    let started = Instant::now();
    let frame = peer.receive();
    let is_wanted = frame.as_ref().is_ok_and(|frame| frame.is_close(wanted));
    let figure = match frame {
        Ok(frame) if frame.opcode() == CLOSE => format!("Close {}", frame.close_code()),
        Ok(frame) => format!("a frame with opcode {}", frame.opcode()),
        Err(error) => format!("no frame: {error}"),
    };
    let ended = peer.ended() && started.elapsed() <= FAILURE + SLACK;
    let end = if ended { "end" } else { "no end" };
    let holds = is_wanted && ended;
    let figure = format!("{figure}, {end}");
    Finding::new(what, figure, format!("Close {wanted}, end"), holds)
}
