//! Connections that do not end in the right order.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use ws_test_client::Peer;
use ws_test_client::peer::{Stopped, request};
use ws_test_client::wire::BINARY;
use ws_test_client::wire::From::{Client, Server};

use super::{Field, SLACK};
use crate::finding::{Bytes, Finding};

/// The number of connections of each attack.
const CONNECTIONS: usize = 20;

/// The number of connections that are reset.
const RESETS: usize = 100;

/// The time until TCP has ended after a violation.
const FAILURE: Duration = Duration::from_secs(1);

/// The time until TCP has ended after both Closes.
const CLOSE: Duration = Duration::from_secs(5);

/// After a violation, the server waits for the peer, but only for a limited time.
pub(super) fn silent_after_violation(field: &Field) -> Result<Vec<Finding>> {
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        peers.push(Peer::open(field.target.address)?);
    }
    let started = Instant::now();
    for (at, peer) in peers.iter_mut().enumerate() {
        peer.send(&Server.text("hi"))?;
        if at % 2 == 0 {
            peer.send(&Client.frame(BINARY, &[0; 1000]))?;
        }
    }
    let gone = field.target.wait_for_descriptors(3 * FAILURE)?;
    let gone = gone.map(|_| started.elapsed());
    // The Close of the server is read only now. Reading from a silent server would take the whole
    // timeout.
    let told = peers
        .iter_mut()
        .map_while(|peer| peer.receive().ok())
        .filter(|frame| frame.is_close(1002));
    let told = told.count();
    Ok(vec![
        Finding::happened("sockets given up", gone, FAILURE + SLACK),
        Finding::count("Close 1002", told, peers.len()),
    ])
}

/// Bytes after a violation are ignored, and only for a limited time.
pub(super) fn talking_after_violation(field: &Field) -> Result<Vec<Finding>> {
    let mut peer = Peer::open(field.target.address)?;
    let started = Instant::now();
    peer.send(&Server.text("hi"))?;
    let more = Client.frame(BINARY, &[0; 1000]);
    let flood = peer.flood(&more, u64::MAX, FAILURE)?;
    let ended = (flood.stopped == Stopped::Ended).then(|| started.elapsed());
    let told = peer.receive().is_ok_and(|frame| frame.is_close(1002));
    Ok(vec![
        Finding::note("bytes taken", Bytes(flood.accepted)),
        Finding::happened("TCP ended", ended, FAILURE + SLACK),
        Finding::count("Close 1002", usize::from(told), 1),
    ])
}

/// After both Closes, the server ends TCP first (RFC 6455 §7.1.1). It then waits for the peer, but
/// only for a limited time.
pub(super) fn silent_after_close(field: &Field) -> Result<Vec<Finding>> {
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        peers.push(Peer::open(field.target.address)?);
    }
    let started = Instant::now();
    for peer in &mut peers {
        peer.send(&Client.close(1000, ""))?;
    }
    let mut ended = 0;
    for peer in &mut peers {
        ended += usize::from(peer.receive()?.is_close(1000) && peer.ended());
    }
    let at_once = started.elapsed();
    let gone = field.target.wait_for_descriptors(2 * CLOSE)?;
    let gone = gone.map(|_| started.elapsed());
    Ok(vec![
        Finding::count("Close 1000 and the end", ended, peers.len()),
        Finding::time("all of them after", at_once, SLACK),
        Finding::happened("sockets given up", gone, CLOSE + SLACK),
    ])
}

/// After a reset, the server frees everything.
pub(super) fn resets(field: &Field) -> Result<Vec<Finding>> {
    let server = field.target.address;
    let message = Client.frame(BINARY, &[0; 100_000]);
    let request = request(server, "");
    let mut peers = Vec::new();
    for at in 0..RESETS {
        let mut peer = match at % 4 {
            0 => Peer::connect(server)?,
            _ => Peer::open(server)?,
        };
        peer.send(match at % 4 {
            0 => &request[..request.len() / 2],
            1 => &message[..1],
            2 => &message[..20],
            _ => &message[..50_000],
        })?;
        peers.push(peer);
    }
    // The received bytes stay in the server.
    thread::sleep(SLACK);
    let reset = Instant::now();
    for peer in peers {
        peer.reset()?;
    }
    let gone = field.target.wait_for_descriptors(CLOSE)?;
    let gone = gone.map(|_| reset.elapsed());
    Ok(vec![Finding::happened("sockets given up", gone, SLACK)])
}
