//! Attacks with many connections: at once, and one after the other.

use std::net::SocketAddr;
use std::thread;

use anyhow::Result;
use ws_test_client::Peer;
use ws_test_client::crowd::{self, Crowd, Habit, INTERRUPTED_AFTER};
use ws_test_client::peer::request;
use ws_test_client::wire::From::Server;

use super::{Field, MIB, SLACK};
use crate::finding::Finding;

/// The number of connections, if the limit of descriptors allows it.
const CONNECTIONS: usize = 10_000;

/// The memory of a connection that waits with this number of unread bytes.
const HELD: u64 = 16 * INTERRUPTED_AFTER as u64 + 4 * 1024;

/// The other memory of a connection: its task, its socket, and their bookkeeping.
const TASK_AND_SOCKET: u64 = 1024;

/// The memory that the pools of a thread may keep when a crowd leaves: 8 blocks for reading, 8 for
/// writing.
const POOLS: u64 = 16 * 64 * 1024;

/// Checks that 10,000 connections do not hold 10,000 blocks.
pub(super) fn tiny_messages(field: &Field) -> Result<Vec<Finding>> {
    let connections = CONNECTIONS.min(field.room);
    let target = &field.target;
    let crowd = crowd::Plan {
        server: target.endpoint(),
        connections,
        habit: Habit::Interrupted,
        offer: None,
    };
    let mut held = 0;
    // Memory that an allocator keeps of the first crowd must be enough for the second.
    let mut growth = [0; 2];
    for growth in &mut growth {
        let gathered = Crowd::gather(&crowd, |_| {})?;
        thread::sleep(SLACK);
        held = target
            .process
            .descriptors()?
            .saturating_sub(target.descriptors);
        *growth = target.growth()?;
        drop(gathered);
        target.wait_for_descriptors(10 * SLACK)?;
    }
    let [first, second] = growth;
    let again = second.saturating_sub(first);
    let each = first.div_ceil(connections.max(1) as u64);
    Ok(vec![
        Finding::count("connections held", held, connections),
        scaled(connections),
        Finding::bytes("resident per connection", each, HELD + TASK_AND_SOCKET),
        Finding::bytes("growth by a second crowd", again, MIB + POOLS),
    ])
}

/// Returns a note if the number of connections had to be reduced.
fn scaled(connections: usize) -> Finding {
    let figure = match connections {
        CONNECTIONS => "10,000, as intended".to_owned(),
        fewer => format!("{fewer}: the limit of descriptors allows no more"),
    };
    Finding::note("connections", figure)
}

/// Checks that closed connections leave nothing.
pub(super) fn churn(field: &Field) -> Result<Vec<Finding>> {
    churned(field, CONNECTIONS, |at| {
        come_and_go(field.target.address, at)
    })
}

/// Opens and closes this number of connections with `come_and_go`, one after the other, and checks
/// that they leave nothing.
pub(super) fn churned(
    field: &Field,
    connections: usize,
    come_and_go: impl Fn(usize) -> Result<()>,
) -> Result<Vec<Finding>> {
    const WARM_UP: usize = 500;
    let target = &field.target;
    for at in 0..WARM_UP {
        come_and_go(at)?;
    }
    target.wait_for_descriptors(10 * SLACK)?;
    let before = target.process.resident()?;
    for at in 0..connections {
        come_and_go(at)?;
    }
    let back = target.wait_for_descriptors(10 * SLACK)?;
    let grown = target.process.resident()?.saturating_sub(before);
    Ok(vec![
        Finding::happened("descriptors back", back, SLACK),
        Finding::bytes("growth after the first 500", grown, MIB),
    ])
}

/// Opens a connection and ends it in one of several ways.
fn come_and_go(server: SocketAddr, at: usize) -> Result<()> {
    match at % 6 {
        0 => drop(Peer::connect(server)?),
        1 => Peer::connect(server)?.send(&request(server, "")[..30])?,
        2 => drop(Peer::open(server)?),
        3 => Peer::open(server)?.reset()?,
        4 => {
            let mut peer = Peer::open(server)?;
            peer.send(&Server.text("hi"))?;
            peer.receive()?;
        }
        _ => {
            let mut peer = Peer::open(server)?;
            peer.echo(b"in passing")?;
            peer.close()?;
        }
    }
    Ok(())
}
