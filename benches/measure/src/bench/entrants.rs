//! Programs other than echo servers: servers that broadcast, and clients.

use super::contestant::{Contestant, Package, Side, Task};

/// Returns all programs, in the order of the tables.
pub(super) fn all() -> Vec<Contestant> {
    LINES.iter().map(Line::contestant).collect()
}

/// A line of the table of programs.
struct Line {
    name: &'static str,
    task: Task,
    side: Side,
    program: &'static str,
    options: &'static [&'static str],
}

const TUNED: &[&str] = &["--tuned"];

const LINES: &[Line] = &[
    broadcast("broadcast-tokio", Side::Ours, "broadcast-tokio", &[]),
    broadcast(
        "broadcast-tokio-websockets",
        Side::Peer,
        "broadcast-tokio-websockets",
        &[],
    ),
    broadcast(
        "broadcast-tokio-websockets-tuned",
        Side::Peer,
        "broadcast-tokio-websockets",
        TUNED,
    ),
    client("client-tokio", Side::Ours),
    client("client-tokio-websockets", Side::Peer),
    client("client-fastwebsockets", Side::Peer),
    client("client-tokio-tungstenite", Side::Peer),
];

const fn broadcast(
    name: &'static str,
    side: Side,
    program: &'static str,
    options: &'static [&'static str],
) -> Line {
    Line {
        name,
        task: Task::Broadcast,
        side,
        program,
        options,
    }
}

const fn client(name: &'static str, side: Side) -> Line {
    Line {
        name,
        task: Task::Client,
        side,
        program: name,
        options: &[],
    }
}

impl Line {
    fn contestant(&self) -> Contestant {
        let package = match self.side {
            Side::Peer => Package::Peers,
            Side::Ours | Side::Floor => Package::Benches,
        };
        Contestant::of_task(
            self.task,
            self.name,
            self.side,
            (package, self.program),
            self.options,
        )
    }
}
