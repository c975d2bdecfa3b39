//! The suite over TLS, both ways.

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
use ws_conformance::any_case::{self, AnyCase};
use ws_conformance::settings::Settings;
use ws_conformance::verdict::{Behavior, Verdict};

/// The times of testees, for the time limits of [`patient`].
const PACE: Pace = Pace::slowed(20);

/// Some of each group: whole frames, long ones, octet by octet, many at a time, and compressed.
const SOME: [&str; 11] = [
    "1.1.1", "1.2.8", "2.2", "2.6", "5.1", "6.2.3", "7.1.1", "9.1.1", "9.5.1", "10.1.1", "12.1.1",
];

/// A good peer needs next to no time: that a busy machine takes its time must not count.
fn patient() -> Settings {
    Settings::default().with_time_scale(20.0).with_messages(20)
}

fn cases(ids: &[&[&str]]) -> Vec<AnyCase> {
    let ids = ids.iter().copied().flatten();
    ids.map(|id| any_case::find(id.parse().unwrap()).unwrap())
        .collect()
}

/// The verdict of a good testee; the extra cases do not judge the close on its own.
fn is_good(record: &ws_conformance::record::Record) -> bool {
    match record.level {
        None => record.verdict == Verdict::GOOD,
        Some(_) => record.verdict.behavior == Behavior::Ok,
    }
}

/// Where a good server listens, without TLS.
fn plain_server() -> SocketAddr {
    let server = Server::bind(0).unwrap().with_pace(PACE);
    let url = server.url();
    thread::spawn(move || server.serve(Fault::Compressed));
    url.trim_start_matches("ws://").parse().unwrap()
}
