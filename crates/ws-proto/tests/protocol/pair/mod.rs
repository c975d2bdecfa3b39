//! A client and a server in memory, with virtual time.

mod closing;
mod control;
mod deadlines;
mod fragments;
mod messages;
mod queue;
mod violations;

use std::time::Duration;

use ws_proto::{
    CloseFrame, Config, Connection, ControlPayload, End, Initiator, ReceiveError, Role,
};

use crate::support::{self, Seen, connection, feed};

fn new(role: Role) -> Connection {
    connection(role, &Config::default())
}

fn payload(bytes: &[u8]) -> ControlPayload {
    ControlPayload::new(bytes).unwrap()
}

fn output(connection: &mut Connection) -> Vec<u8> {
    support::output(&mut connection.send)
}

fn input(connection: &mut Connection, bytes: &[u8]) -> (Vec<Seen>, Option<ReceiveError>) {
    let mut events = Vec::new();
    let error = feed(connection, bytes, |event, _| events.push(event));
    (events, error)
}

/// The code and the reason of a Close. `None` stands for no Close.
type Content = Option<(u16, String)>;

/// Returns the initiator, our Close, the peer's Close, and `true` for a clean end. Returns `None`
/// before the end.
fn end(connection: &Connection) -> Option<(Initiator, Content, Content, bool)> {
    let content = |close: CloseFrame| (close.code.number(), close.reason.to_string());
    let End {
        initiator,
        local,
        peer,
        clean,
        ..
    } = connection.send.end()?;
    Some((initiator, local.map(content), peer.map(content), clean))
}

/// Returns the expected value of [`end`]. Code 0 stands for no Close.
fn ended(
    initiator: Initiator,
    local: (u16, &str),
    peer: (u16, &str),
    clean: bool,
) -> Option<(Initiator, Content, Content, bool)> {
    let content = |(code, reason): (u16, &str)| (code != 0).then(|| (code, reason.to_string()));
    Some((initiator, content(local), content(peer), clean))
}

/// The argument of [`ended`] for no Close.
const NONE: (u16, &str) = (0, "");

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
