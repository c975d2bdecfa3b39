//! A client and a server in memory, with virtual time: what each says to the other, and how it ends.

#![forbid(unsafe_code)]

mod closing;
mod control;
mod deadlines;
mod fragments;
mod messages;
mod queue;
#[path = "../support/mod.rs"]
mod support;
mod violations;

use std::time::Duration;

use support::{Seen, Wire, connection, feed};
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, ControlPayload, End, Initiator,
    ReceiveError, Role,
};

const BOTH: [Role; 2] = [Role::Client, Role::Server];

fn new(role: Role) -> Connection {
    connection(role, &Config::default())
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(CloseCode::new(code), CloseReason::new(reason).unwrap())
}

fn payload(octets: &[u8]) -> ControlPayload {
    ControlPayload::new(octets).unwrap()
}

fn output(connection: &mut Connection) -> Vec<u8> {
    support::output(&mut connection.send)
}

fn input(connection: &mut Connection, bytes: &[u8]) -> (Vec<Seen>, Option<ReceiveError>) {
    let mut events = Vec::new();
    let error = feed(connection, bytes, |event, _| events.push(event));
    (events, error)
}

fn wire(sender: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(sender);
    script(&mut wire);
    wire.octets
}

/// Code and reason of a Close.
type Said = Option<(u16, String)>;

/// Initiator, our Close, the peer's, clean.
fn end(connection: &Connection) -> Option<(Initiator, Said, Said, bool)> {
    let said = |close: CloseFrame| (close.code.number(), close.reason.to_string());
    let End {
        initiator,
        local,
        peer,
        clean,
        ..
    } = connection.send.end()?;
    Some((initiator, local.map(said), peer.map(said), clean))
}

/// As [`end`] gives it: code 0 stands for no Close.
fn ended(
    initiator: Initiator,
    local: (u16, &str),
    peer: (u16, &str),
    clean: bool,
) -> Option<(Initiator, Said, Said, bool)> {
    let said = |(code, reason): (u16, &str)| (code != 0).then(|| (code, reason.to_string()));
    Some((initiator, said(local), said(peer), clean))
}

/// No Close.
const NONE: (u16, &str) = (0, "");

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
