//! Tests of the suite over TLS, in both roles.

#![forbid(unsafe_code)]

mod bridge;
mod certificates;
mod client;
mod command;
mod records;
mod server;
#[path = "../testees/mod.rs"]
#[allow(dead_code, reason = "shared with the examples")]
mod testees;

use std::net::SocketAddr;
use std::thread;

use testees::{Fault, Pace, Server};
use ws_conformance::case::{Case, Level};
use ws_conformance::cases;
use ws_conformance::settings::Settings;
use ws_conformance::verdict::{Behavior, CloseBehavior, Verdict};

/// The times of testees, for the time limits of [`patient`].
const PACE: Pace = Pace::scaled(20.0);

/// Cases of each group: whole frames, long ones, byte by byte, many at a time, and compressed.
const SOME: [&str; 11] = [
    "1.1.1", "1.2.8", "2.2", "2.6", "5.1", "6.2.3", "7.1.1", "9.1.1", "9.5.1", "10.1.1", "12.1.1",
];

/// Returns settings with time for a busy machine. A correct peer answers at once otherwise.
fn patient() -> Settings {
    Settings::default().with_time_scale(20.0).with_messages(20)
}

fn cases(ids: &[&[&str]]) -> Vec<&'static Case> {
    let ids = ids.iter().copied().flatten();
    ids.map(|id| cases::find(id.parse().unwrap()).unwrap())
        .collect()
}

/// Returns `true` for the verdict on a correct testee: INFORMATIONAL if no rule prescribes a
/// reaction.
fn is_good(record: &ws_conformance::record::Record) -> bool {
    let behavior = match record.level {
        Some(Level::Informational) => Behavior::Informational,
        _ => Behavior::Ok,
    };
    let close = CloseBehavior::Ok;
    record.verdict == Verdict { behavior, close }
}

/// Returns the address of a correct server without TLS.
fn plain_server() -> SocketAddr {
    let server = Server::bind(0).unwrap().with_pace(PACE);
    let url = server.url();
    thread::spawn(move || server.serve(Fault::named("compressed")));
    url.trim_start_matches("ws://").parse().unwrap()
}
